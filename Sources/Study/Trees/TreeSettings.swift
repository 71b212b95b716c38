import BoostedTrees
import CanonicalBytes
import Cohort

/// How a model of trees is grown: what a study file may say about it, with defaults that need no
/// tuning on clinical tables of some hundred to some hundred thousand patients.
public struct TreeSettings: Sendable, Hashable {
  /// The learners that grow from summed histograms.
  public enum Learner: String, Sendable, Hashable, Codable, CaseIterable {
    /// Gradient boosting: each tree corrects those before it.
    case boostedTrees = "boosted_trees"
    /// Independent trees on samples of patients and features, averaged.
    case randomForest = "random_forest"
    /// Explainable boosting machine: a sum of shape functions of one feature, or a pair, each.
    case additive = "ebm"

    /// The learner in words.
    public var inWords: String {
      switch self {
      case .boostedTrees: "boosted trees"
      case .randomForest: "random forest"
      case .additive: "explainable boosting machine"
      }
    }
  }

  /// Where a number's values are cut into bins.
  public enum BinRule: String, Sendable, Hashable, CaseIterable {
    /// At quantiles over the training patients of all sites, found by secure sums.
    case quantiles
    /// At equal distances in the feature's public `range`: nothing is asked.
    case ranges
  }

  /// What a patient's contributions are measured against.
  public enum Explanation: String, Sendable, Hashable, CaseIterable {
    /// The covers of the trees themselves: nothing is asked for it.
    case pathDependent = "path-dependent"
    /// Background patients of all sites, known by one more sum of counts.
    case interventional
  }

  /// What is learnt.
  public enum Loss: String, Sendable, Hashable, Codable, CaseIterable {
    /// The event: its log loss.
    case logistic
    /// The outcome's number.
    case squaredError = "squared_error"
    /// The outcome's count: Poisson deviance.
    case poisson
    /// The outcome's class: softmax.
    case multiclass
  }

  public var learner: Learner
  public var objective: Loss
  /// Trees; of an explainable boosting machine, passes over all features. 1 … 10,000.
  public var treeCount: Int
  /// Shrinkage, in (0, 1]; of a forest 1.
  public var learningRate: Double
  /// Splits from root to leaf, 1 … 12.
  public var maximumDepth: Int
  /// Leaves of a tree; of an additive step, parts of a feature. Above 0, trees grow leaf by leaf.
  public var maximumLeafCount: Int
  /// Least sum of hessians of a leaf; with p(1 − p) of an event, at 5 a leaf has at least 20 patients. Of a
  /// forest and of squared errors, least number of patients of a leaf.
  public var minimumChildWeight: Double
  /// Least number of patients of a leaf of boosted trees, at least 1. Above 1, histograms count patients too
  /// and are twice as long.
  public var minimumChildCount: Int
  /// λ ≥ 0.
  public var l2Penalty: Double
  /// α ≥ 0.
  public var l1Penalty: Double
  /// γ ≥ 0.
  public var minimumSplitGain: Double
  /// Share of the patients a tree is grown on, in (0, 1].
  public var rowRate: Double
  /// Share of the features a tree (boosting) or a node (forest) may use, in (0, 1].
  public var featureRate: Double
  /// Trees without a new minimum of the evaluation loss after which training stops; 0 for never.
  public var patience: Int
  /// Share of the training patients that only measure that loss, 0 … 0.5.
  public var evaluationShare: Double
  /// What is left to the number of events.
  public var unstated: Unstated
  /// Bins of a number, without the one for missing values, 2 … 254.
  public var binCount: Int
  public var binRule: BinRule
  /// Pairs of an explainable boosting machine.
  public var pairCount: Int
  /// Features with which the risk may only rise, and only fall, by name.
  public var increasing: [String]
  public var decreasing: [String]
  /// How boosted trees and forests are explained.
  public var explanation: Explanation
  public var seed: UInt64

  /// The learner's defaults.
  public init(_ learner: Learner) {
    self.learner = learner
    objective = .logistic
    treeCount = 200
    learningRate = 0.1
    maximumDepth = 4
    maximumLeafCount = 0
    minimumChildWeight = 5
    minimumChildCount = 1
    l2Penalty = 1
    l1Penalty = 0
    minimumSplitGain = 0
    rowRate = 1
    featureRate = 1
    patience = 0
    evaluationShare = 0
    unstated = Unstated()
    binCount = 64
    binRule = .quantiles
    pairCount = 0
    increasing = []
    decreasing = []
    explanation = .pathDependent
    seed = 0
    switch learner {
    case .boostedTrees:
      rowRate = 0.8
      featureRate = 0.8
      patience = 15
      evaluationShare = 0.2
      unstated = .all
    case .randomForest:
      learningRate = 1
      maximumDepth = 10
      l2Penalty = 0
      rowRate = 0.632
      featureRate = 0
      binCount = 32
    case .additive:
      maximumLeafCount = 3
      maximumDepth = 1
      binCount = 32
      patience = 15
      evaluationShare = 0.2
      unstated = .all
    }
  }

  func write(to writer: inout ByteWriter) {
    writer.string(learner.rawValue)
    writer.string(objective.rawValue)
    for integer in [
      treeCount, maximumDepth, maximumLeafCount, minimumChildCount, patience, binCount, pairCount,
    ] { writer.integer(UInt32(integer)) }
    for number in [
      learningRate, minimumChildWeight, l2Penalty, l1Penalty, minimumSplitGain, rowRate,
      featureRate, evaluationShare,
    ] { writer.double(number) }
    writer.string(binRule.rawValue)
    writer.string(explanation.rawValue)
    writer.array(increasing) { $0.string($1) }
    writer.array(decreasing) { $0.string($1) }
    writer.integer(seed)
    unstated.write(to: &writer)
  }
}

