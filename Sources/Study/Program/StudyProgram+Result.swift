import Cohort
import Validation

/// Comparing the sites, and putting the result together.
extension StudyProgram {
  /// What the sites released about their distributions, and the comparison.
  struct SiteComparison: Sendable {
    var distributions: [String: [FeatureSummary]]
    var report: DriftReport
  }

  func compareSites(
    _ preparation: Preparation, _ fits: Fits, _ validation: ValidationOutcome
  ) async throws -> SiteComparison {
    let primary = fits.primary.named
    let request = SiteQuery.DistributionRequest(
      cuts: preparation.kept.enumerated().reduce(into: [:]) { cuts, feature in
        guard let deciles = preparation.deciles[feature.element] else { return }
        let edges = Self.ascending(deciles, bins: plan.drift.bins)
        cuts[feature.offset] = edges.map { $0 - halfStep(feature.element) }
      },
      levels: preparation.kept.enumerated().reduce(into: [:]) { levels, feature in
        levels[feature.offset] = preparation.vocabularies[feature.element]?.levels
      }, transform: preparation.transform,
      model: primary, scoreCuts: Self.scoreCuts(preparation.profile),
      minimumCell: plan.privacy.minimumCell)
    let answers = try await perSite(.distribution(request), stage: "drift")
    var distributions: [String: [FeatureSummary]] = [:]
    for (site, answer) in answers.answers {
      if case .distribution(let summaries) = answer { distributions[site] = summaries }
    }
    return comparison(distributions, validation.byModel[fits.primary.name] ?? [:])
  }

  /// Compares what the sites released.
  func comparison(
    _ distributions: [String: [FeatureSummary]], _ performances: [String: SitePerformance]
  ) -> SiteComparison {
    let profiles = study.sites.compactMap { site -> SiteProfile? in
      guard let summaries = distributions[site] else { return nil }
      return SiteProfile(
        site: site, features: Array(summaries.dropLast()), score: summaries.last,
        performance: performances[site])
    }
    var thresholds = DriftThresholds()
    thresholds.adjustedPValue = plan.drift.falseDiscoveryRate
    let report = DriftReport(
      profiles: profiles,
      descriptions: plan.cohort.features.map {
        FeatureDescription(feature: $0.name, unit: $0.unit)
      },
      unitFactors: plan.cohort.features.flatMap(Self.unitFactors),
      outcomeLabel: plan.cohort.outcome.name, thresholds: thresholds)
    return SiteComparison(distributions: distributions, report: report)
  }

  /// Cut points of the score: the odds of the training patients' outcome times ⅛, ¼, … 16, as risks.
  /// Where the outcome is rare nearly all risks are small, and bins of equal width would compare
  /// handfuls of patients; these hold a fair share each, whatever the prevalence.
  static func scoreCuts(_ profile: Profile) -> [Double] {
    let events = Double(max(profile.trainingEventCount, 1))
    let others = Double(max(profile.trainingCount - profile.trainingEventCount, 1))
    return [0.125, 0.25, 0.5, 1, 2, 4, 8, 16].map { factor in
      let odds = factor * events / others
      return odds / (1 + odds)
    }
  }

  /// Half the recording precision. Cuts lie between two values that can be recorded, so that a
  /// value converted from another unit falls into the same bin as one recorded in the study's.
  private func halfStep(_ feature: Int) -> Double {
    guard case .number(_, _, let resolution?) = plan.cohort.features[feature].kind else { return 0 }
    return resolution / 2
  }

  /// Strictly ascending cut points, at most bins − 1 of them, evenly taken from the deciles.
  static func ascending(_ deciles: [Double], bins: Int) -> [Double] {
    var cuts: [Double] = []
    for value in deciles where cuts.last.map({ value > $0 }) ?? true { cuts.append(value) }
    guard cuts.count >= bins, bins > 1 else { return cuts }
    return (1..<bins).map { cuts[(cuts.count * $0) / bins] }
  }

  /// The unit mistakes that are known for a feature.
  private static func unitFactors(_ feature: FeatureSpecification) -> [UnitFactor] {
    guard feature.isNumber else { return [] }
    return UnitConversion.knownFactors(feature: feature.name, unit: feature.unit).map { mistake in
      let factor = mistake.conversion.factor
      return UnitFactor(
        feature: feature.name, recordedUnit: mistake.recordedUnit,
        expectedUnit: mistake.declaredUnit, factor: 1 / factor,
        offset: -mistake.conversion.offset / factor)
    }
  }

