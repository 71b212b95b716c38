import Cohort
import DifferentialPrivacy
import LinearModels
import PortableNumerics
import SecureAggregation
import Validation

/// The study under differential privacy: every number that leaves a hospital carries noise, planned
/// before the first one left.
extension StudyProgram {
  func runPrivately(_ privacy: PrivacyPlan) async throws -> StudyResult {
    await report("prepare", "noisy counts of the features", 0.05)
    var preparation = try await privatePreparation(privacy)
    let fits = try await privateFits(preparation, privacy)
    await report("validate", "noisy risks by outcome on every site's own holdout", 0.75)
    let validation = try await privateValidation(preparation, fits, privacy)
    preparation.profile.holdoutCount = validation.holdoutCount
    preparation.profile.holdoutEventCount = validation.holdoutEventCount
    await report("drift", "comparing the sites", 0.9)
    let comparison = try await privateComparison(
      preparation, fits, validation.outcome, privacy)
    await report("report", "putting the result together", 0.98)
    var result = result(
      preparation.profile, preparation, fits, validation.outcome, comparison)
    result.notes += fits.models.compactMap(Self.withheldFromTrees)
    result.privacy = try privacyFacts(privacy, pooled: validation.pooled)
    return result
  }

  // MARK: - Fit

  private func privateFits(
    _ preparation: Preparation, _ privacy: PrivacyPlan
  ) async throws -> Fits {
    var fits = Fits(models: [], withoutSite: [:])
    for (index, model) in plan.models.enumerated() {
      let start = 0.25 + 0.5 * Double(index) / Double(plan.models.count)
      let span = 0.5 / Double(plan.models.count)
      guard let release = privacy.releases.first(where: { $0.content == .fit(model: index) })
      else { continue }
      do {
        if case .trees(let settings) = model.training {
          fits.models.append(
            try await privateTrees(
              index, settings, preparation, privacy, from: start, span: span))
          continue
        }
        fits.models.append(
          try await privateFit(
            index, preparation, release, privacy, from: start, span: span))
      } catch let error as LinearModelError {
        throw StudyError(
          .notEstimable,
          "the model `\(model.name)` cannot be fitted from the noisy sums (\(error.code.rawValue));"
            + " raise `epsilon` or add sites")
      }
    }
    return fits
  }

  private func privateFit(
    _ index: Int, _ preparation: Preparation, _ release: PrivacyPlan.Release,
    _ privacy: PrivacyPlan, from start: Double, span: Double
  ) async throws -> FittedModel {
    let model = plan.models[index]
    let transform = preparation.transform
    let rowBound = PrivacyPlan.rowBound(plan)
    var rows: SumQuery.RowBound?
    if case .newton = model.training {
      rows = SumQuery.RowBound(means: preparation.columnMeans, norm: rowBound)
    }
    // Starting at the prevalence saves a step of the few.
    var beta = [Double](repeating: 0, count: transform.columnCount + 1)
    beta[0] = Self.startingIntercept(preparation.profile)
    func total(
      _ step: Int, _ weights: [Double], clip: Double? = nil
    ) async throws -> [Int64] {
      await report(
        "fit", "\(model.name): noisy step \(step + 1) of \(release.count)",
        start + span * Double(step) / Double(release.count))
      let query = SumQuery.PrivateStepQuery(
        transform: transform, model: model, step: step, coefficients: weights, rows: rows,
        clip: clip, noise: release.noise)
      return try await sum(.privateStep(query), stage: "fit").values
    }
    var ballot = ballot(
      model.name, start: beta,
      noise: privacy.releases.first { $0.content == .votes(model: index) }?.noise)
    let training: String
    switch model.training {
    case .trees:
      throw StudyError(.invalidPlan, "trees are not fitted by steps of coefficients")
    case .newton(let settings):
      let learner = try PrivateNewton(
        featureCount: transform.columnCount, ridge: settings.ridge, rowBound: rowBound,
        means: preparation.columnMeans)
      let noise = Double(release.noise.variance).squareRoot()
      var iterates: [[Double]] = []
      for step in 0..<release.count {
        beta = try learner.update(beta, total: try await total(step, beta), noise: noise)
        iterates.append(beta)
        try await vote(
          try learner.coefficients(after: iterates), after: step + 1,
          isLast: step + 1 == release.count, preparation, &ballot)
      }
      beta = try learner.coefficients(after: iterates)
      training = "newton under differential privacy"
    case .federatedAveraging(let settings):
      let learner = try PrivateGradient(
        featureCount: transform.columnCount, settings: settings)
      var state = try FederatedAveraging(
        parameterCount: beta.count, settings: settings
      ).initialState(weights: beta)
      let patientCount = Double(preparation.profile.trainingCount)
      let adaptive = try settings.adaptiveClipping.map {
        try AdaptiveClip(quantile: $0.quantile, learningRate: $0.rate, range: Self.clipRange)
      }
      var clip = adaptive.map { _ in settings.clipNorm }
      for step in 0..<release.count {
        let opened = try await total(step, state.weights, clip: clip)
        state = try learner.update(
          state, total: opened, patientCount: patientCount, clip: clip)
        if let adaptive, let bound = clip,
          let within = try learner.fractionWithin(total: opened, patientCount: patientCount)
        {
          clip = try adaptive.next(after: bound, fractionWithin: within)
        }
        try await vote(
          state.weights, after: step + 1, isLast: step + 1 == release.count, preparation, &ballot)
      }
      beta = state.weights
      training =
        "gradient steps under differential privacy (\(settings.serverOptimiser.rawValue))"
        + (clip.map { ", clip adapted to \(($0 * 1000).rounded() / 1000)" } ?? "")
    }
    return FittedModel(
      name: model.name, training: training, coefficients: beta, standardErrors: nil,
      columns: transform.designColumnNames, iterationCount: release.count, converged: true,
      trainingLogLoss: nil)
  }

