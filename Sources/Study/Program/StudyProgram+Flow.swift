import Cryptography

/// How records became cohorts.
extension StudyProgram {
  /// Each site's flow under the small-cell rule, and the flow over all sites; nil for a study over tables.
  ///
  /// The sites answer first. Where all show a step, its total is theirs. Where some hold it back, a total
  /// would tell what these have together: it is asked for, as a secure sum, only if at every step nobody
  /// or at least as many sites as a sum needs hold back, and is otherwise not known to anybody.
  func cohortFlow() async throws -> StudyResult.CohortFlow? {
    guard plan.records != nil else { return nil }
    await report("profile", "how records became cohorts", 0.03)
    let steps = plan.flowSteps
    let answers = try await perSite(
      .cohortFlow(stepCount: steps.count, minimumCell: plan.privacy.minimumCell), stage: "profile")
    var flow = StudyResult.CohortFlow(
      steps: steps.map { .init(name: $0, total: nil, sites: [:]) }, fingerprints: [:])
    for (site, answer) in answers.answers {
      guard case .cohortFlow(let own) = answer else { continue }
      flow.fingerprints[site] = Hexadecimal.encode(own.data)
      for (step, count) in own.counts.enumerated() {
        if let count { flow.steps[step].sites[site] = Int(count) }
      }
    }
    // A site that did not answer may be in the sum.
    let hidden = flow.steps.map { study.sites.count - $0.sites.count }
    if hidden.contains(where: { $0 > 0 }), opensTotals(hidden) {
      let totals = try Self.counts(try await sum(.flow, stage: "profile").values, of: .flow)
      for (step, total) in totals.enumerated() { flow.steps[step].total = total }
    } else {
      for step in flow.steps.indices
      where flow.steps[step].sites.count == answers.answers.count {
        flow.steps[step].total = flow.steps[step].sites.values.reduce(0, +)
      }
    }
    return flow
  }

  /// Whether a sum over all sites tells no less than a sum has to about those that hold a step back.
  ///
  /// - Parameter hidden: for each step, how many sites hold it back.
  func opensTotals(_ hidden: [Int]) -> Bool {
    hidden.allSatisfy { $0 == 0 || $0 >= plan.privacy.minimumSites }
  }

  /// What every site says about its records, under the small-cell rule; nil for a study over tables.
  func harmonisation() async throws -> StudyResult.Harmonisation? {
    guard let records = plan.records else { return nil }
    await report("profile", "units, codes and gaps of the records", 0.04)
    let answers = try await perSite(
      .harmonisation(
        variableCount: records.variables.count, featureCount: plan.cohort.features.count,
        minimumCell: plan.privacy.minimumCell), stage: "profile")
    var sites: [String: HarmonisationAnswer] = [:]
    for (site, answer) in answers.answers {
      if case .harmonisation(let own) = answer { sites[site] = own }
    }
    return StudyResult.Harmonisation(
      variables: records.variables.map { variable in
        guard case .number(let unit?, _, _) = variable.kind else {
          return .init(name: variable.name, unit: nil)
        }
        return .init(name: variable.name, unit: unit)
      }, sites: sites)
  }
}
