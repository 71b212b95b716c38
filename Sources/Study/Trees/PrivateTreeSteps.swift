import BoostedTrees

/// The noisy steps of one model of trees.
struct PrivateTreeSteps {
  let program: StudyProgram
  let model: ModelSpecification
  let columns: TreeColumns
  /// What the plan has for the model.
  let releases: [PrivacyPlan.Release]
  /// Where the model stands in the study's progress.
  let start: Double
  let span: Double
  private var roundCount = 0
  private var valueCount = 0

  init(
    program: StudyProgram, model: ModelSpecification, columns: TreeColumns,
    releases: [PrivacyPlan.Release], start: Double, span: Double
  ) {
    self.program = program
    self.model = model
    self.columns = columns
    self.releases = releases
    self.start = start
    self.span = span
  }

  /// The noise of the steps that decide the form, and of those that weigh it.
  private func noise(isWeights: Bool = false) throws(StudyError) -> NoiseRequirement {
    let release = releases.first { release in
      if case .weights = release.content { isWeights } else { !isWeights }
    }
    guard let release else {
      throw StudyError(.invalidPlan, "the privacy plan has no such step of `\(model.name)`")
    }
    return release.noise
  }

  /// Asks for one noisy sum.
  private mutating func total(
    _ cells: PrivateCells, at content: TreeModel.Content, noise: NoiseRequirement
  ) async throws -> [Int64] {
    let count = releases.reduce(0) { $0 + $1.count }
    await program.report(
      "fit", "\(model.name): noisy step \(roundCount + 1) of \(count)",
      start + span * Double(roundCount) / Double(max(count, 1)))
    // What the plan charges for is what the proof bounds.
    guard cells.squaredSensitivity <= noise.sensitivitySquared, roundCount < count else {
      throw StudyError(
        .invalidPlan, "a step of `\(model.name)` tells more about a patient than was planned")
    }
    let query = SumQuery.PrivateTreeQuery(
      model: model, step: roundCount, fitted: try TreeModel(columns: columns, content: content),
      cells: cells, noise: noise)
    let total = try await program.sum(.privateTrees(query), stage: "fit").values
    roundCount += 1
    valueCount += total.count
    return total
  }

  private func fitted(
    _ learner: TreeSettings.Learner, _ content: TreeModel.Content, treeCount: Int
  ) throws -> FittedTrees {
    FittedTrees(
      learner: learner, model: try TreeModel(columns: columns, content: content),
      treeCount: treeCount, grownCount: treeCount, roundCount: roundCount,
      valueCount: valueCount, losses: [], keptLoss: nil, explainedCount: 0, contributions: [])
  }

  // MARK: - Learners

  mutating func additive(
    _ settings: TreeSettings, _ counts: PrivateCounts
  ) async throws -> FittedTrees {
    let noise = try noise()
    var shapes = try PrivateShapes(
      plan: settings.privateShapes(featureCount: columns.bins.count), features: columns.bins,
      counts: counts, variance: Double(noise.variance))
    while let cells = shapes.cells {
      try shapes.absorb(try await total(cells, at: .additive(shapes.model), noise: noise))
    }
    var fitted = try fitted(
      .additive, .additive(shapes.model), treeCount: shapes.plan.passCount)
    fitted.explainedCount = Int(counts.patientCount.rounded())
    fitted.contributions = contributions(shapes.model, counts)
    return fitted
  }

  mutating func forest(
    _ settings: TreeSettings, _ counts: PrivateCounts
  ) async throws -> FittedTrees {
    let leaves = try noise()
    let slope = try noise(isWeights: true)
    var forest = try PrivateForest(
      plan: settings.privateForest, features: columns.bins, counts: counts,
      leafVariance: Double(leaves.variance), marginVariance: Double(slope.variance))
    try await grow(&forest) { if case .margins = $0 { slope } else { leaves } }
    return try fitted(
      .randomForest, .ensemble(forest.model), treeCount: forest.plan.treeCount)
  }

  mutating func boosting(
    _ settings: TreeSettings, _ counts: PrivateCounts
  ) async throws -> FittedTrees {
    let levels = try noise()
    let leaves = try noise(isWeights: true)
    var boosting = try PrivateBoosting(
      plan: settings.privateBoosting(featureCount: columns.bins.count),
      features: columns.bins, counts: counts, histogramVariance: Double(levels.variance),
      leafVariance: Double(leaves.variance))
    try await grow(&boosting) { if case .histograms = $0 { levels } else { leaves } }
    return try fitted(
      .boostedTrees, .ensemble(boosting.model), treeCount: boosting.plan.treeCount)
  }

  private mutating func grow(
    _ ensemble: inout some PrivateEnsemble, noise: (PrivateCells) -> NoiseRequirement
  ) async throws {
    while let cells = ensemble.cells {
      try ensemble.absorb(
        try await total(cells, at: .ensemble(ensemble.model), noise: noise(cells)))
    }
  }

  /// What the shapes contribute, by the noisy counts alone: nothing more is released for it.
  private func contributions(
    _ model: AdditiveModel, _ counts: PrivateCounts
  ) -> [FeatureContribution] {
    let minimumCell = max(program.plan.privacy.minimumCell, 1)
    let share = Int(counts.patientCount / 20)
    return columns.features.enumerated().map { index, feature in
      let isNumber = if case .number = feature { true } else { false }
      let shape = model.shapes[index]
      let patients = counts.bins[index]
      let total = patients.reduce(0, +)
      let whole = patients.map { Int64($0.rounded()) }
      var importance = 0.0
      for (count, value) in zip(patients, shape) { importance += count * value.magnitude }
      return FeatureContribution(
        feature, importance: total > 0 ? importance / total : 0, counts: whole,
        sums: zip(whole, shape).map { Double($0) * $1 },
        minimumCount: isNumber ? max(minimumCell, share) : minimumCell, minimumCell: 0)
    }
  }
}
