import Cohort
import PrivacyAudit
import Study
import Testing

/// Must show 4 of the audit: what holds on the shipped configuration, and that missing noise is found.
@Suite("Audit of a study on a replica")
struct PrivacyAuditTests {
  private static let quick = AuditSettings(
    canaryCount: 300, patientCanaryCount: 32, shadowCount: 0, releaseRunCount: 0,
    inversionTargetCount: 0, seed: 11)

  private static func audit(
    _ replica: (study: AgreedStudy, cohorts: [String: CohortTable]), _ settings: AuditSettings
  ) async throws -> AuditFacts {
    try await PrivacyAudit(replica.study, cohorts: replica.cohorts, settings: settings).run()
  }

  @Test(
    "with its noise no bound is above what is proven",
    arguments: [
      (AuditedStudy.Training.newton, 1.0), (.newton, 3), (.newton, 8), (.gradient, 1),
      (.gradient, 8), (.sampledGradient, 3), (.sampledGradient, 8), (.shapes, 3),
      (.forest, 3), (.boosting, 3),
    ])
  func withNoise(training: AuditedStudy.Training, epsilon: Double) async throws {
    let facts = try await Self.audit(
      AuditedStudy.synthetic(training, epsilon: epsilon), Self.quick)
    #expect(facts.isPassed, "\(facts.violations), seed 11")
    #expect(facts.provenEpsilon <= epsilon * (1 + 1e-9))
    #expect(facts.canaries.map(\.canaryCount) == [300, 32])
    // The attack is as good as the proof allows: it would see a weaker noise.
    let canaries = facts.canaries[0]
    if training == .newton {
      #expect((canaries.area - canaries.areaCeiling).magnitude < 0.1, "\(canaries), seed 11")
    }
  }

  @Test(
    "with its noise switched off the bound is above what is claimed",
    arguments: [
      (AuditedStudy.Training.newton, 1.0), (.newton, 3), (.gradient, 1), (.gradient, 3),
      (.sampledGradient, 3), (.shapes, 3), (.forest, 3), (.boosting, 3),
    ])
  func withoutNoise(training: AuditedStudy.Training, epsilon: Double) async throws {
    var settings = Self.quick
    settings.hasNoise = false
    let facts = try await Self.audit(
      AuditedStudy.synthetic(training, epsilon: epsilon), settings)
    #expect(facts.canaries[0].epsilonLowerBound > epsilon, "\(facts.canaries), seed 11")
    #expect(!facts.isPassed)
    #expect(facts.violations.first?.hasPrefix("gradient canaries: epsilon >= ") == true)
  }

  @Test(
    "the heart disease study keeps its promise, and does not without its noise",
    .enabled(if: AuditedStudy.heartFolder != nil), arguments: [1.0, 3, 8])
  func heart(epsilon: Double) async throws {
    var settings = Self.quick
    settings.patientCanaryCount = 0
    let facts = try await Self.audit(AuditedStudy.heart(epsilon: epsilon), settings)
    #expect(facts.isPassed, "\(facts.violations), seed 11")
    guard epsilon <= 3 else { return }
    settings.hasNoise = false
    let fault = try await Self.audit(AuditedStudy.heart(epsilon: epsilon), settings)
    #expect(fault.canaries[0].epsilonLowerBound > epsilon, "\(fault.canaries), seed 11")
  }

  @Test("all attacks together, as text and as facts")
  func everything() async throws {
    var settings = Self.quick
    settings.canaryCount = 40
    settings.patientCanaryCount = 16
    settings.shadowCount = 8
    settings.releaseRunCount = 100
    settings.inversionTargetCount = 10
    let facts = try await Self.audit(
      AuditedStudy.synthetic(.newton, epsilon: 3), settings)
    #expect(facts.isPassed, "\(facts.violations), seed 11")
    #expect(facts.canaries.map(\.attack).last == "real patients")
    #expect(
      facts.releases.map(\.release) == [
        "noisy feature counts", "noisy training step", "noisy performance on own holdout",
        "noisy distributions for drift",
      ])
    #expect(!facts.inversions.isEmpty && facts.inversionOmission == nil)
    let text = facts.textLines.joined(separator: "\n")
    #expect(text.contains("Membership from the model (LiRA)"))
    #expect(text.hasPrefix("Privacy audit of `synthetic` on a replica (seed 11)"))
  }

  @Test(
    "where no patient is rebuilt, the audit says why",
    arguments: [
      (AuditedStudy.Training.newton, 0, "no targets"), (.shapes, 10, "Does not apply"),
      (.forest, 10, "Does not apply"), (.boosting, 10, "Does not apply"),
    ])
  func omission(training: AuditedStudy.Training, targets: Int, words: String) async throws {
    var settings = Self.quick
    settings.canaryCount = 40
    settings.patientCanaryCount = 0
    settings.inversionTargetCount = targets
    let facts = try await Self.audit(AuditedStudy.synthetic(training, epsilon: 3), settings)
    #expect(facts.inversions.isEmpty && facts.inversionOmission?.contains(words) == true)
    #expect(facts.textLines.contains { $0.contains(words) })
  }

  @Test("a study without a promise, and settings out of range, are refused")
  func refusals() throws {
    let (study, cohorts) = try AuditedStudy.synthetic(.newton, epsilon: 3)
    var promiseless = study
    promiseless.plan.privacy.goal = nil
    #expect(throws: AuditError(.noGoal, "")) {
      _ = try PrivacyAudit(promiseless, cohorts: cohorts)
    }
    for settings in [
      AuditSettings(canaryCount: 3), AuditSettings(shadowCount: 2),
      AuditSettings(releaseRunCount: 5), AuditSettings(patientCanaryCount: -1),
    ] {
      #expect(throws: AuditError(.outOfRange, "")) {
        _ = try PrivacyAudit(study, cohorts: cohorts, settings: settings)
      }
    }
  }
}
