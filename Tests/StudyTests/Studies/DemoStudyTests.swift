import Cohort
import Foundation
import TestSupport
import Testing

@testable import Study

/// `studies/demo-admissions` over the demo's hospitals, a third of their patients, in one process.
@Suite struct DemoStudyTests {
  @Test func findsWhatWasPlantedByName() async throws {
    let plan = try studyPlan(repositoryRoot.appending(path: "studies/demo-admissions").path)
    let cohorts = try DemoAdmissions.cohorts(plan, share: 0.34)
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    let result = try await StudyProgram(
      study, over: PooledFederation(study, cohorts: cohorts)
    ).run()
    let findings = result.drift.findings
    let top = findings.prefix(3).map { "\($0.subject) \($0.feature ?? "") \($0.site)" }
    #expect(
      top == [
        "unit creatinine northfield", "feature age hillcrest", "missingness lactate riverside",
      ])
    #expect(findings.first?.sentence.contains("umol/L instead of mg/dL") == true)
    // Temperatures in °F and haemoglobin in g/L are declared and converted: nothing to report.
    for feature in ["temperature", "haemoglobin", "sodium", "heart_rate", "sex"] {
      #expect(!findings.contains { $0.feature == feature }, "\(feature)")
    }
    #expect(findings.count <= 6)
    #expect(result.notes.isEmpty)
    #expect(result.models[0].converged && result.leaveOneSiteOut?.count == 5)
    #expect(result.matrix?.models.count == 6)
    for site in ["st-anna", "lakeside", "riverside", "hillcrest"] {
      #expect(result.performance[0].sites[site]?.discrimination?.value ?? 0 > 0.75, "\(site)")
    }
    // The wrong unit costs the hospital its model; its own model does better there.
    let shared = try #require(result.performance[0].sites["northfield"]?.discrimination)
    let own = try #require(result.ownModels["northfield"]?.discrimination)
    #expect(own.value > shared.value)
  }

  /// Any split of the patients, whatever their hospital's habits: the same coefficients, bit for bit.
  @Test func anySplitOfThePatientsGivesTheSameModel() async throws {
    var plan = try studyPlan(repositoryRoot.appending(path: "studies/demo-admissions").path)
    plan.models = Array(plan.models.prefix(1))
    plan.validation.disclosures = []
    let cohorts = try DemoAdmissions.cohorts(plan, share: 0.2)
    func coefficients(_ cohorts: [String: CohortTable]) async throws -> [UInt64] {
      let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
      let result = try await StudyProgram(
        study, over: PooledFederation(study, cohorts: cohorts)
      ).run()
      return bits(result.models[0].coefficients)
    }
    let byHospital = try await coefficients(cohorts)
    let pooled = try CohortTable.pooling(cohorts.keys.sorted().compactMap { cohorts[$0] })
    #expect(try await coefficients(["everybody": pooled]) == byHospital)
    for seed in 1...2 {
      let dealt = try SyntheticCohort.partition(pooled, into: 3 + seed, seed: UInt64(seed))
      #expect(try await coefficients(dealt) == byHospital, "seed \(seed)")
    }
  }

  @Test(.enabled(if: Python.hasScikitLearn, "scikit-learn is not installed"))
  func equalsScikitLearn() async throws {
    var plan = try studyPlan(repositoryRoot.appending(path: "studies/demo-admissions").path)
    plan.models = Array(plan.models.prefix(1))
    plan.validation.disclosures = []
    let (cohorts, oracle) = try DemoAdmissions.withCohorts(plan, share: 0.34) {
      ($0, try NewtonOracle("demo_newton.py", $1.path))
    }
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    oracle.expectEqual(
      try await StudyProgram(study, over: PooledFederation(study, cohorts: cohorts)).run())
  }
}