  /// An adaptive bound stays where `clip` may be.
  private static let clipRange = 1e-3...1000.0

  static func startingIntercept(_ profile: Profile) -> Double {
    let events = max(Double(profile.trainingEventCount), 1)
    let others = max(Double(profile.trainingCount - profile.trainingEventCount), 1)
    let odds = min(max(events / others, 1e-3), 1e3)
    return Portable.log(odds)
  }

  // MARK: - Validation

  private struct PrivateValidation {
    var outcome: ValidationOutcome
    /// By model, over all sites' holdouts together.
    var pooled: [String: SitePerformance]
    var holdoutCount: Int
    var holdoutEventCount: Int
  }

  /// Odds multiples of the prevalence at which risks are cut. Few bins: every cell carries the noise.
  private static let oddsFactors = [
    0.125, 0.25, 0.354, 0.5, 0.707, 1, 1.414, 2, 2.83, 4, 8, 16,
  ]

  private func riskCuts(_ profile: Profile) -> [Double] {
    let events = Double(max(profile.trainingEventCount, 1))
    let others = Double(max(profile.trainingCount - profile.trainingEventCount, 1))
    return Self.oddsFactors.map { factor in
      let odds = factor * events / others
      return odds / (1 + odds)
    }
  }

  private func privateValidation(
    _ preparation: Preparation, _ fits: Fits, _ privacy: PrivacyPlan
  ) async throws -> PrivateValidation {
    let cuts = riskCuts(preparation.profile)
    let noise = try privacy.noise(of: .performance)
    let request = SiteQuery.PrivatePerformanceRequest(
      transform: preparation.transform,
      models: fits.models.map(\.named), cuts: cuts, noise: noise)
    let answers = try await perSite(.privatePerformance(request), stage: "validate")
    let unit = Double(PrivacyPlan.countUnit)
    let variance = Double(noise.variance) / (unit * unit)
    let bins = cuts.count + 1
    func table(_ counts: [Double], sites: Int, model: Int) throws -> SitePerformance {
      let own = counts[(model * 2 * bins)..<((model + 1) * 2 * bins)]
      let cells = Array(own)
      return try NoisyPerformance(
        nonEvents: (0..<bins).map { cells[2 * $0] }, events: (0..<bins).map { cells[2 * $0 + 1] },
        cuts: cuts, noiseVariance: variance * Double(sites)
      ).performance(threshold: plan.validation.threshold, seed: UInt64(model) + 1)
    }
    var byModel: [String: [String: SitePerformance]] = [:]
    var sums = [Double](repeating: 0, count: 2 * bins * fits.models.count)
    var siteCount = 0
    for site in study.sites {
      guard case .noisyCounts(let values) = answers.answers[site] else { continue }
      let counts = values.map { Double($0) / unit }
      for index in sums.indices { sums[index] += counts[index] }
      siteCount += 1
      for (position, model) in fits.models.enumerated() {
        byModel[model.name, default: [:]][site] = try table(counts, sites: 1, model: position)
      }
    }
    var pooled: [String: SitePerformance] = [:]
    if siteCount > 0 {
      for (position, model) in fits.models.enumerated() {
        pooled[model.name] = try table(sums, sites: siteCount, model: position)
      }
    }
    let primary = pooled[fits.primary.name]
    return PrivateValidation(
      outcome: ValidationOutcome(byModel: byModel, siteModels: [:], withoutSite: [:]),
      pooled: pooled, holdoutCount: primary?.patientCount ?? 0,
      holdoutEventCount: primary?.eventCount ?? 0)
  }

