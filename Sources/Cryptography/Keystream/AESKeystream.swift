import COpenSSL

/// The keystream of AES-256 in counter mode from counter 0 (NIST SP 800-38A §6.5): the pseudorandom
/// generator behind every mask.
///
/// A key is used for one keystream only; its owner derives a fresh one for every use.
public struct AESKeystream: ~Copyable {
  public static let keyByteCount = 32
  /// Bytes produced per call of the cipher: source, output and the words they are added to stay in
  /// the first-level cache together.
  static let blockByteCount = 8_192

  private let context: OpaquePointer

  /// Throws `wrongLength` unless the key has 32 bytes, and `cipherUnavailable`.
  public init(key: UnsafeRawBufferPointer) throws(CryptographyError) {
    try self.init(key: key, initialCounter: nil)
  }

  package init(
    key: UnsafeRawBufferPointer, initialCounter: [UInt8]?
  ) throws(CryptographyError) {
    guard key.count == Self.keyByteCount, initialCounter.map({ $0.count == 16 }) ?? true else {
      throw CryptographyError(.wrongLength)
    }
    guard let context = EVP_CIPHER_CTX_new() else {
      throw CryptographyError(.cipherUnavailable)
    }
    let status = EVP_EncryptInit_ex(
      context, EVP_aes_256_ctr(), nil, key.baseAddress?.assumingMemoryBound(to: UInt8.self),
      initialCounter ?? [UInt8](repeating: 0, count: 16))
    guard status == 1 else {
      EVP_CIPHER_CTX_free(context)
      throw CryptographyError(.cipherUnavailable)
    }
    self.context = context
  }

  deinit {
    // Cleanses the key schedule before freeing it.
    EVP_CIPHER_CTX_free(context)
  }

  /// Encrypts `source` over `target`; both have the same length.
  package mutating func encrypt(
    _ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
  ) {
    precondition(source.count == target.count, "the caller passes buffers of one length")
    var done = 0
    while done < source.count {
      let count = min(Self.blockByteCount, source.count - done)
      Self.encrypt(
        context, UnsafeRawBufferPointer(rebasing: source[done..<(done + count)]),
        into: UnsafeMutableRawBufferPointer(rebasing: target[done..<(done + count)]))
      done += count
    }
  }

  /// Overwrites `target` with the next bytes of the keystream.
  public mutating func next(into target: UnsafeMutableRawBufferPointer) {
    wipe(target)
    encrypt(UnsafeRawBufferPointer(target), into: target)
  }

  /// Gives the context away; the receiver frees it.
  consuming func release() -> OpaquePointer {
    let context = context
    discard self
    return context
  }

  /// One call of the cipher, at most `blockByteCount` bytes.
  @inline(__always)
  static func encrypt(
    _ context: OpaquePointer, _ source: UnsafeRawBufferPointer,
    into target: UnsafeMutableRawBufferPointer
  ) {
    var written: Int32 = 0
    let status = EVP_EncryptUpdate(
      context, target.baseAddress?.assumingMemoryBound(to: UInt8.self), &written,
      source.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32(source.count))
    precondition(
      status == 1 && Int(written) == source.count,
      "counter mode with an initialised context takes any length")
  }
}
