import Cohort
import LinearModels
import PortableNumerics
import Validation

/// Answers to the per-site queries.
extension LocalAnswers {
  /// The answer to a per-site query: aggregates about this site under the small-cell rule.
  public mutating func answer(_ query: SiteQuery) throws -> SiteAnswer {
    switch query {
    case .vocabulary(let features, let minimumCell):
      return .vocabulary(features.map { levels($0, minimumCell: minimumCell) })
    case .cohortFlow(_, let minimumCell):
      return .cohortFlow(try cohortFlow(minimumCell: minimumCell))
    case .harmonisation(_, _, let minimumCell):
      return .harmonisation(harmonisation(minimumCell: minimumCell))
    case .ownModel(let request):
      let coefficients = try ownCoefficients(request.transform, ridge: request.ridge)
      return .ownModel(.init(coefficients: coefficients ?? []))
    case .performance(let request): return .performance(try performances(request))
    case .distribution(let request): return .distribution(try distributions(request))
    case .privatePerformance(let request):
      return .noisyCounts(try privatePerformance(request))
    case .privateDistribution(let request):
      return .noisyCounts(try privateDistribution(request))
    }
  }

  /// Levels that at least `minimumCell` of the site's patients have, by their UTF-8 bytes.
  private func levels(_ feature: Int, minimumCell: Int) -> [String] {
    guard case .category(let codes, let levels) = cohort.columns[feature] else { return [] }
    var owners = levels.map { _ in SomePatients() }
    for (row, code) in codes.enumerated() where code >= 0 {
      owners[Int(code)].insert(cohort.patients[row])
    }
    return zip(levels, owners).filter { $0.1.areAtLeast(max(minimumCell, 1)) }.map(\.0)
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The ridge logistic model of this site's training patients; nil when it cannot be fitted.
  mutating func ownCoefficients(
    _ transform: FrozenTransform, ridge: Double
  ) throws -> [Double]? {
    let design = try prepare(transform)
    let rows = cohort.rowIndices(.training)
    let events = rows.count { cohort.outcome[$0] == 1 }
    guard events > 0, events < rows.count else { return nil }
    let learner = try LogisticNewton(featureCount: design.columns, ridge: ridge)
    var state = learner.initialState()
    do {
      while !state.isFinished {
        let sums = try LogisticNewton.answer(
          beta: state.beta, design: design, outcome: cohort.outcome, rows: rows)
        state = try learner.update(state, total: sums)
      }
    } catch {
      return nil
    }
    return state.beta
  }

  /// How well a model that learnt the outcome's values predicts them; nil for a model of the event, and for
  /// too few patients.
  private func values(
    of model: NamedModel, rows: [Int], _ patients: [Int32]?, minimumCell: Int
  ) throws -> ValuePerformance? {
    guard let target = model.trees?.target,
      let predicted = try model.trees?.values(of: cohort, rows: rows),
      let recorded = cohort.outcomeValues
    else { return nil }
    let observed = rows.map { recorded[$0] }
    if case .classes(let classes) = target.values {
      return try ClassPerformance(
        probabilities: predicted, observed: observed.map { Int($0) }, classes: classes,
        isEvent: classes.map { target.event.holds(word: $0) },
        patients: patients, minimumCell: minimumCell
      ).map { .classes($0) }
    }
    let isCount = if case .count = target.values { true } else { false }
    return try NumberPerformance(
      predicted: predicted.map { $0[0] }, observed: observed, isCount: isCount,
      patients: patients, minimumCell: minimumCell
    ).map { .numbers($0) }
  }

  private mutating func performances(
    _ request: SiteQuery.PerformanceRequest
  ) throws -> [SiteAnswer.NamedPerformance] {
    let rows = cohort.rowIndices(.holdout)
    let outcome = rows.map { cohort.outcome[$0] == 1 }
    let patients = owners.map { owners in rows.map { owners[$0] } }
    func evaluate(_ model: NamedModel) throws -> SiteAnswer.NamedPerformance {
      let risks = try risks(of: model, transform: request.transform, rows: rows)
      let performance = try HoldoutEvaluation.evaluate(
        probabilities: risks, outcome: outcome, patients: patients, threshold: request.threshold,
        minimumCell: request.minimumCell)
      return .init(
        model: model.name,
        performance: performance.with(
          values: try values(of: model, rows: rows, patients, minimumCell: request.minimumCell)))
    }
    var result = try request.models.filter { $0.isEvaluated(at: site) }.map {
      try evaluate($0)
    }
    if let ridge = request.ownModelRidge,
      let own = try ownCoefficients(request.transform, ridge: ridge)
    {
      result.append(
        try evaluate(
          NamedModel(name: SiteAnswer.ownModelName, origin: .site(site), coefficients: own)))
    }
    return result
  }
}
