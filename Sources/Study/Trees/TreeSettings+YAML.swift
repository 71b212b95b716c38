import StrictYAML

/// The settings of trees in a study file. What has no meaning for a learner is refused.
extension TreeSettings {
  static let keys = [
    "objective", "trees", "passes", "learning_rate", "maximum_depth", "maximum_leaves",
    "minimum_child_weight", "minimum_child_count", "l2", "l1", "minimum_split_gain", "row_share",
    "feature_share", "early_stopping", "evaluation_share", "bins", "bin_rule", "pairs",
    "increasing", "decreasing", "explanation", "seed",
  ]

  /// - Parameters:
  ///   - isPrivate: whether the study has an `epsilon`.
  ///   - minimumCell: the study's smallest cell; without another word no leaf of a forest, whose
  ///     share of events is published, has fewer patients.
  init(
    _ learner: Learner, yaml map: YAMLMapping, isPrivate: Bool, minimumCell: Int
  ) throws(YAMLProblem) {
    guard !isPrivate else {
      try self.init(privately: learner, yaml: map)
      return
    }
    self.init(learner)
    if learner == .randomForest {
      minimumChildWeight = max(minimumChildWeight, Double(minimumCell))
    }
    for key in Self.keys where !learner.keys.contains(key) && map.optional(key) != nil {
      throw map.problem(
        .inconsistent, at: key, "`\(key)` has no meaning for the learner `\(learner.rawValue)`",
        advice: "remove it, or choose another learner")
    }
    let isAdditive = learner == .additive
    objective = try map.choice("objective", default: objective)
    if isAdditive, objective == .poisson || objective == .multiclass {
      throw map.problem(
        .inconsistent, at: "objective",
        "an explainable boosting machine learns the event or a number",
        advice: "write `logistic` or `squared_error`, or choose `learner: boosted_trees`")
    }
    if objective == .squaredError {
      // A patient's hessian is 1: the weight of a leaf is its patients.
      minimumChildWeight = max(minimumChildWeight, Double(minimumCell))
    }
    treeCount = try map.integer(
      isAdditive ? "passes" : "trees", in: 1...10_000, default: treeCount)
    learningRate = try map.double("learning_rate", in: 0.001...1, default: learningRate)
    maximumLeafCount = try map.integer(
      "maximum_leaves", in: 2...(isAdditive ? 64 : 4096), default: maximumLeafCount)
    // Grown leaf by leaf, a tree is bounded by its leaves unless the study bounds its depth too.
    if !isAdditive, maximumLeafCount > 0 { maximumDepth = min(12, maximumLeafCount - 1) }
    maximumDepth = try map.integer("maximum_depth", in: 1...12, default: maximumDepth)
    guard isAdditive || maximumLeafCount <= 1 << maximumDepth else {
      throw map.problem(
        .inconsistent, at: "maximum_leaves",
        "a tree of depth \(maximumDepth) has at most \(1 << maximumDepth) leaves",
        advice: "raise `maximum_depth` (at most 12) or lower `maximum_leaves`")
    }
    let weightKey = learner == .randomForest ? "minimum_child_count" : "minimum_child_weight"
    minimumChildWeight = try map.double(weightKey, in: 0...1e6, default: minimumChildWeight)
    if learner == .boostedTrees {
      minimumChildCount = try map.integer(
        "minimum_child_count", in: 1...1_000_000,
        default: objective == .poisson || objective == .multiclass ? max(1, minimumCell) : 1)
    }
    l2Penalty = try map.double("l2", in: 0...1e6, default: l2Penalty)
    l1Penalty = try map.double("l1", in: 0...1e6, default: l1Penalty)
    minimumSplitGain = try map.double("minimum_split_gain", in: 0...1e6, default: 0)
    // Trees of a forest begin at the same margins, and those of boosting at margins that one feature
    // can say: over all rows their roots would be one question, asked again whenever a site has come
    // or gone.
    rowRate = try map.double("row_share", in: 0.05...(isAdditive ? 1 : 0.9), default: rowRate)
    if map.optional("feature_share") != nil {
      featureRate = try map.double("feature_share", in: 0.01...1, default: 1)
    }
    patience = try map.integer("early_stopping", in: 0...10_000, default: patience)
    evaluationShare = try map.double("evaluation_share", in: 0...0.5, default: evaluationShare)
    if learner != .randomForest {
      unstated = Unstated(
        stopping: map.optional("early_stopping") == nil && map.optional("evaluation_share") == nil,
        treeCount: map.optional(isAdditive ? "passes" : "trees") == nil,
        learningRate: map.optional("learning_rate") == nil)
    }
    if patience == 0 { evaluationShare = 0 }
    if patience > 0, evaluationShare == 0 {
      throw map.problem(
        .inconsistent, at: "early_stopping", "early stopping needs patients to measure the loss on",
        advice: "set `evaluation_share`, such as 0.2, or `early_stopping: 0`")
    }
    binCount = try map.integer("bins", in: 2...254, default: binCount)
    binRule = try map.choice("bin_rule", default: binRule)
    pairCount = try map.integer("pairs", in: 0...100, default: pairCount)
    if map.optional("increasing") != nil { increasing = try map.strings("increasing") }
    if map.optional("decreasing") != nil { decreasing = try map.strings("decreasing") }
    explanation = try map.choice("explanation", default: explanation)
    seed = UInt64(try map.integer("seed", in: 0 ... .max, default: 0))
  }
}

