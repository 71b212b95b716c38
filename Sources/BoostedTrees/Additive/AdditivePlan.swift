/// Settings of an explainable boosting machine (Lou, Caruana et al. 2013; Nori et al. 2019): a sum of
/// shape functions of one feature each, and of a few pairs, learned by boosting one at a time.
///
/// `Loss` is what the shapes learn, of one output; studies name one of `Objective`.
public struct AdditivePlan<Loss: BoostingObjective>: Sendable {
  /// An objective with one output.
  public var objective: Loss
  /// Passes over all features, 1 … 100,000.
  public var passCount = 100
  /// Shrinkage of each step, in (0, 1].
  public var learningRate = 0.1
  /// Parts that a step divides a feature's values into, 2 … 64; missing values are one more.
  public var maximumLeafCount = 3
  /// Features that take their steps from the same margins, and so share a round; 1 is strictly
  /// cyclic. The step of each is then divided by their number's square root.
  public var featuresPerRound = 1
  /// λ ≥ 0: ridge penalty of a step's weights.
  public var l2Penalty = 1.0
  /// Least sum of hessians of a part, ≥ 0.
  public var minimumPartWeight = 1.0
  /// Pairs kept after screening; 0 for none.
  public var pairCount = 0
  /// Passes over the pairs.
  public var pairPassCount = 50
  /// Bins of each feature in a pair, without the one for missing values, 2 … 32.
  public var pairBinCount = 16
  /// Stops a stage when the evaluation loss has had no new minimum for this many passes, and goes
  /// back to the minimum.
  public var earlyStopping: Int?
  /// Most patients over all sites.
  public var patientLimit = 1 << 20
  public var seed: UInt64 = 0

  /// The defaults, with another objective.
  public init(objective: Loss) { self.objective = objective }

  /// Throws `severalOutputs` for an objective of more than one output, and `invalidSettings` when a
  /// number is outside its range.
  public func validate(features: [FeatureBins]) throws(BoostedTreesError) {
    guard objective.outputCount <= 1 else { throw BoostedTreesError(.severalOutputs) }
    let isValid =
      !features.isEmpty && objective.isValid && objective.outputCount == 1
      && (1...1024).contains(objective.baselineTermCount)
      && (1...100_000).contains(passCount) && learningRate > 0 && learningRate <= 1
      && (2...64).contains(maximumLeafCount) && featuresPerRound >= 1 && l2Penalty >= 0
      && l2Penalty < 0x1p60 && minimumPartWeight >= 0
      && pairCount >= 0 && pairCount <= features.count * (features.count - 1) / 2
      && (1...100_000).contains(pairPassCount) && (2...32).contains(pairBinCount)
      && (earlyStopping ?? 1) >= 1
    guard isValid else { throw BoostedTreesError(.invalidSettings) }
  }

  /// How derivatives are rounded. Throws `invalidSettings`.
  public func scale() throws(BoostedTreesError) -> DerivativeScale {
    try DerivativeScale(bounds: objective.bounds, patientLimit: patientLimit)
  }
}

extension AdditivePlan: Equatable where Loss: Equatable {}
extension AdditivePlan: Hashable where Loss: Hashable {}

extension AdditivePlan where Loss == Objective {
  /// The defaults, for a yes or no.
  public init() { self.init(objective: .logistic) }
}
