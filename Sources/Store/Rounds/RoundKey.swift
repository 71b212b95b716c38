/// One round of secure summation at the aggregator.
///
/// Round numbers run through a study without repeating; the epoch says whose keys mask it.
public struct RoundKey: Sendable, Hashable, CustomStringConvertible {
  /// Identifier of the study.
  public var study: String
  /// Epoch of keys.
  public var epoch: UInt32
  /// Round number within the study, below 2^63.
  public var round: UInt64

  public init(study: String, epoch: UInt32, round: UInt64) {
    self.study = study
    self.epoch = epoch
    self.round = round
  }

  public var description: String { "study \(study), epoch \(epoch), round \(round)" }
}
