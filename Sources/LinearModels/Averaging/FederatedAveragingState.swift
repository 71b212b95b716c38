/// What every site and the aggregator know about a federated averaging run after some rounds: a
/// function of the settings and the published totals only.
public struct FederatedAveragingState: Sendable, Equatable {
  /// The global parameters.
  public internal(set) var weights: [Double]
  /// Rounds taken in so far.
  public internal(set) var round = 0
  /// First moment of the server optimiser.
  public internal(set) var momentum: [Double]
  /// Second moment of the server optimiser.
  public internal(set) var secondMoment: [Double]
  /// Mean training loss per patient at the weights before the last update; NaN before the first.
  public internal(set) var meanLoss = Double.nan
  /// Training patients in the last total.
  public internal(set) var patientCount: Int64 = 0
  /// Sites with patients in the last total.
  public internal(set) var siteCount: Int64 = 0
  /// Sites in the last total whose update was clipped.
  public internal(set) var clippedSiteCount: Int64 = 0

  init(weights: [Double], secondMoment: Double) {
    self.weights = weights
    momentum = Array(repeating: 0, count: weights.count)
    self.secondMoment = Array(repeating: secondMoment, count: weights.count)
  }

  /// Everything in the state as 64-bit words, in a fixed order: the bytes to hash.
  public var bitPatterns: [UInt64] {
    var words: [UInt64] = [
      UInt64(round), meanLoss.bitPattern, UInt64(bitPattern: patientCount),
      UInt64(bitPattern: siteCount), UInt64(bitPattern: clippedSiteCount),
    ]
    for part in [weights, momentum, secondMoment] {
      words.append(UInt64(part.count))
      words.append(contentsOf: part.map(\.bitPattern))
    }
    return words
  }

  /// Equal when every bit is equal (so NaN equals NaN).
  public static func == (left: FederatedAveragingState, right: FederatedAveragingState) -> Bool {
    left.bitPatterns == right.bitPatterns
  }
}
