import Cohort
import TestSupport
import Testing

@testable import Study

/// Federated equals pooled: how patients are spread over sites changes no bit of what is published
/// as a sum, so the transform and the Newton models are the same.
@Suite struct FederatedEqualsPooledTests {
  static func run(
    _ plan: StudyPlan, _ cohorts: [String: CohortTable]
  ) async throws -> StudyResult {
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    return try await StudyProgram(study, over: PooledFederation(study, cohorts: cohorts)).run()
  }

  @Test(arguments: 0..<24) func anyPartitionGivesTheSameBits(seed: Int) async throws {
    let plan = try SyntheticStudy.plan()
    let table = try SyntheticCohort.table(plan, patients: 300, seed: 11)
    let pooled = try await Self.run(plan, ["everybody": table])
    let cohorts = try SyntheticCohort.partition(table, into: 3 + seed % 6, seed: UInt64(seed))
    let federated = try await Self.run(plan, cohorts)
    #expect(federated.transform == pooled.transform, "seed \(seed)")
    #expect(federated.transform.digest == pooled.transform.digest, "seed \(seed)")
    #expect(
      bits(federated.models[0].coefficients) == bits(pooled.models[0].coefficients), "seed \(seed)")
    #expect(
      bits(federated.models[0].standardErrors ?? []) == bits(pooled.models[0].standardErrors ?? []),
      "seed \(seed)")
    #expect(federated.digest == pooled.digest, "seed \(seed)")
    #expect(federated.totals.patientCount == 300)
    #expect(
      federated.features.map(\.deciles) == pooled.features.map(\.deciles), "seed \(seed)")
  }

  /// The models without a site, run to the end, equal a study without the site that is given the
  /// same transform.
  @Test(arguments: [UInt64(5), 6]) func leaveOneSiteOutModelsEqualAPooledFit(
    seed: UInt64
  ) async throws {
    let plan = try SyntheticStudy.plan(disclose: true)
    let table = try SyntheticCohort.table(plan, patients: 400, seed: seed)
    let cohorts = try SyntheticCohort.partition(table, into: 4, seed: seed)
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    let asked = Asked()
    let federation = AlteredFederation(
      PooledFederation(study, cohorts: cohorts),
      answers: { query, answers in
        if case .performance(let request) = query { asked.note(request.models) }
        return answers
      })
    let result = try await StudyProgram(study, over: federation).run()
    #expect(result.leaveOneSiteOut?.keys.sorted() == study.sites)
    for site in study.sites {
      let model = try #require(asked.models.first { $0.origin == .withoutSite(site) })
      let others = try CohortTable.pooling(
        study.sites.filter { $0 != site }.compactMap { cohorts[$0] })
      let fitted = try fit(others, transform: result.transform, ridge: 1, plan: plan)
      #expect(bits(model.coefficients) == bits(fitted), "seed \(seed), \(site)")
      #expect(
        bits(model.coefficients) != bits(result.models[0].coefficients), "seed \(seed), \(site)")
    }
  }

  /// Levels that no site may name alone are not in the vocabulary, wherever the patients are.
  @Test func openVocabulariesAreTheSameWhileEverySiteMayNameEveryLevel() async throws {
    let plan = try SyntheticStudy.plan(declaresWards: false)
    let table = try SyntheticCohort.table(plan, patients: 400, seed: 8)
    let pooled = try await Self.run(plan, ["everybody": table])
    for seed in 0..<3 {
      let cohorts = try SyntheticCohort.partition(table, into: 5, seed: UInt64(seed))
      #expect(try await Self.run(plan, cohorts).digest == pooled.digest, "seed \(seed)")
    }
  }
}
