import Cohort
import Foundation
import TestSupport
import Testing
import Validation

@testable import Study

/// The heart disease study under differential privacy, all rows in one process.
@Suite("Heart disease under differential privacy")
struct PrivateHeartTests {
  private static func study(epsilon: Double?) throws -> (AgreedStudy, [String: CohortTable]) {
    let folder = try #require(HeartDisease.folder)
    var plan = try studyPlan(HeartDisease.studyFolder("heart-disease"))
    plan.validation.disclosures = []
    plan.models = Array(plan.models.prefix(1))
    plan.privacy.goal = epsilon.map { PrivacyGoal(epsilon: $0, delta: 1e-5) }
    let cohorts = try HeartDisease.cohorts("heart-disease", plan) { hospital in
      folder.appending(path: "processed.\(hospital).data").path
    }
    return (AgreedStudy(plan: plan, sites: HeartDisease.hospitals, disclosures: []), cohorts)
  }

  /// The exact AUROC of a noisy model on the sites' holdouts, which never leaves the test.
  private static func exactAUROC(
    _ result: StudyResult, plan: StudyPlan, cohorts: [String: CohortTable]
  ) throws -> [String: Double] {
    var found: [String: Double] = [:]
    for (site, cohort) in cohorts {
      var answers = LocalAnswers(site: site, plan: plan, cohort: cohort, noiseKey: nil)
      let model = NamedModel(
        name: "m", origin: .study, coefficients: result.models[0].coefficients)
      let answer = try answers.answer(
        SiteQuery.performance(
          .init(
            transform: result.transform, models: [model], ownModelRidge: nil, threshold: 0.5,
            minimumCell: 1)))
      guard case .performance(let performances) = answer else { continue }
      found[site] = performances[0].performance.discrimination?.value
    }
    return found
  }

  /// Median over 10 seeds at one site with both outcomes in numbers; measured .85, .88 and .88 where
  /// the study without noise has .88.
  @Test(
    "noise costs little discrimination", .enabled(if: HeartDisease.folder != nil),
    arguments: [(1.0, 0.77), (3, 0.83), (8, 0.85)])
  func utility(epsilon: Double, least: Double) async throws {
    let (study, cohorts) = try Self.study(epsilon: epsilon)
    var values: [Double] = []
    var covered = 0
    for seed in UInt8(0)..<10 {
      let federation = PooledFederation(
        study, cohorts: cohorts, noiseKey: [UInt8](repeating: seed, count: 32))
      let result = try await StudyProgram(study, over: federation).run()
      let exact = try Self.exactAUROC(result, plan: study.plan, cohorts: cohorts)
      values.append(try #require(exact["hungarian"]))
      let privacy = try #require(result.privacy)
      #expect(privacy.provenEpsilon <= epsilon * (1 + 1e-9))
      let stated = result.performance[0].sites["hungarian"]?.discrimination
      if let interval = stated?.interval, interval.contains(values[values.count - 1]) {
        covered += 1
      }
    }
    #expect(values.sorted()[5] > least, "\(values)")
    // The stated interval includes the noise: 95 % nominal, at least 7 of 10 all but always.
    #expect(covered >= 7, "\(covered) of 10")
  }

  @Test("the same key gives the same release", .enabled(if: HeartDisease.folder != nil))
  func repeatable() async throws {
    let (study, cohorts) = try Self.study(epsilon: 3)
    func digest(_ seed: UInt8) async throws -> String {
      try await StudyProgram(
        study,
        over: PooledFederation(
          study, cohorts: cohorts, noiseKey: [UInt8](repeating: seed, count: 32))
      ).run().digest.hex
    }
    let first = try await digest(1)
    #expect(try await digest(1) == first)
    #expect(try await digest(2) != first)
  }
}
