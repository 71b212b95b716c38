import Cryptography

/// Hashes a vector's payload while it arrives, so that the aggregator's session does not have to go
/// over it a second time. One digester for each payload; it may run beside other receivers.
public struct PayloadDigester: ~Copyable {
  private var hash: Blake2b
  private let byteCount: Int
  private var received = 0

  /// - Parameter byteCount: the length that the payload will have, from the transport's frame.
  public init(byteCount: Int) {
    hash = Blake2b(Labels.vector)
    hash.update(integer: UInt64(max(byteCount, 0)))
    self.byteCount = byteCount
  }

  /// Adds the next bytes, in order.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    hash.update(bytes)
    received += bytes.count
  }

  /// The digest; nil when not exactly the announced number of bytes came.
  public consuming func finish() -> PayloadDigest? {
    let isComplete = received == byteCount
    let count = byteCount
    let digest = hash.finish()
    return isComplete ? PayloadDigest(digest: digest, byteCount: count) : nil
  }
}

/// The digest of a payload that this process has hashed. Made only by `PayloadDigester`.
public struct PayloadDigest: Sendable, Hashable {
  /// vectorDigest (protocol/README.md §4).
  public let digest: Digest
  let byteCount: Int
}