extension TreeSettings.Learner {
  /// The keys of the study file that mean something for the learner.
  fileprivate var keys: [String] {
    let common = ["l2", "bins", "bin_rule", "seed"]
    switch self {
    case .boostedTrees:
      return common + [
        "objective", "trees", "learning_rate", "maximum_depth", "maximum_leaves",
        "minimum_child_weight", "minimum_child_count", "l1", "minimum_split_gain", "row_share",
        "feature_share",
        "early_stopping", "evaluation_share", "increasing", "decreasing", "explanation",
      ]
    case .randomForest:
      return common + [
        "trees", "maximum_depth", "minimum_child_count", "row_share", "feature_share",
        "minimum_split_gain", "increasing", "decreasing", "explanation",
      ]
    case .additive:
      return common + [
        "objective", "passes", "learning_rate", "maximum_leaves", "minimum_child_weight",
        "early_stopping",
        "evaluation_share", "pairs",
      ]
    }
  }
}

/// What a model of trees asks of the rest of the study file.
extension StudyPlan {
  /// Throws `invalidPlan` with what to change.
  func checkTrees() throws(StudyError) {
    for (index, model) in models.enumerated() {
      guard case .trees(let settings) = model.training else { continue }
      do {
        _ = try settings.loss(of: cohort.outcome)
      } catch {
        let needed =
          switch settings.objective {
          case .logistic, .squaredError: "range: [low, high]"
          case .poisson: "maximum: count"
          case .multiclass: "classes: [words]"
          }
        throw StudyError(
          .invalidPlan,
          "`objective: \(settings.objective.rawValue)` of the model `\(model.name)` needs to know which"
            + " values the outcome has; add `values: {\(needed)}` to `outcome`")
      }
      if index == 0, validation.disclosures.contains(.leaveOneSiteOut) {
        throw StudyError(
          .invalidPlan,
          "leave-one-site-out models are built for a logistic model trained by Newton's method only;"
            + " put such a model first, or remove `leave-one-site-out` from `disclose`")
      }
      if privacy.goal == nil, settings.smallestLeaf < privacy.minimumCell {
        let key =
          settings.learner == .randomForest || settings.objective == .poisson
          ? "minimum_child_count" : "minimum_child_weight"
        throw StudyError(
          .invalidPlan,
          "the model `\(model.name)` may publish a leaf of \(settings.smallestLeaf) patients, fewer than"
            + " `minimum_cell: \(privacy.minimumCell)`; raise its `\(key)`")
      }
      let isRepeated = models[..<index].contains { earlier in
        guard case .trees(let other) = earlier.training else { return false }
        return other.learner == settings.learner && other.objective == settings.objective
          && other.seed == settings.seed
      }
      if privacy.goal == nil, isRepeated {
        throw StudyError(
          .invalidPlan,
          "the model `\(model.name)` begins with the same question as one before it, which would be"
            + " asked again of other sites when one has left meanwhile; give it another `seed`")
      }
      for name in settings.increasing + settings.decreasing {
        guard
          let feature = cohort.features.first(where: { $0.name == name }), !feature.isCategory
        else {
          throw StudyError(
            .invalidPlan,
            "the model `\(model.name)` bounds the direction of `\(name)`, which is not a number or"
              + " flag of the study")
        }
        if settings.increasing.contains(name), settings.decreasing.contains(name) {
          throw StudyError(
            .invalidPlan, "the model `\(model.name)` lets `\(name)` neither rise nor fall")
        }
      }
      guard settings.binRule == .ranges else { continue }
      for feature in cohort.features {
        if case .number(_, nil, _) = feature.kind {
          throw StudyError(
            .invalidPlan,
            "`bin_rule: ranges` of the model `\(model.name)` needs a `range` of `\(feature.name)`")
        }
      }
    }
  }
}
