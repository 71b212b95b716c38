import Study

/// What models of trees would take out of the hospital, in words and numbers.
extension ReviewSheet {
  /// The lines of one model.
  func leaving(_ name: String, _ settings: TreeSettings) -> [String] {
    let numbers = plan.cohort.features.count { $0.isNumber }
    // A category's levels are not known before they are counted.
    let bins = plan.cohort.features.reduce(0) { count, feature in
      switch feature.kind {
      case .number: count + settings.binCount + 1
      case .flag: count + 3
      case .category(let levels): count + (levels?.count ?? 8) + 2
      }
    }
    var lines: [String] = []
    let learns =
      switch settings.objective {
      case .logistic: ""
      case .squaredError: "the number"
      case .poisson: "the count"
      case .multiclass: "the class"
      }
    if !learns.isEmpty {
      lines.append(
        "  \(name): learns \(learns) in `\(plan.cohort.outcome.column)`, not only whether it is the event:"
          + " the sums below are made of what is recorded there")
    }
    if settings.binRule == .quantiles, numbers > 0 {
      lines.append(
        "  \(name): counts below probes that cut \(numbers) measurements into at most"
          + " \(settings.binCount) bins (up to \(4 * settings.binCount * numbers) numbers, about 8"
          + " times; a bin of few patients is not divided further)")
    }
    switch settings.learner {
    case .additive:
      lines.append(
        "  \(name): per pass one histogram of gradients by feature (about \(bins) numbers, at most"
          + " \(settings.treeCount) times): summed over the hospitals, how far the model is off for"
          + " the patients of each bin")
      if settings.pairCount > 0 {
        lines.append(
          "  \(name): such histograms for pairs of features, once for all pairs and then for"
            + " \(settings.pairCount) of them in turn")
      }
    case .boostedTrees, .randomForest:
      lines.append(
        "  \(name): per level of a tree, histograms of gradients by feature in half of its leaves (up"
          + " to \(bins * (1 << max(0, settings.maximumDepth - 2))) numbers,"
          + " \(settings.maximumDepth) times a tree, at most \(settings.treeCount) trees): summed over"
          + " the hospitals, how far the model is off for the patients of each leaf and bin")
      lines.append(
        "  \(name): no leaf has fewer than \(settings.smallestLeaf) patients over all hospitals,"
          + " but a bin within a leaf may hold one patient: its sum is then that patient's, of a"
          + " hospital that nobody is told")
    }
    if settings.explanation == .interventional {
      lines.append(
        "  \(name): how many of at most about 10,000 patients of all hospitals satisfy which of the conditions on the"
          + " way to each leaf (at most 2 to the power of \(settings.maximumDepth) numbers a leaf, once); counts"
          + " of few patients are merged before the report and the model file keep them")
    }
    lines.append(
      "  \(name): what each feature contributes, summed over about 1,000 patients of all hospitals"
        + " (about \(2 * bins) numbers, once); a bin of them may hold one patient of a hospital that"
        + " nobody is told, and the report merges or leaves out bins of fewer than"
        + " \(plan.privacy.minimumCell)")
    return lines
  }
}
