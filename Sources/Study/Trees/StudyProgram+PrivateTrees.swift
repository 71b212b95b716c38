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
    let releases = privacy.releases.filter {
      $0.content == .fit(model: index) || $0.content == .weights(model: index)
    }
    let fitted: FittedTrees
    do {
      var columns = try Self.publicTreeColumns(plan)
      if settings.learner == .boostedTrees {
        columns = try Self.coarser(columns, preparation, binCount: settings.binCount)
      }
      var steps = PrivateTreeSteps(
        program: self, model: model, columns: columns, releases: releases, start: start,
        span: span)
      let counts = try counts(columns, preparation)
      switch settings.learner {
      case .additive: fitted = try await steps.additive(settings, counts)
      case .randomForest: fitted = try await steps.forest(settings, counts)
      case .boostedTrees: fitted = try await steps.boosting(settings, counts)
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

  /// The columns with fewer bins of a number: quantiles of the noisy counts, on their cuts. A bin less is
  /// noise less in every sum over bins.
  static func coarser(
    _ columns: TreeColumns, _ preparation: Preparation, binCount: Int
  ) throws(BoostedTreesError) -> TreeColumns {
    try TreeColumns(
      zip(columns.features, preparation.noisyCells).map { feature, cells -> TreeColumns.Feature in
        guard case .number(let name, let unit, let cuts) = feature else { return feature }
        let values = cells.dropLast()
        let share = values.reduce(0, +) / Double(binCount)
        var kept: [Double] = []
        var below = 0.0
        // Cut where the next quantile is reached; each cut may reach several.
        for (cut, count) in zip(cuts, values) {
          below += count
          if below >= share * Double(kept.count + 1), kept.count < binCount - 1 {
            kept.append(cut)
            below = max(below, share * Double(kept.count))
          }
        }
        return .number(name: name, unit: unit, cuts: kept)
      })
  }

  /// What the noisy feature counts say, by the bins of the trees.
  func counts(_ columns: TreeColumns, _ preparation: Preparation) throws -> PrivateCounts {
    PrivateCounts(
      bins: columns.features.indices.map { index in
        Self.counts(
          preparation.noisyCells[index], in: Self.publicBins(plan.cohort.features[index]).query,
          bins: columns.bins[index])
      }, patientCount: preparation.noisyOutcomes.reduce(0, +),
      eventCount: preparation.noisyOutcomes[1])
  }

  /// The noisy counts by the bins of the trees, bin 0 for missing.
  static func counts(
    _ cells: [Double], in publicBins: SumQuery.MarginalBins, bins: FeatureBins
  ) -> [Double] {
    var counts = [Double](repeating: 0, count: bins.binCount)
    counts[0] = cells.last ?? 0
    for (cell, count) in cells.dropLast().enumerated() {
      var bin = cell + 1
      // The trees may have fewer cuts: a cell is where its lower edge is.
      if case .cuts(let cuts) = publicBins {
        bin = cell > 0 && cell <= cuts.count ? Int(bins.bin(of: cuts[cell - 1])) : 1
      }
      counts[min(bin, bins.binCount - 1)] += count
    }
    return counts
  }
}
