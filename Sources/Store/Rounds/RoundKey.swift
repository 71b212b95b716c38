/// One round of secure summation: a study, an epoch of keys, and a round number.
public struct RoundKey: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Identifier of the study.
  public var study: String
  /// Epoch of keys, from 0.
  public var epoch: Int64
  /// Round number within the study.
  public var round: Int64

  public init(study: String, epoch: Int64, round: Int64) {
    self.study = study
    self.epoch = epoch
    self.round = round
  }

  /// Ordered by study, then epoch, then round.
  public static func < (left: Self, right: Self) -> Bool {
    (left.study, left.epoch, left.round) < (right.study, right.epoch, right.round)
  }

  public var description: String { "study \(study), epoch \(epoch), round \(round)" }
}
