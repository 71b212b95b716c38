import BoostedTrees

/// What each feature adds to a model's margin for one patient, by the rule that the model carries: exact
/// Shapley values of trees, against their covers or against background patients, and the terms themselves of
/// an explainable boosting machine.
public struct TreeExplainer: Sendable {
  private enum Rule: Sendable {
    case pathDependent(PathDependentExplainer)
    case interventional(InterventionalExplainer)
    case terms(AdditiveModel)
  }

  private let rule: Rule
  /// What the contributions start from, in margin units.
  public let base: Double

  /// Throws `invalidModel` or as `InterventionalExplainer` for a model that contradicts itself.
  public init(_ model: TreeModel) throws(BoostedTreesError) {
    switch model.content {
    case .additive(let additive):
      rule = .terms(additive)
      base = additive.baseMargin
    case .ensemble(let ensemble):
      if let background = model.background {
        let explainer = try InterventionalExplainer(
          patterns: BackgroundPatterns(model: ensemble), total: background)
        rule = .interventional(explainer)
        base = explainer.expectedMargins[0]
      } else {
        let explainer = PathDependentExplainer(model: ensemble)
        rule = .pathDependent(explainer)
        base = explainer.expectedMargins[0]
      }
    }
  }

  /// Contributions of a row of bins: one of each feature, then one of each pair of an explainable boosting
  /// machine. base + Σ contributions is the margin, within rounding. Throws `shapeMismatch`.
  public func contributions(ofBins bins: [UInt8]) throws(BoostedTreesError) -> [Double] {
    switch rule {
    case .pathDependent(let explainer): try explainer.contributions(ofCheckedBins: bins)[0]
    case .interventional(let explainer): try explainer.contributions(ofBins: bins)[0]
    case .terms(let additive): try additive.contributions(ofBins: bins)
    }
  }

  /// The same with half of a pair's term for each of its two features. Throws `shapeMismatch`.
  func contributionsByFeature(ofBins bins: [UInt8]) throws(BoostedTreesError) -> [Double] {
    var values = try contributions(ofBins: bins)
    if case .terms(let additive) = rule {
      for (index, pair) in additive.pairs.enumerated() {
        values[pair.first] += values[bins.count + index] / 2
        values[pair.second] += values[bins.count + index] / 2
      }
    }
    return Array(values.prefix(bins.count))
  }
}
