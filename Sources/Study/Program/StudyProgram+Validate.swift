import Validation

/// Validation of every model on every site's own holdout.
extension StudyProgram {
  /// Performance as the sites reported it.
  struct ValidationOutcome: Sendable {
    /// By model name, by site.
    var byModel: [String: [String: SitePerformance]]
    /// Names of the models trained at one site, by site; empty when not allowed.
    var siteModels: [String: NamedModel]
    /// Names of the models without a site, by that site.
    var withoutSite: [String: NamedModel]
  }

  func validate(_ preparation: Preparation, _ fits: Fits) async throws -> ValidationOutcome {
    let ridge = plan.ownModelRidge
    var siteModels: [String: NamedModel] = [:]
    if study.disclosures.contains(.modelBySiteMatrix) {
      await report("validate", "collecting the sites' own models", 0.76)
      let answers = try await perSite(
        .ownModel(.init(transform: preparation.transform, ridge: ridge)), stage: "validate")
      for site in study.sites {
        guard case .ownModel(let model) = answers.answers[site], !model.coefficients.isEmpty else {
          continue
        }
        siteModels[site] = NamedModel(
          name: "only \(site)", origin: .site(site), coefficients: model.coefficients)
      }
    }
    var withoutSite: [String: NamedModel] = [:]
    for site in study.sites {
      guard let model = fits.withoutSite[site] else { continue }
      withoutSite[site] = NamedModel(
        name: model.name, origin: .withoutSite(site), coefficients: model.coefficients)
    }
    let studyModels = fits.models.map(\.named)
    await report("validate", "evaluating on every site's own holdout", 0.8)
    let request = SiteQuery.PerformanceRequest(
      transform: preparation.transform,
      models: studyModels + study.sites.compactMap { siteModels[$0] }
        + study.sites.compactMap { withoutSite[$0] },
      ownModelRidge: ridge, threshold: plan.validation.threshold,
      minimumCell: plan.privacy.minimumCell)
    let answers = try await perSite(.performance(request), stage: "validate")
    var byModel: [String: [String: SitePerformance]] = [:]
    for (site, answer) in answers.answers {
      guard case .performance(let performances) = answer else { continue }
      for named in performances { byModel[named.model, default: [:]][site] = named.performance }
    }
    return ValidationOutcome(byModel: byModel, siteModels: siteModels, withoutSite: withoutSite)
  }

  /// Random-effects summaries of one model over the sites.
  func summaries(_ performances: [String: SitePerformance]) -> [PerformanceSummary] {
    let ordered = study.sites.compactMap { site in
      performances[site].map { (site: site, performance: $0) }
    }
    return PerformanceSummary.Measure.allCases.compactMap { measure in
      PerformanceSummary(measure, sites: ordered)
    }
  }

  /// AUROC of every model, where it was trained against where it was evaluated.
  func matrix(_ outcome: ValidationOutcome, primary: String) -> StudyResult.PerformanceMatrix? {
    guard !outcome.siteModels.isEmpty else { return nil }
    let models = [primary] + study.sites.compactMap { outcome.siteModels[$0]?.name }
    return StudyResult.PerformanceMatrix(
      models: models, sites: study.sites,
      auroc: models.map { model in
        study.sites.map { outcome.byModel[model]?[$0]?.discrimination?.value }
      })
  }
}

extension StudyPlan {
  /// λ of the models that sites fit on their own patients: the first Newton model's, 1 without one.
  var ownModelRidge: Double {
    for case .newton(let settings) in models.map(\.training) { return settings.ridge }
    return 1
  }
}
