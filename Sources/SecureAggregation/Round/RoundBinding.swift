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
  /// The removable parts of the sites' noise, largest limit first; empty for a round without.
  public let layers: [NoiseLayer]

  /// - Parameter layers: limits strictly descending, at most 8; a round with others does not open.
  public init(
    purpose: String, queryDigest: Digest, ringWidth: RingWidth, vectorLength: UInt32,
    layers: [NoiseLayer] = []
  ) {
    self.layers = layers
    self.purpose = purpose
    self.queryDigest = queryDigest
    self.ringWidth = ringWidth
    self.vectorLength = vectorLength
  }

  /// The binding of a query whose answer has `answerLength` coordinates; nil when the purpose is
  /// longer than 64 bytes, the length is outside 1 … 2^32 − 2, or the layers are not as `NoiseLayer`
  /// says.
  public init?(
    purpose: String, queryDigest: Digest, ringWidth: RingWidth, answerLength: Int,
    layers: [NoiseLayer] = []
  ) {
    guard NoiseLayer.areValid(layers), purpose.utf8.count <= RoundOpen.purposeLimit,
      answerLength >= 1, answerLength < .max,
      let length = UInt32(exactly: answerLength + 1)
    else { return nil }
    self.init(
      purpose: purpose, queryDigest: queryDigest, ringWidth: ringWidth, vectorLength: length,
      layers: layers)
  }
}