extension TreeSettings {
  /// Fewest patients of a leaf over all sites. A patient's hessian is at most 1/4 where an event is boosted,
  /// 1/2 of a class, 1 in a forest and of squared errors; of a count it has no small bound.
  public var smallestLeaf: Int {
    let patientsPerWeight: Double =
      switch objective {
      case .logistic: learner == .randomForest ? 1 : 4
      case .multiclass: 2
      case .squaredError: 1
      case .poisson: 0
      }
    return max(Int((minimumChildWeight * patientsPerWeight).rounded(.up)), minimumChildCount)
  }

  /// What is learnt of an outcome. Throws `invalidSettings` when the outcome has no such values.
  func loss(of outcome: OutcomeSpecification) throws(BoostedTreesError) -> Objective {
    switch (objective, outcome.values) {
    case (.logistic, _): return .logistic
    case (.squaredError, .number(let range)):
      return .squaredError(lower: range.lowerBound, upper: range.upperBound)
    case (.poisson, .count(let maximum)): return .poisson(maximum: Double(maximum))
    case (.multiclass, .classes(let classes)): return .multiclass(classCount: classes.count)
    default: throw BoostedTreesError(.invalidSettings)
    }
  }

  /// Learner and objective in words.
  public var inWords: String {
    switch objective {
    case .logistic: learner.inWords
    case .squaredError: "\(learner.inWords) of the number (squared error)"
    case .poisson: "\(learner.inWords) of the count (Poisson)"
    case .multiclass: "\(learner.inWords) of the classes (softmax)"
    }
  }

  /// Iterations without progress after which training stops; nil where losses are not measured. Those of
  /// squared errors always are: the spread of the predictions is made from them.
  private var stopping: Int? {
    if patience > 0, evaluationShare > 0 { return patience }
    return objective == .squaredError ? treeCount + 1 : nil
  }
}

/// What the settings mean for a cohort whose size is known.
extension TreeSettings {
  /// Most patients that may answer: four times those of the profile, at least 65,536, so that sites
  /// that were away may come back. It sizes the integers: more patients, coarser rounding.
  static func patientLimit(profileCount: Int) -> Int {
    var limit = 1 << 16
    while limit < min(profileCount, 1 << 24) * 4 { limit *= 2 }
    return limit
  }

  /// The plan of a boosting or forest. Throws `BoostedTreesError.invalidSettings`.
  func trainingPlan(
    features: [FeatureBins], patientCount: Int, outcome: OutcomeSpecification
  ) throws(BoostedTreesError) -> TrainingPlan<Objective> {
    var plan = TrainingPlan(objective: try loss(of: outcome))
    if learner == .randomForest {
      plan = .randomForest(treeCount: treeCount, featureCount: features.count)
      if featureRate > 0 { plan.growth.featureRatePerNode = featureRate }
    } else {
      plan.learningRate = learningRate
      plan.growth.featureRatePerTree = featureRate
      plan.earlyStopping = stopping
    }
    plan.treeCount = treeCount
    plan.rowRate = rowRate
    plan.seed = seed
    plan.patientLimit = Self.patientLimit(profileCount: patientCount)
    plan.growth.maximumDepth = maximumDepth
    plan.growth.minimumChildWeight = minimumChildWeight
    plan.growth.minimumChildCount = minimumChildCount
    plan.growth.l2Penalty = l2Penalty
    plan.growth.l1Penalty = l1Penalty
    plan.growth.minimumSplitGain = minimumSplitGain
    if maximumLeafCount > 0 {
      plan.growth.strategy = .lossGuided(leavesPerRound: max(1, maximumLeafCount / 8))
      plan.growth.maximumLeafCount = maximumLeafCount
    }
    if !(increasing.isEmpty && decreasing.isEmpty) {
      plan.growth.monotone = features.map {
        increasing.contains($0.name) ? 1 : decreasing.contains($0.name) ? -1 : 0
      }
    }
    if learner == .randomForest {
      plan.ensemble = .forest(
        treesPerRound: treesPerRound(plan, features: features, patientCount: patientCount))
    }
    try plan.validate(features: features)
    return plan
  }

  /// As many trees at once as keep a total below about a million numbers, 1 … 16.
  private func treesPerRound(
    _ plan: TrainingPlan<Objective>, features: [FeatureBins], patientCount: Int
  ) -> Int {
    let bins = Double(features.reduce(0) { $0 + $1.binCount })
    let leaves = min(
      Double(plan.growth.leafLimit), Double(max(patientCount, 1)) / max(minimumChildWeight, 1))
    let words = leaves * max(1, bins * plan.growth.featureRatePerNode)
    return min(max(1, Int(0x1p20 / max(words, 1))), 16)
  }

  /// The plan of an explainable boosting machine.
  func additivePlan(
    features: [FeatureBins], patientCount: Int, outcome: OutcomeSpecification
  ) throws(BoostedTreesError) -> AdditivePlan<Objective> {
    var plan = AdditivePlan(objective: try loss(of: outcome))
    plan.passCount = treeCount
    plan.learningRate = learningRate
    plan.maximumLeafCount = maximumLeafCount
    plan.featuresPerRound = features.count
    plan.l2Penalty = l2Penalty
    plan.minimumPartWeight = minimumChildWeight
    plan.pairCount = min(pairCount, features.count * (features.count - 1) / 2)
    plan.earlyStopping = stopping
    plan.patientLimit = Self.patientLimit(profileCount: patientCount)
    plan.seed = seed
    try plan.validate(features: features)
    return plan
  }
}
