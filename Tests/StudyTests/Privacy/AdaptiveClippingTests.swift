import Cohort
import LinearModels
import StrictYAML
import TestSupport
import Testing

@testable import Study

/// Studies whose clip follows a quantile of the patients' norms.
@Suite("Adaptive clipping in studies") struct AdaptiveClippingTests {
  private static func yaml(_ more: String, epsilon: Double? = 8, rounds: Int = 4) -> String {
    SyntheticStudy.yaml(
      models: "  - {name: steps, training: federated-averaging, rounds: \(rounds)\(more)}\n",
      epsilon: epsilon)
  }

  private static func plan(_ more: String, rounds: Int = 4) throws -> StudyPlan {
    try StudyPlan(yaml: yaml(more, rounds: rounds), file: "study.yaml")
  }

  private static func clipping(
    _ plan: StudyPlan
  ) -> FederatedAveragingSettings.AdaptiveClipping? {
    guard case .federatedAveraging(let settings) = plan.models[0].training else { return nil }
    return settings.adaptiveClipping
  }

  @Test("the keys arrive, and are refused where they have no meaning")
  func keys() throws {
    #expect(try Self.clipping(Self.plan("")) == nil)
    #expect(
      try Self.clipping(Self.plan(", clip: 3, clip_quantile: 0.7"))
        == .init(quantile: 0.7, rate: 0.2))
    #expect(
      try Self.clipping(Self.plan(", clip_quantile: 0.2, clip_rate: 0.5"))
        == .init(quantile: 0.2, rate: 0.5))
    for more in [
      ", clip_rate: 0.5", ", clip_quantile: 0", ", clip_quantile: 1",
      ", clip_quantile: 0.5, clip_rate: 0", ", clip_quantile: half",
    ] {
      #expect(throws: YAMLProblem.self, "\(more)") { try Self.plan(more) }
    }
    #expect(throws: YAMLProblem.self) {
      try StudyPlan(yaml: Self.yaml(", clip_quantile: 0.5", epsilon: nil), file: "study.yaml")
    }
    #expect(throws: YAMLProblem.self) {
      try StudyPlan(
        yaml: SyntheticStudy.yaml(
          models: "  - {name: n, training: newton, clip_quantile: 0.5}\n", epsilon: 8),
        file: "study.yaml")
    }
    let digests = try ["", ", clip_quantile: 0.5", ", clip_quantile: 0.6"].map {
      try Self.plan($0).digest
    }
    #expect(
      Set(digests + [try Self.plan(", clip_quantile: 0.5, clip_rate: 0.3").digest]).count == 4)
  }

  @Test("gradient and count are one release, with the joint sensitivity, for the same epsilon")
  func oneRelease() throws {
    let fixed = try #require(try PrivacyPlan(Self.plan("")))
    let moving = try #require(try PrivacyPlan(Self.plan(", clip_quantile: 0.5")))
    #expect(fixed.releases.count == moving.releases.count)
    #expect(abs(fixed.epsilon - moving.epsilon) < 1e-6 && moving.epsilon <= 8)
    let own = try #require(moving.releases.first { $0.content == .fit(model: 0) })
    let plain = try #require(fixed.releases.first { $0.content == .fit(model: 0) })
    #expect(own.noise.sensitivitySquared == plain.noise.sensitivitySquared + 2048 * 2048)
    #expect(own.purpose.contains("count within the clip"))
    // One σ for both: the multiplier of the joint vector is that of the fixed clip's gradient.
    #expect(abs(own.noiseMultiplier / plain.noiseMultiplier - 1) < 1e-6)
  }

  @Test("the clip ends at the quantile of the patients' norms, from above and from below")
  func findsTheQuantile() async throws {
    for start in [0.02, 60.0] {
      let plan = try Self.plan(", clip: \(start), clip_quantile: 0.6, clip_rate: 1", rounds: 25)
      let table = try SyntheticCohort.table(plan, patients: 900)
      let sites = try SyntheticCohort.partition(table, into: 3, seed: 5)
      let study = AgreedStudy.synthetic(plan, sites: sites.keys.sorted())
      let steps = PrivateSteps(
        PooledFederation(study, cohorts: sites, noiseKey: [UInt8](repeating: 7, count: 32)))
      let result = try await StudyProgram(study, over: steps).run()
      let last = try #require(steps.all.last)
      #expect(steps.all.first?.query.clip == start)
      var local = LocalAnswers(site: "all", plan: plan, cohort: table, noiseKey: nil)
      let exact = try local.answer(.privateStep(last.query))
      let patients = Double(local.firstRows(table.rowIndices(.training)).count)
      let within = 0.5 + Double(try #require(exact.last)) / (2 * 2048 * patients)
      #expect(abs(within - 0.6) < 0.1, "from \(start) to \(last.query.clip ?? 0): \(within)")
      #expect(result.models[0].training.contains("clip adapted to"))
    }
  }

  @Test("without noise the partition over sites changes no bit of the steps")
  func partitions() async throws {
    let plan = try Self.plan(", clip: 5, clip_quantile: 0.5, clip_rate: 0.7", rounds: 6)
    let table = try SyntheticCohort.table(plan, patients: 400)
    var coefficients: [[Double]] = []
    var clips: [[Double?]] = []
    for (count, seed) in [(3, 1), (5, 2)] {
      let sites = try SyntheticCohort.partition(table, into: count, seed: UInt64(seed))
      let study = AgreedStudy.synthetic(plan, sites: sites.keys.sorted())
      let steps = PrivateSteps(PooledFederation(study, cohorts: sites, noiseKey: nil))
      coefficients.append(try await StudyProgram(study, over: steps).run().models[0].coefficients)
      clips.append(steps.all.map(\.query.clip))
    }
    #expect(coefficients[0] == coefficients[1] && clips[0] == clips[1])
    #expect(Set(clips[0]).count == 6, "\(clips[0])")
  }
}
