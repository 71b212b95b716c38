import BoostedTrees

/// What each feature adds to a model's margin for one patient, by the rule that the model carries: exact
/// Shapley values of trees, against their covers or against background patients, and the terms themselves of
/// an explainable boosting machine. Of classes the score explained is the mean margin of the event's less that
/// of the others.
public struct TreeExplainer: Sendable {
  private enum Rule: Sendable {
    case pathDependent(PathDependentExplainer)
    case interventional(InterventionalExplainer)
    case terms(AdditiveModel)
  }

  private let rule: Rule
  /// Weights of the outputs' margins in the score that is explained.
  private let weights: [Double]
  /// What the contributions start from, in the score's units: those of the margin.
  public let base: Double

  /// Throws `invalidModel` or as `InterventionalExplainer` for a model that contradicts itself.
  public init(_ model: TreeModel) throws(BoostedTreesError) {
    weights = model.target?.outputWeights ?? [1]
    switch model.content {
    case .additive(let additive):
      rule = .terms(additive)
      base = additive.baseMargin
    case .ensemble(let ensemble):
      if let background = model.background {
        let explainer = try InterventionalExplainer(
          patterns: BackgroundPatterns(model: ensemble), total: background)
        rule = .interventional(explainer)
        base = Self.weighted(explainer.expectedMargins, weights)
      } else {
        let explainer = PathDependentExplainer(model: ensemble)
        rule = .pathDependent(explainer)
        base = Self.weighted(explainer.expectedMargins, weights)
      }
    }
  }

  /// Contributions of a row of bins: one of each feature, then one of each pair of an explainable boosting
  /// machine. base + Σ contributions is the score, within rounding. Throws `shapeMismatch`.
  public func contributions(ofBins bins: [UInt8]) throws(BoostedTreesError) -> [Double] {
    switch rule {
    case .pathDependent(let explainer):
      weighted(try explainer.contributions(ofCheckedBins: bins))
    case .interventional(let explainer): weighted(try explainer.contributions(ofBins: bins))
    case .terms(let additive): try additive.contributions(ofBins: bins)
    }
  }

  private static func weighted(_ values: [Double], _ weights: [Double]) -> Double {
    var sum = 0.0
    for (value, weight) in zip(values, weights) { sum += weight * value }
    return sum
  }

  /// One contribution a feature, of those by output: Shapley values of a weighted sum are the weighted sums.
  private func weighted(_ outputs: [[Double]]) -> [Double] {
    guard outputs.count > 1, let first = outputs.first else { return outputs.first ?? [] }
    return first.indices.map { feature in
      Self.weighted(outputs.map { $0[feature] }, weights)
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
