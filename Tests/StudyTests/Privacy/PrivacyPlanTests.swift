import Cohort
import DifferentialPrivacy
import Foundation
import SecureAggregation
import StrictYAML
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

  /// What honest sites add to a sum, added up one site and one layer at a time.
  private static func honestVariance(
    _ variance: UInt64, sites: Int, threshold: Int, planned: Int, colluders: Int, survivors: Int
  ) -> UInt64 {
    // §4.4: a share of the base, and a layer for every number of sites that may be missing; a layer stays
    // where at most that many are left.
    func share(_ present: Int) -> UInt64 {
      let honest = UInt64(present - planned)
      return max(16, (variance + honest - 1) / honest)
    }
    var total: UInt64 = 0
    for site in 0..<survivors where site >= colluders {
      total += share(sites)
      for left in threshold..<sites where survivors <= left {
        total += share(left) - share(left + 1)
      }
    }
    return total
  }

  @Test(
    "colluders take what they know of the noise, whoever else is missing",
    arguments: [3, 4, 5, 7], 0...3)
  func colluders(sites: Int, colluders: Int) throws {
    let threshold = Manifest.threshold(siteCount: sites)
    guard colluders < threshold else { return }
    let plan = try Self.plan()
    let planned = plan.privacy.effectiveColluders(siteCount: sites)
    let privacy = try #require(try PrivacyPlan(plan))
    let epsilon = try privacy.epsilon(
      colluders: colluders, planned: planned, sites: sites, threshold: threshold)
    let worst = (threshold...sites).map { survivors in
      var cost = PrivacyCost()
      for release in privacy.releases {
        var noise = release.noise
        if release.isSum {
          noise.variance = Self.honestVariance(
            noise.variance, sites: sites, threshold: threshold, planned: planned,
            colluders: colluders, survivors: survivors)
        }
        cost.add(noise, study: "", count: release.count)
      }
      return cost.epsilon(delta: 1e-5)
    }.max()
    #expect(abs(epsilon - (worst ?? 0)) < 1e-3 * epsilon)
    if colluders <= planned { #expect(epsilon <= privacy.epsilon * (1 + 1e-9)) }
    if colluders > planned { #expect(epsilon > privacy.epsilon * 1.01) }
  }

  @Test("five sites, one planned colluder, two colluding: two thirds of the variance are left")
  func twoOfFive() throws {
    let privacy = try #require(try PrivacyPlan(Self.plan()))
    var cost = PrivacyCost()
    for release in privacy.releases {
      var noise = release.noise
      if release.isSum {
        noise.variance = UInt64((Double(noise.variance) * 2 / 3).rounded())
      }
      cost.add(noise, study: "", count: release.count)
    }
    let epsilon = try privacy.epsilon(colluders: 2, planned: 1, sites: 5, threshold: 4)
    #expect(abs(epsilon - cost.epsilon(delta: 1e-5)) < 1e-3)
  }

  @Test(
    "one rule for the number of colluders: the manifest accepts it and the noise is shared for it")
  func effectiveColluders() throws {
    for sites in 3...40 {
      for asked in 0...30 {
        let privacy = PrivacySpecification(maximumColluders: asked)
        let planned = privacy.effectiveColluders(siteCount: sites)
        #expect(planned <= asked && planned < Manifest.threshold(siteCount: sites))
        #expect(planned <= sites - 2)
      }
    }
  }

  @Test("openings of one sampled step are over the same patients: one release, not two")
  func reopenedSample() throws {
    // σ/Δ = 1, q = 0.01, opened twice, by Rényi divergence at order 8.
    let step = NoiseRequirement(
      variance: 1_000_004, sensitivitySquared: 1_000_000, group: .training, samplingRate: 0.01)
    func divergence(_ cost: PrivacyCost) throws -> Double {
      try cost.event(for: .training).renyiCurve(orders: [8]).values[0]
    }
    var twice = PrivacyCost()
    twice.add(step, study: "a", openings: 2)
    var twoSteps = PrivacyCost()
    twoSteps.add(step, study: "a", count: 2)
    #expect(abs(try divergence(twoSteps) - 0.0018) < 2e-4)
    // The sample is drawn once: with probability q the patient is in both, σ/Δ = 1/√2. By definition
    // D₈ = log(Σ_k C(8,k) (1−q)^(8−k) q^k e^(k(k−1)))/7.
    var moment = 0.0
    var binomial = 1.0
    for k in 0...8 {
      moment +=
        binomial * pow(0.99, Double(8 - k)) * pow(0.01, Double(k)) * exp(Double(k * (k - 1)))
      binomial *= Double(8 - k) / Double(k + 1)
    }
    #expect(abs(try divergence(twice) - log(moment) / 7) < 1e-9)
    #expect(abs(try divergence(twice) - 2.74) < 0.01)
    #expect(twice.epsilon(delta: 1e-5) > twoSteps.epsilon(delta: 1e-5))
  }

  @Test(
    "the reserve of reopenings is planned: no way of spending it costs more", arguments: [1, 0.1])
  func reserve(rate: Double) throws {
    var plan = try Self.plan(models: [
      ModelSpecification(
        name: "steps",
        training: .federatedAveraging(
          try .init(
            rounds: 4, local: .init(epochs: 1, batchSize: 16, learningRate: 0.1),
            samplingRate: rate)))
    ])
    plan.privacy.goal?.reopenings = 3
    let privacy = try #require(try PrivacyPlan(plan))
    let largest = privacy.largestEpsilon(delta: 1e-5)
    #expect(largest > privacy.epsilon)
    // Every way to spend three reopenings on five sums.
    func spend(_ left: Int, _ openings: [Int], _ visit: ([Int]) -> Void) {
      guard openings.count < 5 else { return visit(openings) }
      for extra in 0...left { spend(left - extra, openings + [1 + extra], visit) }
    }
    var worst = 0.0
    spend(3, []) { openings in
      var cost = PrivacyCost()
      cost.add(privacy.releases[0].noise, study: "", openings: openings[0])
      for step in 1...4 {
        cost.add(privacy.releases[1].noise, study: "", openings: openings[step])
      }
      for release in privacy.releases[2...] { cost.add(release.noise, study: "") }
      worst = max(worst, cost.epsilon(delta: 1e-5))
    }
    #expect(abs(worst - largest) < 1e-9 * largest)
    plan.privacy.goal?.reopenings = 0
    let none = try #require(try PrivacyPlan(plan))
    #expect(abs(none.largestEpsilon(delta: 1e-5) - none.epsilon) < 1e-12)
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

  @Test(
    "settings that would change nothing are refused",
    arguments: [
      "local_epochs: 2", "batch_size: 8", "learning_rate: 0.1", "proximal: 0.1", "seed: 4",
    ])
  func idleSettings(setting: String) throws {
    func model(_ more: String) -> String {
      "  - {name: steps, training: federated-averaging, rounds: 5\(more)}\n"
    }
    func plan(_ models: String, epsilon: Double?) throws {
      _ = try StudyPlan(
        yaml: SyntheticStudy.yaml(models: models, epsilon: epsilon), file: "study.yaml")
    }
    try plan(model(", sampling_rate: 0.5, clip: 2, ridge: 1"), epsilon: 3)
    try plan(model(", \(setting)"), epsilon: nil)
    #expect(throws: YAMLProblem.self) { try plan(model(", \(setting)"), epsilon: 3) }
    for setting in [
      "sampling_rate: 0.5", "clip_quantile: 0.5", "clip_quantile: 0.5, clip_rate: 0.1",
    ] {
      #expect(throws: YAMLProblem.self) { try plan(model(", \(setting)"), epsilon: nil) }
    }
    #expect(throws: YAMLProblem.self) {
      try plan("  - {name: newton, training: newton, tolerance: 0.01}\n", epsilon: 3)
    }
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
