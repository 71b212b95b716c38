import Cryptography
import FixedPoint

/// A finished round.
public struct RoundOutcome: Sendable, Hashable {
  public let epoch: UInt32
  public let round: UInt64
  public let binding: RoundBinding
  /// The sum, with its constant coordinate first: shared with the message that published it.
  public let sum: RingVector
  /// U2: whose answers are in the sum.
  public let participants: [UInt16]
  /// R_r.
  public let digest: Digest
  /// Positions in `binding.layers` whose noise is off the sum, by site. A site of `participants` that
  /// is missing here left all its layers in: more noise than planned, never less.
  public let removedLayers: [UInt16: [Int]]

  init(
    epoch: UInt32, round: UInt64, binding: RoundBinding, sum: RingVector, participants: [UInt16],
    digest: Digest, removedLayers: [UInt16: [Int]] = [:]
  ) {
    self.epoch = epoch
    self.round = round
    self.binding = binding
    self.sum = sum
    self.participants = participants
    self.digest = digest
    self.removedLayers = removedLayers
  }

  /// The sum of the answers, without the constant coordinate. A copy: take it once.
  public var total: RingVector { sum.withoutConstant }
}
