import Cohort
import Testing
import TestSupport

@testable import Study

@Suite("The plan of a study under differential privacy")
struct PrivacyPlanTests {
  private static func plan(
    epsilon: Double = 3, delta: Double = 1e-5, linked: Int = 1, models: [ModelSpecification]? = nil
  ) throws -> StudyPlan {
    var plan = try SyntheticStudy.plan()
    plan.validation.disclosures = []
    if let models { plan.models = models }
    plan.privacy.goal = PrivacyGoal(epsilon: epsilon, delta: delta, linkedSites: linked)
    return Self.withPublicValues(plan)
  }

  /// Public ranges and levels for every feature.
  static func withPublicValues(_ plan: StudyPlan) -> StudyPlan {
    var plan = plan
    for index in plan.cohort.features.indices {
      switch plan.cohort.features[index].kind {
      case .number(let unit, nil, let resolution):
        plan.cohort.features[index].kind = .number(
          unit: unit, hardRange: 0...200, resolution: resolution)
      case .category(nil):
        plan.cohort.features[index].kind = .category(levels: ["a", "b", "c"])
      default: break
      }
    }
    return plan
  }

  @Test("everything together costs what was asked for", arguments: [0.5, 1, 3, 8], [1, 3])
  func keepsTheGoal(epsilon: Double, linked: Int) throws {
    let privacy = try #require(try PrivacyPlan(Self.plan(epsilon: epsilon, linked: linked)))
    #expect(privacy.epsilon <= epsilon * (1 + 1e-9))
    #expect(privacy.epsilon > 0.98 * epsilon)
    #expect(privacy.releases.allSatisfy { $0.noise.variance >= 16 })
  }

  @Test("steps with sampling need less noise and keep the goal")
  func sampling() throws {
    func models(_ rate: Double) throws -> [ModelSpecification] {
      [
        ModelSpecification(
          name: "steps",
          training: .federatedAveraging(
            try .init(
              rounds: 60, local: .init(epochs: 1, batchSize: 16, learningRate: 0.1),
              samplingRate: rate)))
      ]
    }
    let all = try #require(try PrivacyPlan(Self.plan(models: try models(1))))
    let some = try #require(try PrivacyPlan(Self.plan(models: try models(0.1))))
    #expect(some.epsilon <= 3 && some.epsilon > 2.8)
    #expect(some.releases[1].noiseMultiplier < 0.5 * all.releases[1].noiseMultiplier)
  }

  @Test("more colluders than planned weaken the promise, fewer strengthen it")
  func colluders() throws {
    let privacy = try #require(try PrivacyPlan(Self.plan()))
    let epsilons = (0...3).map { privacy.epsilon(colluders: $0, planned: 1, sites: 5) }
    #expect(epsilons == epsilons.sorted())
    #expect(abs(epsilons[1] - privacy.epsilon) < 1e-6)
    #expect(epsilons[0] < privacy.epsilon && epsilons[2] > privacy.epsilon)
  }

  @Test("what cannot be released with noise is refused, with what to change")
  func refusals() throws {
    var plan = try Self.plan()
    plan.validation.disclosures = [.leaveOneSiteOut]
    #expect(throws: StudyError(.invalidPlan, "")) { _ = try PrivacyPlan(plan) }
    var noRange = try Self.plan()
    noRange.cohort.features[0].kind = .number(unit: nil, hardRange: nil, resolution: nil)
    #expect(throws: StudyError(.invalidPlan, "")) { _ = try PrivacyPlan(noRange) }
    var noLevels = try Self.plan()
    noLevels.cohort.features[0].kind = .category(levels: nil)
    #expect(throws: StudyError(.invalidPlan, "")) { _ = try PrivacyPlan(noLevels) }
    #expect(try PrivacyPlan(SyntheticStudy.plan()) == nil)
  }

  @Test("costs add up whatever the order, and training and holdout patients pay separately")
  func costs() {
    let training = NoiseRequirement(variance: 1004, sensitivitySquared: 10, group: .training)
    let holdout = NoiseRequirement(variance: 504, sensitivitySquared: 10, group: .holdout)
    let everybody = NoiseRequirement(variance: 2004, sensitivitySquared: 10, group: .everybody)
    var one = PrivacyCost()
    for noise in [training, holdout, everybody] { one.add(noise, study: "a") }
    var other = PrivacyCost()
    for noise in [everybody, holdout, training] { other.add(noise, study: "a") }
    #expect(one == other)
    #expect(abs(one.squaredMuWithoutSampling - (10.0 / 2000 + 10.0 / 500)) < 1e-15)
    // Over two studies a patient may be training in one and holdout in the other.
    other.add(training, study: "b")
    #expect(
      abs(other.squaredMuWithoutSampling - (10.0 / 2000 + 10.0 / 500 + 10.0 / 1000)) < 1e-15)
    #expect(one.epsilon(delta: 1e-5) < other.epsilon(delta: 1e-5))
    #expect(PrivacyCost().epsilon(delta: 1e-5) == 0)
  }
}
