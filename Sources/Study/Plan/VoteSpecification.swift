import CanonicalBytes
import StrictYAML

/// Votes of the sites on the models while they are trained and before they are released (PRIVACY-CORE
/// §2.8; BaFFLe: Andreina et al., ICDCS 2021): each site tries the model on its own holdout, and only
/// the number of sites against it is ever seen.
public struct VoteSpecification: Sendable, Hashable {
  /// Training steps between two votes; the last step of every model is always voted on, against the
  /// model before and against the prevalence.
  public var every: Int
  /// The study stops when more than this share of the sites in the vote is against, 0 < s < 1.
  public var stopAbove: Double
  /// How much worse per patient a model may be than the one before it, in nats of log loss.
  public var tolerance: Double

  public init(every: Int = 1, stopAbove: Double = 0.5, tolerance: Double = 0.05) {
    self.every = every
    self.stopAbove = stopAbove
    self.tolerance = tolerance
  }

  /// Whether the model after step `step` (from 1) is voted on.
  func isDue(after step: Int, isLast: Bool) -> Bool { isLast || step % every == 0 }

  /// How many votes a training of exactly `steps` steps takes, the one before release included.
  func count(steps: Int) -> Int {
    steps < 1 ? 0 : steps / every + (steps % every == 0 ? 0 : 1) + 1
  }

  /// Whether so many votes against stop the study.
  func stops(against: Int64, voters: Int) -> Bool {
    Double(against) > stopAbove * Double(voters)
  }

  func write(to writer: inout ByteWriter) {
    writer.integer(UInt32(every))
    writer.double(stopAbove)
    writer.double(tolerance)
  }

  /// The `votes` section of a study file; nil without one.
  init?(yaml node: YAMLNode?) throws(YAMLProblem) {
    guard let node else { return nil }
    let map = try node.mapping(keys: ["every", "stop_above", "tolerance"])
    self.init()
    every = try map.integer("every", in: 1...10_000, default: every)
    stopAbove = try map.double("stop_above", in: 0.01...0.99, default: stopAbove)
    tolerance = try map.double("tolerance", in: 0...10, default: tolerance)
  }
}
