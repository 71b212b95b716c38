/// A cryptographic generator for the standard library's random functions: the AES-256-CTR keystream
/// of a key drawn once from an entropy source. A class, so that a copy never repeats its words.
public final class KeystreamGenerator: RandomNumberGenerator {
  private static let bufferedWordCount = 1_024

  private var keystream: AESKeystream
  private let words: UnsafeMutableBufferPointer<UInt64>
  private var used: Int

  /// Draws a 32-byte key from `entropy`.
  public init(from entropy: inout some EntropySource) throws(CryptographyError) {
    let key = try SecretBytes(random: AESKeystream.keyByteCount, from: &entropy)
    keystream = try key.withUnsafeBytes { (key) throws(CryptographyError) in
      try AESKeystream(key: key)
    }
    words = .allocate(capacity: Self.bufferedWordCount)
    words.initialize(repeating: 0)
    used = Self.bufferedWordCount
  }

  deinit {
    wipe(UnsafeMutableRawBufferPointer(words))
    words.deallocate()
  }

  public func next() -> UInt64 {
    if used == words.count {
      keystream.next(into: UnsafeMutableRawBufferPointer(words))
      used = 0
    }
    defer { used += 1 }
    return UInt64(littleEndian: words[used])
  }
}