  // MARK: - Drift

  private func privateComparison(
    _ preparation: Preparation, _ fits: Fits, _ validation: ValidationOutcome,
    _ privacy: PrivacyPlan
  ) async throws -> SiteComparison {
    let features = plan.cohort.features
    let bins = features.indices.map { index -> SumQuery.MarginalBins in
      guard features[index].isNumber else { return Self.publicBins(features[index]).query }
      return .cuts(
        Self.ascending(preparation.deciles[index] ?? [], bins: plan.drift.bins))
    }
    let noise = try privacy.noise(of: .distribution)
    let scoreCuts = Self.scoreCuts(preparation.profile)
    let request = SiteQuery.PrivateDistributionRequest(
      bins: bins, transform: preparation.transform,
      model: fits.primary.named,
      scoreCuts: scoreCuts, noise: noise)
    let answers = try await perSite(.privateDistribution(request), stage: "drift")
    let unit = Double(PrivacyPlan.countUnit)
    let variance = Double(noise.variance) / (unit * unit)
    var distributions: [String: [FeatureSummary]] = [:]
    for (site, answer) in answers.answers {
      guard case .noisyCounts(let values) = answer else { continue }
      var counts = values.map { Double($0) / unit }[...]
      var summaries: [FeatureSummary] = []
      for (index, bin) in bins.enumerated() {
        let own = Array(counts.prefix(bin.count + 1))
        counts = counts.dropFirst(own.count)
        summaries.append(
          try FeatureSummary(
            feature: features[index].name, bins: bin.summaryBins, noisy: own.padded(for: bin),
            noiseVariance: variance))
      }
      summaries.append(
        try FeatureSummary(
          feature: SiteQuery.DistributionRequest.scoreName, bins: .cuts(scoreCuts),
          noisy: Array(counts) + [0], noiseVariance: variance))
      distributions[site] = summaries
    }
    return comparison(distributions, validation.byModel[fits.primary.name] ?? [:])
  }

  // MARK: - Result

  private func privacyFacts(
    _ privacy: PrivacyPlan, pooled: [String: SitePerformance]
  ) throws -> StudyResult.PrivacyFacts {
    let siteCount = study.sites.count
    let threshold = Manifest.threshold(siteCount: siteCount)
    let planned = plan.privacy.effectiveColluders(siteCount: siteCount)
    let counts = Set([0, 1, planned, planned + 1, plan.privacy.maximumColluders])
    return .init(
      epsilon: privacy.goal.epsilon, delta: privacy.goal.delta,
      linkedSites: privacy.goal.linkedSites, squaredMu: privacy.cost.squaredMuWithoutSampling,
      provenEpsilon: privacy.epsilon, reopenings: privacy.goal.reopenings,
      largestEpsilon: privacy.largestEpsilon(delta: privacy.goal.delta),
      byColluders: try counts.sorted().filter { $0 < min(threshold, siteCount) }.map { count in
        .init(
          colluders: count,
          epsilon: try privacy.epsilon(
            colluders: count, planned: planned, sites: siteCount, threshold: threshold))
      },
      releases: privacy.releases.map {
        .init(
          purpose: $0.purpose, count: $0.count, isSum: $0.isSum, group: $0.noise.group,
          noiseMultiplier: $0.noiseMultiplier, samplingRate: $0.noise.samplingRate)
      }, pooled: pooled)
  }
}

extension SumQuery.MarginalBins {
  /// The same bins as a distribution's summary has them.
  var summaryBins: FeatureSummary.Bins {
    switch self {
    case .cuts(let cuts): .cuts(cuts)
    case .levels(let levels): .levels(levels)
    case .flag: .levels(LocalAnswers.flagLevels)
    }
  }
}

extension [Double] {
  /// A flag's summary has a bin for "other", which is always empty.
  fileprivate func padded(for bins: SumQuery.MarginalBins) -> [Double] {
    guard bins == .flag, count == 3 else { return self }
    return [self[0], self[1], 0, self[2]]
  }
}
