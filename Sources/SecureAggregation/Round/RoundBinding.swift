import Cryptography
import FixedPoint

/// What a round is about. A site derives it itself, from the agreed study and the totals so far; the
/// aggregator's RoundOpen has to say the same.
public struct RoundBinding: Sendable, Hashable {
  /// At most 64 bytes of UTF-8; separates uses of the same query bytes.
  public let purpose: String
  /// The digest of the canonical bytes of the query, which stand for configuration and model.
  public let queryDigest: Digest
  public let ringWidth: RingWidth
  /// Ring words on the wire: one more than the answer has, for the constant coordinate. 2 or more.
  public let vectorLength: UInt32

  public init(purpose: String, queryDigest: Digest, ringWidth: RingWidth, vectorLength: UInt32) {
    self.purpose = purpose
    self.queryDigest = queryDigest
    self.ringWidth = ringWidth
    self.vectorLength = vectorLength
  }

  /// The binding of a query whose answer has `answerLength` coordinates; nil when the purpose is
  /// longer than 64 bytes or the length is outside 1 … 2^32 − 2.
  public init?(purpose: String, queryDigest: Digest, ringWidth: RingWidth, answerLength: Int) {
    guard purpose.utf8.count <= RoundOpen.purposeLimit, answerLength >= 1, answerLength < .max,
      let length = UInt32(exactly: answerLength + 1)
    else { return nil }
    self.init(
      purpose: purpose, queryDigest: queryDigest, ringWidth: ringWidth, vectorLength: length)
  }
}
