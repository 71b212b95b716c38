import BoostedTrees
import StrictYAML

/// Trees under differential privacy: which settings mean something, and what their steps cost.
extension TreeSettings {
  /// The learner's defaults under differential privacy: few steps, bins from the public ranges, nobody
  /// kept aside for stopping early.
  public static func privately(_ learner: Learner) -> TreeSettings {
    var settings = TreeSettings(learner)
    settings.binRule = .ranges
    settings.binCount = PrivacyPlan.marginalBins
    settings.rowRate = 1
    settings.patience = 0
    settings.evaluationShare = 0
    settings.pairCount = 0
    switch learner {
    case .additive:
      settings.treeCount = 5
      settings.learningRate = 0.5
    case .boostedTrees, .randomForest: break
    }
    return settings
  }

  /// Whether nothing is asked for that has no meaning under differential privacy.
  var isPrivate: Bool {
    var plain = Self.privately(learner)
    plain.treeCount = treeCount
    plain.learningRate = learningRate
    plain.maximumDepth = maximumDepth
    plain.featureRate = featureRate
    plain.l2Penalty = l2Penalty
    plain.seed = seed
    return plain == self
  }

  /// One kind of noisy sum of a model.
  struct PrivateStep {
    var purpose: String
    var count: Int
    /// Square of the L2 sensitivity of one of them, lattice units.
    var squaredSensitivity: UInt64
  }

  /// What the training releases.
  func privateStep(featureCount: Int) -> PrivateStep {
    switch learner {
    case .additive, .boostedTrees, .randomForest:
      let plan = privateShapes(featureCount: featureCount)
      let cells = PrivateCells.gradients(features: Array(0..<plan.featuresPerStep))
      return PrivateStep(
        purpose: "gradients by bin of \(plan.featuresPerStep) features",
        count: plan.passCount * plan.stepsPerPass(featureCount: featureCount),
        squaredSensitivity: cells.squaredSensitivity)
    }
  }

  /// The plan of an explainable boosting machine.
  func privateShapes(featureCount: Int) -> PrivateShapes.Plan {
    var plan = PrivateShapes.Plan(featureCount: featureCount)
    plan.passCount = treeCount
    plan.learningRate = learningRate
    return plan
  }

  /// Reads the settings of a study with `epsilon`; what has no effect there is refused by name.
  init(privately learner: Learner, yaml map: YAMLMapping) throws(YAMLProblem) {
    self = Self.privately(learner)
    let own = learner.privateKeys
    for key in Self.keys where !own.contains(key) && map.optional(key) != nil {
      throw map.problem(
        .inconsistent, at: key,
        "`\(key)` has no effect on a \(learner.inWords) under differential privacy",
        advice: "remove it; with `epsilon` this learner takes \(own.joined(separator: ", "))")
    }
    treeCount = try map.integer(
      learner == .additive ? "passes" : "trees", in: 1...1000, default: treeCount)
    learningRate = try map.double("learning_rate", in: 0.001...1, default: learningRate)
  }
}

extension TreeSettings.Learner {
  /// The keys of a study file with `epsilon` that mean something for the learner.
  fileprivate var privateKeys: [String] {
    switch self {
    case .additive: ["passes", "learning_rate"]
    case .boostedTrees, .randomForest: []
    }
  }
}

extension PrivacyPlan {
  /// What to say of a learner of trees that has no mechanism.
  static func unbuilt(_ name: String, _ settings: TreeSettings) -> String {
    "the model `\(name)` is a \(settings.learner.inWords), of which none with differential privacy is"
      + " built; choose `learner: ebm` or `learner: logistic`, or remove `epsilon`"
  }

  /// Throws `invalidPlan` for trees that cannot be grown with noise, saying why.
  static func check(_ name: String, _ settings: TreeSettings) throws(StudyError) {
    guard settings.learner == .additive else {
      throw StudyError(.invalidPlan, unbuilt(name, settings))
    }
    guard settings.isPrivate else {
      throw StudyError(
        .invalidPlan,
        "the trees of `\(name)` are set up for a study without differential privacy; give `epsilon` in"
          + " the study file, where other settings apply")
    }
  }
}
