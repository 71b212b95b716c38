import PortableNumerics
import Testing

@testable import DifferentialPrivacy

@Suite struct PrivacyLossTests {
  private func sampled(_ q: Double, _ sigma: Double, _ steps: Int) -> PrivacyEvent {
    .repeated(steps, .poissonSampled(rate: q, .gaussian(noiseMultiplier: sigma)))
  }

  private func epsilon(_ event: PrivacyEvent, _ delta: Double) throws -> Double {
    try PrivacyLossAccountant(event, gridStep: 1e-3).epsilon(delta: delta)
  }

  /// The convolution, forced through the grid: never below exact GDP, and within its grid error.
  @Test func gaussianCompositionIsExactAndNeverBelow() throws {
    for (sigma, count, delta) in [
      (4.0, 10.0, 1e-5), (20, 300, 1e-9), (1, 1, 1e-5), (10, 100, 1e-30), (3, 2, 0.2),
    ] {
      let step = 1e-3
      let pair = try PrivacyLossPair(.gaussian(noiseMultiplier: sigma))
      let tail = min(1e-12, delta * 1e-7) / count
      let one = PrivacyLossDistribution(
        pair, rate: 1, direction: .remove, step: step, tail: tail)
      let exact = try GaussianPrivacy(mu: count.squareRoot() / sigma)
      guard
        case .value(let found) = PrivacyLossComposition([(one, count)], step: step).epsilon(
          delta: delta)
      else {
        Issue.record("the window is too wide")
        continue
      }
      let truth = try exact.epsilon(delta: delta)
      #expect(found >= truth * (1 - 1e-9), "\(sigma) \(count) \(delta)")
      #expect(found <= truth * (1 + 1e-4) + 1e-5, "\(sigma) \(count) \(delta)")
      guard
        case .value(let spent) = PrivacyLossComposition([(one, count)], step: step).delta(
          epsilon: truth)
      else { continue }
      if truth == 0 { continue }
      #expect(
        spent >= delta * (1 - 1e-6) && spent < delta * 1.005,
        "\(sigma) \(count) \(delta) \(truth) \(spent)")
    }
  }

  /// One step has a closed form: δ′(ε) = q δ(log(1 + (e^ε − 1)/q)).
  @Test func oneSampledStepFollowsAmplification() throws {
    for (q, sigma, delta) in [(0.03, 1.5, 1e-5), (0.2, 0.8, 1e-7), (0.001, 2, 1e-6)] {
      let accountant = try PrivacyLossAccountant(sampled(q, sigma, 1))
      let found = try accountant.epsilon(delta: delta)
      let base = Portable.log1p(Portable.expm1(found) / q)
      let exact = try q * GaussianPrivacy(mu: 1 / sigma).delta(epsilon: base)
      #expect(exact <= delta * (1 + 1e-9), "\(q) \(sigma)")
      #expect(exact >= delta * 0.999, "\(q) \(sigma)")
    }
  }

  @Test func everythingIsMonotone() throws {
    let reference = try epsilon(sampled(0.02, 1, 200), 1e-5)
    #expect(try epsilon(sampled(0.03, 1, 200), 1e-5) > reference)
    #expect(try epsilon(sampled(0.02, 1.1, 200), 1e-5) < reference)
    #expect(try epsilon(sampled(0.02, 1, 220), 1e-5) > reference)
    #expect(try epsilon(sampled(0.02, 1, 200), 1e-6) > reference)
    var previous = Double.infinity
    let accountant = try PrivacyLossAccountant(sampled(0.02, 1, 200), gridStep: 1e-3)
    for value in [0, 0.3, 1, 2, 5, 9] {
      let delta = try accountant.delta(epsilon: value)
      #expect(delta < previous)
      previous = delta
    }
  }

  @Test func deltaAndEpsilonAreInverse() throws {
    let accountant = try PrivacyLossAccountant(sampled(0.05, 1.2, 100), gridStep: 1e-3)
    for delta in [1e-40, 1e-12, 1e-5, 0.05] {
      let epsilon = try accountant.epsilon(delta: delta)
      let back = try accountant.delta(epsilon: epsilon)
      #expect((back / delta - 1).magnitude < 1e-4, "\(delta)")
    }
  }

  /// Rényi accounting is a valid but looser bound of the same study.
  @Test func renyiIsNeverTighter() throws {
    let events: [PrivacyEvent] = [
      sampled(0.01, 1, 500), sampled(0.3, 4, 60), sampled(0.001, 0.6, 2000),
      .repeated(15, .laplace(scale: 6)),
      .composed([
        sampled(0.05, 2, 100), .repeated(3, .laplace(scale: 15)), .gaussian(noiseMultiplier: 8),
      ]),
    ]
    for (index, event) in events.enumerated() {
      for delta in [1e-9, 1e-5] {
        let tight = try epsilon(event, delta)
        let renyi = try event.renyiCurve().epsilon(delta: delta)
        #expect(tight <= renyi, "event \(index) at \(delta)")
        #expect(tight > 0.4 * renyi, "event \(index) at \(delta)")
      }
    }
  }

  @Test func orderOfCompositionDoesNotMatter() throws {
    let parts: [PrivacyEvent] = [
      sampled(0.05, 2, 100), .repeated(3, .laplace(scale: 15)), .gaussian(noiseMultiplier: 8),
      sampled(0.05, 2, 50),
    ]
    let forward = try epsilon(.composed(parts), 1e-6)
    let backward = try epsilon(.composed(parts.reversed()), 1e-6)
    #expect((forward / backward - 1).magnitude < 1e-9)
    let nested = try epsilon(
      .composed([.composed(Array(parts[..<2])), .composed(Array(parts[2...]))]), 1e-6)
    #expect((forward / nested - 1).magnitude < 1e-9)
  }

  /// A sample of nearly everybody costs as much as everybody, from both directions.
  @Test func fullSampleIsTheUnsampledMechanism() throws {
    let exact = try GaussianPrivacy(mu: 5.0.squareRoot() / 4).epsilon(delta: 1e-5)
    #expect(try epsilon(sampled(1, 4, 5), 1e-5) == exact)
    let near = try epsilon(sampled(1 - 1e-9, 4, 5), 1e-5)
    #expect((near / exact - 1).magnitude < 1e-5)
  }

  @Test func pureMechanismsAreCappedByTheirSum() throws {
    let event = PrivacyEvent.repeated(20, .laplace(scale: 10))
    let accountant = try PrivacyLossAccountant(event, gridStep: 1e-3)
    #expect((try accountant.epsilon(delta: 0) - 2).magnitude < 1e-12)
    #expect(try accountant.delta(epsilon: 2.0001) == 0)
    #expect(try accountant.epsilon(delta: 1e-30) <= 2)
    let one = try PrivacyLossAccountant(.laplace(scale: 2))
    #expect(try one.epsilon(delta: 0) == 0.5)
    #expect((try one.delta(epsilon: 0.1) - -Portable.expm1(-0.2)).magnitude < 1e-15)
  }

  @Test func limitsOfTheParameters() throws {
    #expect(try epsilon(sampled(0, 1, 100), 1e-5) == 0)
    #expect(try epsilon(sampled(0.1, 1, 0), 1e-5) == 0)
    #expect(try epsilon(sampled(0.1, 0, 1), 1e-5) == .infinity)
    #expect(try epsilon(sampled(0.1, .infinity, 9), 1e-5) == 0)
    #expect(try epsilon(sampled(0.1, 1, 9), 0) == .infinity)
    #expect(try epsilon(sampled(0.1, 1, 9), 1) == 0)
    #expect(try epsilon(.composed([]), 1e-5) == 0)
    for q in [-0.1, 1.1, .nan] {
      #expect(throws: DifferentialPrivacyError.self) { try epsilon(sampled(q, 1, 1), 1e-5) }
    }
    #expect(throws: DifferentialPrivacyError.self) { try epsilon(sampled(0.1, -1, 1), 1e-5) }
    #expect(throws: DifferentialPrivacyError.self) { try epsilon(sampled(0.1, 1, -1), 1e-5) }
    #expect(throws: DifferentialPrivacyError.self) { try epsilon(.zeroConcentrated(rho: 1), 1e-5) }
    #expect(throws: DifferentialPrivacyError.self) {
      try epsilon(.poissonSampled(rate: 0.5, .repeated(2, .laplace(scale: 1))), 1e-5)
    }
  }

  @Test func sampledGaussiansInsideOneSampleActAsOne() throws {
    let joint = PrivacyEvent.repeated(
      40, .poissonSampled(rate: 0.1, .repeated(4, .gaussian(noiseMultiplier: 6))))
    let one = sampled(0.1, 3, 40)
    #expect(try epsilon(joint, 1e-5) == epsilon(one, 1e-5))
  }

  @Test func convolutionEqualsTheNaiveOne() {
    var generator = SplitMix64(seed: 99)
    let transform = FourierTransform(logarithm: 6)
    let a = (0..<32).map { _ in Double(generator.next() >> 11) * 0x1p-53 }
    let b = (0..<32).map { _ in Double(generator.next() >> 11) * 0x1p-53 }
    var naive = [Double](repeating: 0, count: 64)
    for (i, x) in a.enumerated() { for (j, y) in b.enumerated() { naive[i + j] += x * y } }
    var (ar, ai) = (a + [Double](repeating: 0, count: 32), [Double](repeating: 0, count: 64))
    var (br, bi) = (b + [Double](repeating: 0, count: 32), [Double](repeating: 0, count: 64))
    transform.forward(&ar, &ai)
    transform.forward(&br, &bi)
    for k in 0..<64 {
      (ar[k], ai[k]) = (ar[k] * br[k] - ai[k] * bi[k], ar[k] * bi[k] + ai[k] * br[k])
    }
    transform.inverse(&ar, &ai)
    for k in 0..<64 { #expect((ar[k] - naive[k]).magnitude < 1e-14 && ai[k].magnitude < 1e-14) }
  }

  /// Rounding to the grid keeps P, keeps Q and moves losses only apart.
  @Test func gridKeepsBothDistributions() throws {
    let pair = try PrivacyLossPair(.gaussian(noiseMultiplier: 1.3))
    for direction in PrivacyLossDistribution.Direction.allCases {
      for q in [0.001, 0.2, 1] {
        let one = PrivacyLossDistribution(
          pair, rate: q, direction: direction, step: 1e-3, tail: 1e-14)
        #expect((one.logMomentGenerating(0)).magnitude < 1e-12)
        // E_P[e^(−loss)] is the mass of Q, at most 1.
        #expect((one.logMomentGenerating(-1)).magnitude < 1e-11)
        #expect(one.infinityMass <= 2e-14)
      }
    }
  }
}
