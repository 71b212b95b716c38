/// Everything that decides what trees are made of the patients, agreed before training.
///
/// `Loss` is what the trees learn; studies name one of `Objective`.
public struct TrainingPlan<Loss: BoostingObjective>: Sendable {
  /// How trees make a model.
  public enum Ensemble: Sendable, Hashable {
    /// Each tree corrects those before it (Friedman 2001; Chen and Guestrin 2016).
    case boosting
    /// Independent trees on samples of patients and features, averaged (Breiman 2001), grown this
    /// many at a time, so that they share rounds.
    case forest(treesPerRound: Int)
  }

  public var ensemble = Ensemble.boosting
  public var objective: Loss
  /// Boosting iterations, or trees of a forest, for each output; 1 … 100,000.
  public var treeCount = 100
  /// Shrinkage of each tree's weights, in (0, 1]; not used by a forest.
  public var learningRate = 0.1
  public var growth = GrowthSettings()
  /// Share of the patients that a tree is grown on, drawn without replacement by keyed hash.
  public var rowRate = 1.0
  /// Stops when the evaluation patients' mean loss has had no new minimum for this many iterations,
  /// and keeps the trees up to the minimum; nil to grow all trees. Not for a forest.
  public var earlyStopping: Int?
  /// Most patients over all sites; decides how finely derivatives are rounded.
  public var patientLimit = 1 << 20
  public var seed: UInt64 = 0

  /// The defaults, with another objective.
  public init(objective: Loss) { self.objective = objective }

  /// Throws `invalidSettings` when a number is outside its range.
  public func validate(features: [FeatureBins]) throws(BoostedTreesError) {
    try growth.validate(featureCount: features.count)
    var isValid =
      !features.isEmpty && (1...100_000).contains(treeCount) && learningRate > 0
      && learningRate <= 1 && rowRate > 0 && rowRate <= 1 && objective.isValid
      && (1...64).contains(objective.outputCount)
      && (1...1024).contains(objective.baselineTermCount)
    if let earlyStopping { isValid = isValid && earlyStopping >= 1 }
    for (index, direction) in growth.monotone.enumerated() where direction != 0 {
      if case .categorical = features[index].kind { isValid = false }
    }
    if case .forest(let treesPerRound) = ensemble {
      isValid =
        isValid && (1...1024).contains(treesPerRound) && earlyStopping == nil
        && objective.outputCount == 1
    }
    guard isValid else { throw BoostedTreesError(.invalidSettings) }
  }

  /// How derivatives are rounded. Throws `invalidSettings`.
  public func scale() throws(BoostedTreesError) -> DerivativeScale {
    try DerivativeScale(bounds: objective.bounds, patientLimit: patientLimit)
  }

  /// What a site's shard is made with. Throws `invalidSettings`.
  public func shardSettings() throws(BoostedTreesError) -> ShardSettings {
    ShardSettings(
      objective: objective, scale: try scale(), maximumLeafCount: growth.leafLimit,
      rowRate: rowRate, countsPatients: growth.countsPatients)
  }
}

extension TrainingPlan: Equatable where Loss: Equatable {}
extension TrainingPlan: Hashable where Loss: Hashable {}

extension TrainingPlan where Loss == Objective {
  /// The defaults, for a yes or no.
  public init() { self.init(objective: .logistic) }

  /// Settings of a random forest: squared error on the outcome, deep trees, √features per node and
  /// 63.2 % of the patients per tree, in place of Breiman's draw with replacement (Friedman and Hall
  /// 2007 found half the patients without replacement to do the same).
  public static func randomForest(
    treeCount: Int, featureCount: Int, treesPerRound: Int = 16
  ) -> Self {
    var plan = Self()
    plan.ensemble = .forest(treesPerRound: treesPerRound)
    plan.objective = .squaredError(lower: 0, upper: 1)
    plan.treeCount = treeCount
    plan.learningRate = 1
    plan.rowRate = 0.632
    plan.growth.maximumDepth = 12
    plan.growth.l2Penalty = 0
    plan.growth.minimumChildWeight = 5
    let share = Double(max(featureCount, 1)).squareRoot() / Double(max(featureCount, 1))
    plan.growth.featureRatePerNode = min(1, share)
    return plan
  }
}
