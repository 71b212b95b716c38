import Cohort
import LinearModels
import Validation

/// Distributions of the features and the score over all of a site's patients.
extension LocalAnswers {
  /// Levels of a flag's summary.
  static let flagLevels = ["no", "yes"]

  /// One summary per feature of the transform in its order, then the score's.
  mutating func distributions(
    _ request: SiteQuery.DistributionRequest
  ) throws -> [FeatureSummary] {
    var summaries: [FeatureSummary] = []
    for (index, feature) in request.transform.features.enumerated() {
      guard let position = cohort.features.firstIndex(where: { $0.name == feature.name }) else {
        throw StudyError(.malformedAnswer, "the query names a feature that is not there")
      }
      switch cohort.columns[position] {
      case .number(let values):
        summaries.append(
          try .numeric(
            feature: feature.name, values: values, patients: owners,
            cuts: request.cuts[index] ?? [],
            minimumCell: request.minimumCell))
      case .category:
        let levels = request.levels[index] ?? []
        let codes = cohort.codes(position, in: levels).map { code -> Int? in
          code == CohortTable.Column.missingCode ? nil : Int(code)
        }
        summaries.append(
          try .categorical(
            feature: feature.name, codes: codes, patients: owners, levels: levels,
            minimumCell: request.minimumCell))
      case .flag(let values):
        summaries.append(
          try .categorical(
            feature: feature.name, codes: values.map { $0.isNaN ? nil : Int($0) },
            patients: owners, levels: Self.flagLevels, minimumCell: request.minimumCell))
      }
    }
    let risks = try risks(of: request.model, transform: request.transform)
    summaries.append(
      try .numeric(
        feature: SiteQuery.DistributionRequest.scoreName, values: risks, patients: owners,
        cuts: request.scoreCuts,
        minimumCell: request.minimumCell))
    return summaries
  }
}

extension SiteQuery.DistributionRequest {
  /// Name under which the score is summarised.
  public static let scoreName = "predicted risk"

  /// Summaries an answer has: one per feature and one of the score.
  var summaryCount: Int { transform.features.count + 1 }

  /// The bins of the summaries, in their order: the same at every site.
  var bins: [FeatureSummary.Bins] {
    transform.features.enumerated().map { index, feature -> FeatureSummary.Bins in
      switch feature {
      case .number: .cuts(cuts[index] ?? [])
      case .category: .levels(levels[index] ?? [])
      case .flag: .levels(LocalAnswers.flagLevels)
      }
    } + [.cuts(scoreCuts)]
  }
}
