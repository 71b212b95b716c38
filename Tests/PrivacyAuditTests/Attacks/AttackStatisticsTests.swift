import DifferentialPrivacy
import PortableNumerics
import Study
import Testing

@testable import PrivacyAudit

@Suite("Guesses, curves and ceilings")
struct AttackStatisticsTests {
  /// Scores of the best attack on a μ-GDP release.
  private static func scores(_ count: Int, mu: Double, seed: UInt64) -> [CanaryScore] {
    var generator = Xoshiro256StarStar(seed: seed)
    return (0..<count).map { _ in
      let isIn = generator.next() & 1 == 1
      let value = mu * (generator.normalDouble() + (isIn ? mu / 2 : -mu / 2))
      return CanaryScore(value: value, isIn: isIn)
    }
  }

  @Test("the curve of two shifted normals is the ceiling's", arguments: [0.3, 1, 2])
  func curve(mu: Double) throws {
    let curve = ReceiverOperatingCurve(Self.scores(40_000, mu: mu, seed: 4))
    let ceiling = MembershipCeiling(try GaussianPrivacy(mu: mu))
    #expect((curve.area - ceiling.area).magnitude < 0.012, "seed 4")
    let rate = try ceiling.truePositiveRate(atFalsePositiveRate: 0.01)
    #expect((curve.truePositiveRate(atFalsePositiveRate: 0.01) - rate).magnitude < 0.02)
  }

  @Test("ties count one half and do not pass a threshold")
  func ties() {
    let scores = [(1.0, true), (1, false), (2, true), (0, false)].map {
      CanaryScore(value: $0.0, isIn: $0.1)
    }
    let curve = ReceiverOperatingCurve(scores)
    #expect(curve.area == 0.875)
    #expect(curve.truePositiveRate(atFalsePositiveRate: 0) == 0.5)
    #expect(curve.truePositiveRate(atFalsePositiveRate: 1) == 1)
    #expect(ReceiverOperatingCurve([]).area == 0.5)
  }

  @Test("guesses are by sign, or at both ends of the order")
  func guesses() {
    let scores = (0..<10).map { CanaryScore(value: Double($0) - 4.5, isIn: $0 >= 5) }
    #expect(GuessRule.counts(scores, share: nil) == (10, 10))
    #expect(GuessRule.counts(scores, share: 0.6) == (6, 6))
    #expect(GuessRule.counts(scores, share: 0.2) == (2, 2))
    #expect(GuessRule.counts([], share: 0.2) == (0, 0))
  }

  @Test("bounds from right attacks stay below the truth", arguments: [1.0, 3, 8])
  func bounds(epsilon: Double) throws {
    let mu = try GaussianPrivacy.largest(epsilon: epsilon, delta: 1e-5).mu
    for seed in UInt64(1)...10 {
      let outcome = try GuessRule.outcome(
        Self.scores(1000, mu: mu, seed: seed), delta: 1e-5)
      #expect(outcome.epsilonLowerBound < epsilon, "seed \(seed)")
    }
  }

  @Test("as many canaries as the default gives show missing noise at every ε up to 8")
  func enough() throws {
    for epsilon in [1.0, 3, 5, 8] {
      let count = AuditSettings.canaryCount(epsilon: epsilon)
      let scores = (0..<count).map {
        CanaryScore(value: $0 % 2 == 0 ? 1 : -1, isIn: $0 % 2 == 0)
      }
      let outcome = try GuessRule.outcome(scores, delta: 1e-5)
      #expect(outcome.epsilonLowerBound > epsilon, "\(count) canaries")
    }
  }

  @Test("evidence with sampling is the mixture's")
  func evidence() {
    func ratio(_ rate: Double) -> Double {
      GaussianEvidence.logRatio(
        projection: 3, squaredNorm: 2, variance: 4, samplingRate: rate)
    }
    #expect(ratio(1) == 0.5)
    #expect((ratio(0.25) - Portable.log(0.75 + 0.25 * Portable.exp(0.5))).magnitude < 1e-14)
  }

  @Test("ceilings with sampling: never below chance, never above one")
  func ceilings() throws {
    let (study, _) = try AuditedStudy.synthetic(.sampledGradient, epsilon: 3)
    let plan = try #require(try PrivacyPlan(study.plan))
    let ceiling = try ProvenCeiling(plan)
    #expect(ceiling.mu == nil)
    for rate in [0.0, 0.001, 0.01, 0.1, 0.5, 1] {
      let found = try ceiling.truePositiveRate(atFalsePositiveRate: rate)
      #expect(found >= rate && found <= 1)
    }
    #expect(try ceiling.area() > 0.6 && ceiling.area() < 0.9)
  }

  @Test("numbers in text")
  func decimals() {
    #expect(Decimals.text(1.2345, 3) == "1.235")
    #expect(Decimals.text(-0.0004, 3) == "0.000")
    #expect(Decimals.text(-12.5, 1) == "-12.5")
    #expect(Decimals.text(7, 0) == "7")
    #expect(Decimals.text(.infinity, 3) == "inf")
    #expect(Decimals.percent(0.0771) == "7.7 %")
  }
}