  func result(
    _ profile: Profile, _ preparation: Preparation, _ fits: Fits,
    _ validation: ValidationOutcome, _ comparison: SiteComparison
  ) -> StudyResult {
    let primary = validation.byModel[fits.primary.name] ?? [:]
    let withoutSite = study.sites.reduce(into: [String: SitePerformance]()) { result, site in
      guard let model = validation.withoutSite[site] else { return }
      result[site] = validation.byModel[model.name]?[site]
    }
    return StudyResult(
      study: facts, sites: study.sites.map { siteFacts($0, comparison) },
      totals: .init(
        patientCount: profile.trainingCount + profile.holdoutCount,
        eventCount: profile.trainingEventCount + profile.holdoutEventCount,
        trainingCount: profile.trainingCount, trainingEventCount: profile.trainingEventCount,
        holdoutCount: profile.holdoutCount, holdoutEventCount: profile.holdoutEventCount),
      features: plan.cohort.features.indices.map { featureFacts($0, preparation) },
      transform: preparation.transform, models: fits.models,
      performance: fits.models.map {
        .init(model: $0.name, sites: validation.byModel[$0.name] ?? [:])
      },
      ownModels: validation.byModel[SiteAnswer.ownModelName] ?? [:],
      matrix: matrix(validation, primary: fits.primary.name),
      leaveOneSiteOut: study.disclosures.contains(.leaveOneSiteOut) ? withoutSite : nil,
      summaries: summaries(primary), drift: comparison.report,
      distributions: comparison.distributions, disclosures: ledger.records,
      notes: preparation.notes + notes(fits, primary))
  }

  private var facts: StudyResult.StudyFacts {
    .init(
      id: plan.id, title: plan.title, task: plan.task, outcome: plan.cohort.outcome.name,
      planDigest: plan.digest.hex, programVersion: Int(StudyPlan.programVersion),
      holdout: plan.cohort.holdout.inWords, threshold: plan.validation.threshold,
      minimumCell: plan.privacy.minimumCell, minimumSites: plan.privacy.minimumSites,
      disclosures: Disclosure.allCases.filter { study.disclosures.contains($0) })
  }

  private func siteFacts(
    _ site: String, _ comparison: SiteComparison
  ) -> StudyResult.SiteFacts {
    let score = comparison.distributions[site]?.last
    let count = score.flatMap { $0.isSuppressed ? nil : $0.patientCount }
    return .init(
      name: site, patientCount: count,
      sumsTakenPart: ledger.sumsTakenPart(by: site), sumCount: ledger.sumCount)
  }

  private func featureFacts(
    _ index: Int, _ preparation: Preparation
  ) -> StudyResult.FeatureFacts {
    let feature = plan.cohort.features[index]
    let profile = preparation.profile
    let kind: String
    var levels: [StudyResult.LevelCount]?
    var present = profile.present[index]
    switch feature.kind {
    case .number: kind = "number"
    case .flag: kind = "flag"
    case .category:
      kind = "category"
      if let vocabulary = preparation.vocabularies[index] {
        levels = zip(vocabulary.levels, vocabulary.counts).map {
          StudyResult.LevelCount(level: $0, count: $1)
        }
        if vocabulary.otherCount > 0 {
          levels?.append(.init(level: "other", count: vocabulary.otherCount))
        }
        present = min(present, profile.trainingCount)
      }
    }
    return .init(
      name: feature.name, kind: kind, unit: feature.unit, presentCount: present,
      missingShare: profile.trainingCount > 0
        ? Double(profile.missing(index)) / Double(profile.trainingCount) : 0,
      deciles: preparation.deciles[index], levels: levels,
      positiveShare: feature.isFlag && present > 0
        ? Double(profile.positive[index]) / Double(present) : nil)
  }

  private func notes(_ fits: Fits, _ primary: [String: SitePerformance]) -> [String] {
    var notes: [String] = []
    for model in fits.models where !model.converged {
      notes.append(
        "The model \(model.name) stopped after \(model.iterationCount) iterations without"
          + " converging; its coefficients are those of the best point found.")
    }
    for site in study.sites {
      guard let performance = primary[site] else {
        notes.append("\(site) reported no performance; it is missing from the comparison.")
        continue
      }
      if performance.suppressed != .none {
        notes.append("\(site): \(performance.suppressed.explanation).")
      } else if performance.discrimination == nil {
        notes.append(
          "\(site): the holdout has patients of one outcome only, so that only the number of"
            + " patients and O:E can be stated.")
      }
      let missed = ledger.sumCount - ledger.sumsTakenPart(by: site)
      if missed > 0 {
        notes.append("\(site) is absent from \(missed) of \(ledger.sumCount) secure sums.")
      }
    }
    for (site, purposes) in ledger.absences.sorted(by: { $0.key < $1.key }) {
      notes.append("\(site) did not answer: \(purposes.joined(separator: ", ")).")
    }
    if study.sites.count < 5 {
      notes.append(
        "With \(study.sites.count) hospitals the prediction intervals are nearly uninformative.")
    }
    return notes
  }
}

extension HoldoutRule {
  /// The rule in words, for the review sheet and the report.
  public var inWords: String {
    switch self {
    case .hash(let fraction, _):
      "\(Int((fraction * 100).rounded())) % of the patients, chosen by a keyed hash of the patient's"
        + " identifier"
    case .time(let column, let from): "patients with `\(column)` from \(from) on"
    case .column(let name, let value): "patients whose column `\(name)` is `\(value)`"
    }
  }
}
