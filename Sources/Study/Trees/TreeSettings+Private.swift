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
    settings.unstated = Unstated()
    settings.pairCount = 0
    switch learner {
    case .additive:
      settings.treeCount = 5
      settings.learningRate = 0.5
    case .boostedTrees:
      settings.treeCount = 40
      settings.learningRate = 0.3
      settings.maximumDepth = 2
      settings.featureRate = 0
      settings.binCount = 8
    case .randomForest:
      settings.treeCount = 160
      settings.maximumDepth = 4
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
    plain.binCount = binCount
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
    /// Share of the model's budget that all of them have together.
    var share: Double
  }

  /// What the training releases: the steps that decide the model's form, and for some learners those
  /// that only weigh it.
  func privateSteps(featureCount: Int) -> (form: PrivateStep, weights: PrivateStep?) {
    func step(
      _ purpose: String, _ count: Int, blocks: Int, hasHessians: Bool = false, share: Double = 1
    ) -> PrivateStep {
      let features = Array(0..<blocks)
      let cells: PrivateCells =
        hasHessians
        ? .histograms(.init(output: 0, nodes: []), features: features)
        : .gradients(features: features)
      return PrivateStep(
        purpose: purpose, count: count, squaredSensitivity: cells.squaredSensitivity,
        share: share)
    }
    switch learner {
    case .additive:
      let plan = privateShapes(featureCount: featureCount)
      return (
        step(
          "gradients by bin of \(plan.featuresPerStep) features",
          plan.passCount * plan.stepsPerPass(featureCount: featureCount),
          blocks: plan.featuresPerStep), nil
      )
    case .randomForest:
      // The slope is one block and two numbers.
      return (
        step("outcomes by leaf of \(treeCount) random trees", 1, blocks: treeCount, share: 0.9),
        step("outcomes by margin", 1, blocks: 1, share: 0.1)
      )
    case .boostedTrees:
      let plan = privateBoosting(featureCount: featureCount)
      return (
        step(
          "histograms of \(plan.featuresPerTree) features in the leaves of trees",
          plan.treeCount * plan.depth, blocks: plan.featuresPerTree, hasHessians: true,
          share: 0.7),
        step(
          "gradients by leaf of trees", plan.treeCount, blocks: 1, hasHessians: true, share: 0.3)
      )
    }
  }

  /// The plan of an explainable boosting machine.
  func privateShapes(featureCount: Int) -> PrivateShapes.Plan {
    var plan = PrivateShapes.Plan(featureCount: featureCount)
    plan.passCount = treeCount
    plan.learningRate = learningRate
    return plan
  }

  /// The plan of a forest of random trees.
  var privateForest: PrivateForest.Plan {
    var plan = PrivateForest.Plan()
    plan.treeCount = treeCount
    plan.depth = maximumDepth
    plan.seed = seed
    return plan
  }

  /// The plan of boosted trees.
  func privateBoosting(featureCount: Int) -> PrivateBoosting.Plan {
    var plan = PrivateBoosting.Plan(featureCount: featureCount)
    plan.treeCount = treeCount
    plan.depth = maximumDepth
    plan.learningRate = learningRate
    plan.l2Penalty = l2Penalty
    plan.seed = seed
    if featureRate > 0 {
      let wanted = (featureRate * Double(featureCount)).rounded(.up)
      plan.featuresPerTree = min(max(Int(wanted), 1), featureCount)
    }
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
    maximumDepth = try map.integer(
      "maximum_depth", in: 1...(learner == .randomForest ? 8 : 6), default: maximumDepth)
    if map.optional("feature_share") != nil {
      featureRate = try map.double("feature_share", in: 0.01...1, default: 1)
    }
    binCount = try map.integer("bins", in: 2...PrivacyPlan.marginalBins, default: binCount)
    l2Penalty = try map.double("l2", in: 0...1e6, default: l2Penalty)
    seed = UInt64(try map.integer("seed", in: 0 ... .max, default: 0))
  }
}

extension TreeSettings.Learner {
  /// The keys of a study file with `epsilon` that mean something for the learner.
  fileprivate var privateKeys: [String] {
    switch self {
    case .additive: ["passes", "learning_rate"]
    case .boostedTrees:
      ["trees", "learning_rate", "maximum_depth", "feature_share", "bins", "l2", "seed"]
    case .randomForest: ["trees", "maximum_depth", "seed"]
    }
  }
}

extension PrivacyPlan {
  /// Throws `invalidPlan` for trees that cannot be grown with noise, saying why.
  static func check(_ name: String, _ settings: TreeSettings) throws(StudyError) {
    guard settings.isPrivate else {
      throw StudyError(
        .invalidPlan,
        "the trees of `\(name)` are set up for a study without differential privacy; give `epsilon` in"
          + " the study file, where other settings apply")
    }
  }
}
