import Cohort
import Foundation
import TestSupport
import Testing

@testable import Study

/// `studies/heart-disease` over the four hospitals' real patients.
@Suite struct HeartDiseaseStudyTests {
  private static func run(
    _ cohorts: [String: CohortTable], _ plan: StudyPlan
  ) async throws -> StudyResult {
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    return try await StudyProgram(study, over: PooledFederation(study, cohorts: cohorts)).run()
  }

  private static func load(_ folder: URL) throws -> (StudyPlan, [String: CohortTable]) {
    let plan = try studyPlan(HeartDisease.studyFolder("heart-disease"))
    let cohorts = try HeartDisease.cohorts("heart-disease", plan) {
      folder.appending(path: "processed.\($0).data").path
    }
    return (plan, cohorts)
  }

  @Test(.enabled(if: HeartDisease.folder != nil, "the UCI heart disease data is not there"))
  func runsAndTheCleaningHolds() async throws {
    let (plan, cohorts) = try Self.load(try #require(HeartDisease.folder))
    #expect(
      cohorts.mapValues(\.rowCount) == [
        "cleveland": 303, "hungarian": 294, "switzerland": 123, "va": 200,
      ])
    let result = try await Self.run(cohorts, plan)
    #expect(result.totals.patientCount == 920 && result.totals.eventCount == 509)
    #expect(result.models.map(\.converged) == [true, true])
    #expect(result.leaveOneSiteOut?.count == 4 && result.matrix?.models.count == 5)
    // A cholesterol of 0 is a gap: 172 of 920 patients, and 30 that were never recorded.
    let cholesterol = try #require(plan.cohort.features.firstIndex { $0.name == "cholesterol" })
    let gaps = cohorts.values.reduce(0) { sum, table in
      sum + (0..<table.rowCount).count { table.columns[cholesterol].isMissing($0) }
    }
    #expect(gaps == 202)
    #expect(result.drift.findings.count > 0)
    for (site, own) in result.ownModels { #expect(own.patientCount ?? 0 > 0, "\(site)") }
  }

  @Test(.enabled(if: HeartDisease.folder != nil, "the UCI heart disease data is not there"))
  func anySplitOfThePatientsGivesTheSameModel() async throws {
    let (plan, cohorts) = try Self.load(try #require(HeartDisease.folder))
    var newtonOnly = plan
    newtonOnly.models = Array(plan.models.prefix(1))
    newtonOnly.validation.disclosures = []
    let byHospital = try await Self.run(cohorts, newtonOnly)
    let pooledTable = try CohortTable.pooling(HeartDisease.hospitals.compactMap { cohorts[$0] })
    let pooled = try await Self.run(["everybody": pooledTable], newtonOnly)
    #expect(pooled.digest == byHospital.digest)
    for seed in 1...4 {
      let dealt = try SyntheticCohort.partition(pooledTable, into: 4 + seed % 2, seed: UInt64(seed))
      let result = try await Self.run(dealt, newtonOnly)
      #expect(result.digest == byHospital.digest, "seed \(seed)")
      #expect(bits(result.models[0].coefficients) == bits(byHospital.models[0].coefficients))
    }
  }

  @Test(
    .enabled(if: HeartDisease.folder != nil, "the UCI heart disease data is not there"),
    .enabled(if: Python.hasScikitLearn, "scikit-learn is not installed"))
  func equalsScikitLearn() async throws {
    let folder = try #require(HeartDisease.folder)
    let oracle = try NewtonOracle("heart_newton.py", folder.path)
    let (plan, cohorts) = try Self.load(folder)
    oracle.expectEqual(try await Self.run(cohorts, plan))
  }
}
