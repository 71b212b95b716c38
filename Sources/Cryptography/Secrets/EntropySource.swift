import CSodium

/// Where a pure core gets its randomness: handed in by the caller, never taken from a global.
public protocol EntropySource {
  /// Fills the buffer with uniform bytes, or throws `entropyExhausted`.
  mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(CryptographyError)
}

extension EntropySource {
  /// Draws `count` bytes that need no protection (nonces, public randomness).
  public mutating func bytes(_ count: Int) throws(CryptographyError) -> [UInt8] {
    var result = [UInt8](repeating: 0, count: count)
    var failure: CryptographyError?
    result.withUnsafeMutableBytes { target in
      do throws(CryptographyError) { try fill(target) } catch { failure = error }
    }
    if let failure { throw failure }
    return result
  }
}

/// The operating system's generator through libsodium (`getrandom`).
public struct SystemEntropy: EntropySource, Sendable {
  public init() {}

  public mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(CryptographyError) {
    precondition(Sodium.isReady, "libsodium initialises on every supported system")
    guard let base = buffer.baseAddress else { return }
    randombytes_buf(base, buffer.count)
  }
}

/// A reproducible source for tests and simulations: BLAKE2b of a seed and a block counter.
///
/// Block k is BLAKE2b-256(personal "wr.entropy", seed ‖ k as 64-bit little-endian). Anyone who
/// knows the seed knows every byte: never for a deployment.
public struct SeededEntropy: EntropySource, Sendable {
  private let seed: UInt64
  private var counter: UInt64 = 0
  private var block: [UInt8] = []
  private var used = 0

  public init(seed: UInt64) {
    self.seed = seed
  }

  public mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(CryptographyError) {
    var written = 0
    while written < buffer.count {
      if used == block.count { refill() }
      let take = min(block.count - used, buffer.count - written)
      for index in 0..<take { buffer[written + index] = block[used + index] }
      used += take
      written += take
    }
  }

  private mutating func refill() {
    var hash = Blake2b("wr.entropy")
    hash.update(integer: seed)
    hash.update(integer: counter)
    block = hash.finish().bytes
    used = 0
    counter &+= 1
  }
}

/// Replays a fixed byte string, so that a known-answer test fixes all randomness.
public struct RecordedEntropy: EntropySource, Sendable {
  private let recording: [UInt8]
  private var used = 0

  public init(_ recording: [UInt8]) {
    self.recording = recording
  }

  /// How many bytes have not been drawn.
  public var remaining: Int { recording.count - used }

  public mutating func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(CryptographyError) {
    guard buffer.count <= remaining else { throw CryptographyError(.entropyExhausted) }
    for index in 0..<buffer.count { buffer[index] = recording[used + index] }
    used += buffer.count
  }
}
