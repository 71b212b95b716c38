import BoostedTrees
import Cohort

/// Trees from noisy sums: everything in the model is a function of what was published with noise.
extension StudyProgram {
  /// Fits one model of trees under differential privacy.
  func privateTrees(
    _ index: Int, _ settings: TreeSettings, _ preparation: Preparation, _ privacy: PrivacyPlan,
    from start: Double, span: Double
  ) async throws -> FittedModel {
    let model = plan.models[index]
    var steps = PrivateTreeSteps(
      program: self, model: model, noise: try privacy.noise(of: .fit(model: index)),
      columns: try Self.publicTreeColumns(plan), start: start, span: span)
    let fitted: FittedTrees
    do {
      switch settings.learner {
      case .additive: fitted = try await steps.additive(settings, preparation)
      case .boostedTrees, .randomForest:
        throw StudyError(.invalidPlan, PrivacyPlan.unbuilt(model.name, settings))
      }
    } catch let error as BoostedTreesError {
      throw Self.treeError(error, model: model.name)
    }
    await report("fit", "\(model.name): \(fitted.costInWords)", start + span)
    return FittedModel(
      name: model.name, training: "\(settings.learner.inWords) under differential privacy",
      coefficients: [], standardErrors: nil, columns: [], iterationCount: fitted.roundCount,
      converged: true, trainingLogLoss: nil, trees: fitted)
  }

  /// What the report of a model of trees does not have under differential privacy, and why; nil for other
  /// models.
  static func withheldFromTrees(_ model: FittedModel) -> String? {
    guard let trees = model.trees else { return nil }
    let all = "\(model.name): the loss while it grew is not released under differential privacy"
    guard trees.learner == .additive else {
      return all + ", nor what each feature contributes; both would cost budget."
    }
    return all + "; importance is computed from the shapes and the noisy counts."
  }

  /// The bins that trees see under differential privacy: those of the noisy feature counts, from public
  /// ranges and levels. Levels beyond 254 count as "other".
  static func publicTreeColumns(_ plan: StudyPlan) throws(BoostedTreesError) -> TreeColumns {
    try TreeColumns(
      plan.cohort.features.map { feature -> TreeColumns.Feature in
        switch publicBins(feature).query {
        case .cuts(let cuts): .number(name: feature.name, unit: feature.unit, cuts: cuts)
        case .flag: .flag(name: feature.name)
        case .levels(let levels):
          .category(name: feature.name, levels: Array(levels.prefix(254)), hasOther: true)
        }
      })
  }

  /// The noisy counts by the bins of the trees, bin 0 for missing.
  static func counts(
    _ cells: [Double], of feature: TreeColumns.Feature, bins: FeatureBins
  ) -> [Double] {
    var counts = [Double](repeating: 0, count: bins.binCount)
    counts[0] = cells.last ?? 0
    for (cell, count) in cells.dropLast().enumerated() {
      var bin = cell + 1
      // Cuts that are the same number as a binary32 are one.
      if case .number(_, _, let cuts) = feature, cell > 0, cell <= cuts.count {
        bin = Int(bins.bin(of: cuts[cell - 1]))
      }
      counts[min(bin, bins.binCount - 1)] += count
    }
    return counts
  }
}

/// The noisy steps of one model.
private struct PrivateTreeSteps {
  let program: StudyProgram
  let model: ModelSpecification
  let noise: NoiseRequirement
  let columns: TreeColumns
  let start: Double
  let span: Double
  private(set) var roundCount = 0
  private(set) var valueCount = 0

  init(
    program: StudyProgram, model: ModelSpecification, noise: NoiseRequirement,
    columns: TreeColumns, start: Double, span: Double
  ) {
    self.program = program
    self.model = model
    self.noise = noise
    self.columns = columns
    self.start = start
    self.span = span
  }

  /// Asks for one noisy sum.
  private mutating func total(
    _ cells: PrivateCells, at content: TreeModel.Content, of count: Int
  ) async throws -> [Int64] {
    await program.report(
      "fit", "\(model.name): noisy step \(roundCount + 1) of \(count)",
      start + span * Double(roundCount) / Double(max(count, 1)))
    // What the plan charges for is what the proof bounds.
    guard cells.squaredSensitivity <= noise.sensitivitySquared else {
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

  /// What the noisy feature counts say, by the bins of the trees.
  private func counts(_ preparation: StudyProgram.Preparation) -> PrivateShapes.Counts {
    PrivateShapes.Counts(
      bins: columns.features.indices.map {
        StudyProgram.counts(
          preparation.noisyCells[$0], of: columns.features[$0], bins: columns.bins[$0])
      }, patientCount: preparation.noisyOutcomes.reduce(0, +),
      eventCount: preparation.noisyOutcomes[1])
  }

  mutating func additive(
    _ settings: TreeSettings, _ preparation: StudyProgram.Preparation
  ) async throws -> FittedTrees {
    let counts = counts(preparation)
    var shapes = try PrivateShapes(
      plan: settings.privateShapes(featureCount: columns.bins.count), features: columns.bins,
      counts: counts, variance: Double(noise.variance))
    while let cells = shapes.cells {
      try shapes.absorb(
        try await total(cells, at: .additive(shapes.model), of: shapes.totalStepCount))
    }
    return FittedTrees(
      learner: .additive,
      model: try TreeModel(columns: columns, content: .additive(shapes.model)),
      treeCount: shapes.plan.passCount, grownCount: shapes.plan.passCount,
      roundCount: roundCount, valueCount: valueCount, losses: [],
      explainedCount: Int(counts.patientCount.rounded()),
      contributions: contributions(shapes.model, counts))
  }

  /// What the shapes contribute, by the noisy counts alone: nothing more is released for it.
  private func contributions(
    _ model: AdditiveModel, _ counts: PrivateShapes.Counts
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
        minimumCount: isNumber ? max(minimumCell, share) : minimumCell)
    }
  }
}
