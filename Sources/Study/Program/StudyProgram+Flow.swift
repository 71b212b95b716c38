import Cryptography

/// How records became cohorts.
extension StudyProgram {
  /// The flow over all sites as a secure sum, and each site's own under the small-cell rule; nil for a
  /// study over tables.
  func cohortFlow() async throws -> StudyResult.CohortFlow? {
    guard plan.records != nil else { return nil }
    await report("profile", "how records became cohorts", 0.03)
    let steps = plan.flowSteps
    let totals = try Self.counts(try await sum(.flow, stage: "profile").values, of: .flow)
    let answers = try await perSite(
      .cohortFlow(stepCount: steps.count, minimumCell: plan.privacy.minimumCell), stage: "profile")
    var flow = StudyResult.CohortFlow(
      steps: zip(steps, totals).map { .init(name: $0, total: $1, sites: [:]) }, fingerprints: [:])
    for (site, answer) in answers.answers {
      guard case .cohortFlow(let own) = answer else { continue }
      flow.fingerprints[site] = Hexadecimal.encode(own.data)
      for (step, count) in own.counts.enumerated() {
        if let count { flow.steps[step].sites[site] = Int(count) }
      }
    }
    return flow
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
