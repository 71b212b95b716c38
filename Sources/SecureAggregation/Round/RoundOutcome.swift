import Cryptography
import FixedPoint

/// A finished round.
public struct RoundOutcome: Sendable, Hashable {
  public let epoch: UInt32
  public let round: UInt64
  public let binding: RoundBinding
  /// The sum with its constant coordinate: shared with the message that published it.
  let sum: RingVector
  /// U2: whose answers are in the sum.
  public let participants: [UInt16]
  /// R_r.
  public let digest: Digest

  /// The sum of the answers, without the constant coordinate. A copy: take it once.
  public var total: RingVector { sum.withoutConstant }
}
