import LinearModels

/// Fitting the models of the plan.
extension StudyProgram {
  /// Every model that was fitted over the sites.
  struct Fits: Sendable {
    /// In the order of the plan.
    var models: [FittedModel]
    /// Primary model without one site, by the site left out.
    var withoutSite: [String: FittedModel]

    var primary: FittedModel { models[0] }
  }

  func fit(_ preparation: Preparation) async throws -> Fits {
    var fits = Fits(models: [], withoutSite: [:])
    let cuts = try await treeCuts(preparation.profile, kept: preparation.kept)
    for (index, model) in plan.models.enumerated() {
      let start = 0.25 + 0.5 * Double(index) / Double(plan.models.count)
      let span = 0.5 / Double(plan.models.count)
      switch model.training {
      case .newton(let settings):
        let leavesOut =
          index == 0 && study.disclosures.contains(.leaveOneSiteOut) ? study.sites : []
        let fitted = try await newton(
          model.name, settings, preparation, leavingOut: leavesOut, from: start, span: span)
        fits.models.append(fitted[0].model)
        for fit in fitted.dropFirst() where fit.isUsable {
          fits.withoutSite[fit.excludedSite ?? ""] = fit.model
        }
      case .federatedAveraging(let settings):
        fits.models.append(
          try await averaging(model, settings, preparation, from: start, span: span))
      case .trees(let settings):
        fits.models.append(
          try await trees(
            model, settings, preparation, cuts: cuts, from: start, span: span))
      }
    }
    return fits
  }

  /// What went wrong with a model over all sites, in the study's words.
  private static func fitError(_ code: LinearModelError.Code, model: String) -> StudyError {
    switch code {
    case .totalOutOfRange, .totalLength:
      StudyError(
        .implausibleTotal,
        "the sums for the model `\(model)` cannot come from patients; a site answered wrongly")
    case .noPatients, .oneOutcomeClass:
      StudyError(
        .tooFew,
        "no site in the sums of the model `\(model)` has training patients with and without the"
          + " outcome; wait for more sites or widen the cohort")
    case .diverged:
      StudyError(
        .diverged,
        "the model `\(model)` diverged; lower its learning rates, or raise `ridge`")
    default:
      StudyError(
        .notEstimable,
        "the model `\(model)` cannot be estimated (\(code.rawValue)); raise `ridge` or remove"
          + " features that are constant or copies of each other")
    }
  }

  private struct NewtonFit {
    var excludedSite: String?
    var state: LogisticNewtonState
    var model: FittedModel
    var isUsable: Bool
  }

  /// Newton's method for all sites and, in the same rounds, without each listed site.
  private func newton(
    _ name: String, _ settings: ModelSpecification.NewtonSettings, _ preparation: Preparation,
    leavingOut sites: [String], from start: Double, span: Double
  ) async throws -> [NewtonFit] {
    let transform = preparation.transform
    let learner = try LogisticNewton(
      featureCount: transform.columnCount, ridge: settings.ridge, tolerance: settings.tolerance,
      iterationLimit: settings.maximumIterations)
    let batch = LogisticNewtonBatch(learner)
    let excluded: [String?] = [nil] + sites
    var states = batch.initialStates(fitCount: excluded.count)
    var ballot = ballot(name, start: states[0].beta)
    var iteration = 0
    while !batch.activeFits(states).isEmpty {
      await report(
        "fit", "\(name): Newton step \(iteration + 1)",
        start + span * min(1, Double(iteration) / 8))
      let isInTraining = batch.activeFits(states).contains(0)
      let fits = batch.activeFits(states).map { fit in
        SumQuery.NewtonQuery.Fit(
          model: name, coefficients: states[fit].beta, excludedSite: excluded[fit])
      }
      let total = try await sum(
        .newton(.init(transform: transform, fits: fits)), stage: "fit")
      states = try batch.update(states, total: total.values)
      iteration += 1
      if case .failed = states[0].status { continue }
      if isInTraining {
        try await vote(
          states[0].beta, after: iteration, isLast: !batch.activeFits(states).contains(0),
          preparation, &ballot)
      }
    }
    if case .failed(let code) = states[0].status {
      throw Self.fitError(code, model: name)
    }
    return zip(excluded, states).map { site, state in
      var isUsable = true
      if case .failed = state.status { isUsable = false }
      return NewtonFit(
        excludedSite: site, state: state,
        model: FittedModel(
          name: site.map { "\(name) without \($0)" } ?? name, training: "newton",
          coefficients: state.beta, standardErrors: state.standardErrors,
          columns: transform.designColumnNames, iterationCount: state.iteration,
          converged: state.status == .converged,
          trainingLogLoss: state.patientCount > 0
            ? state.deviance / 2 / Double(state.patientCount) : nil),
        isUsable: isUsable)
    }
  }

  /// Federated averaging of local updates.
  private func averaging(
    _ model: ModelSpecification, _ settings: FederatedAveragingSettings,
    _ preparation: Preparation, from start: Double, span: Double
  ) async throws -> FittedModel {
    let transform = preparation.transform
    let averaging = try FederatedAveraging(
      parameterCount: transform.columnCount + 1, settings: settings)
    let learner = LogisticLearner(featureCount: transform.columnCount)
    var state = try averaging.initialState(
      weights: learner.initialParameters(seed: settings.seed))
    var ballot = ballot(model.name, start: state.weights)
    while !averaging.isFinished(state) {
      await report(
        "fit", "\(model.name): round \(state.round + 1) of \(settings.rounds)",
        start + span * Double(state.round) / Double(max(settings.rounds, 1)))
      let query = SumQuery.AveragingQuery(
        transform: transform, model: model, round: state.round, weights: state.weights)
      let total = try await sum(.averaging(query), stage: "fit")
      do {
        state = try averaging.update(state, total: total.values)
      } catch {
        throw Self.fitError(error.code, model: model.name)
      }
      try await vote(
        state.weights, after: state.round, isLast: averaging.isFinished(state), preparation,
        &ballot)
    }
    return FittedModel(
      name: model.name,
      training: "federated averaging (\(settings.serverOptimiser.rawValue))",
      coefficients: state.weights, standardErrors: nil, columns: transform.designColumnNames,
      iterationCount: state.round, converged: true,
      trainingLogLoss: state.meanLoss.isNaN ? nil : state.meanLoss)
  }
}
