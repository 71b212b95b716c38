import Cohort
import LinearModels
import Validation

/// The study as a straight line of queries (design decision 3).
///
/// The same code runs at every site and at the aggregator. It decides only by the plan and by what
/// the port returns, so all parties stay together without being told what to do next.
public struct StudyProgram: Sendable {
  public let study: AgreedStudy
  var plan: StudyPlan { study.plan }
  let ledger: DisclosureLedger
  let checks: TotalChecks
  let federation: any Federation

  /// A program over a port. Running it asks the port for everything.
  public init(_ study: AgreedStudy, over federation: any Federation) {
    self.study = study
    self.federation = federation
    ledger = DisclosureLedger()
    checks = TotalChecks()
  }

  /// Runs the study to its result. Throws `StudyError`, or whatever the port throws.
  public func run() async throws -> StudyResult {
    var result =
      if let privacy = try PrivacyPlan(plan) {
        try await runPrivately(privacy)
      } else {
        try await runExactly()
      }
    result.preparation = FrozenPreparation(plan, result.transform).digest.hex
    return result
  }

  /// A study whose sums carry no noise.
  private func runExactly() async throws -> StudyResult {
    await report("profile", "counting patients", 0)
    let profile = try await profile()
    let flow = try await cohortFlow()
    let harmonisation = try await harmonisation()
    await report("prepare", "category names", 0.05)
    let vocabularies = try await vocabularies()
    await report("prepare", "quantiles", 0.1)
    let quantiles = try await quantiles()
    await report("prepare", "means and standard deviations", 0.2)
    var selection = try await select(profile, vocabularies, quantiles)
    var preparation = try await prepare(
      profile, vocabularies, quantiles, kept: selection.kept)
    (preparation.transform, selection) = try await removeDuplicates(
      preparation.transform, selection)
    preparation.kept = selection.kept
    (preparation.transform, preparation.notes) = try await completing(
      preparation.transform, kept: preparation.kept, profile,
      productSites: selection.productSites)
    let fits = try await fit(preparation)
    await report("validate", "evaluating on every site's own holdout", 0.75)
    let validation = try await validate(preparation, fits)
    await report("drift", "comparing the sites", 0.9)
    let drift = try await compareSites(preparation, fits, validation)
    await report("report", "putting the result together", 0.98)
    var result = result(profile, preparation, fits, validation, drift)
    result.flow = flow
    result.harmonisation = harmonisation
    result.selection = selection.facts.isEmpty ? nil : selection.facts
    return result
  }

  func report(_ stage: String, _ detail: String, _ fraction: Double) async {
    await federation.report(StageProgress(stage: stage, detail: detail, fraction: fraction))
  }

  /// Asks for a sum, checks its shape and notes the disclosure.
  func sum(_ query: SumQuery, stage: String) async throws -> Total {
    let total = try await federation.sum(query)
    let expected = try query.vectorLength(in: plan)
    guard total.count == expected else {
      throw StudyError(
        .implausibleTotal,
        "the total of the \(query.purpose) has \(total.count) numbers instead of \(expected)"
      )
    }
    try checks.check(query, total)
    ledger.note(query, total, stage: stage)
    return total
  }

  /// Asks every site and notes the disclosure.
  func perSite(_ query: SiteQuery, stage: String) async throws -> SiteAnswers {
    let answers = try await federation.perSite(query)
    ledger.note(query, answers, stage: stage)
    return answers
  }
}
