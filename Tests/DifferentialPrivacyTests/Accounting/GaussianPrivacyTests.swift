import DifferentialPrivacy
import PortableNumerics
import Testing

@Suite struct GaussianPrivacyTests {
  private let mus = [1e-9, 1e-4, 0.03, 0.5, 1, 2.7, 9, 40, 1e3]
  private let deltas = [1e-300, 1e-40, 1e-12, 1e-6, 1e-3, 0.1, 0.6]

  /// PRIVACY-CORE §4.6: the μ that (ε, 10^−6) allows.
  @Test(arguments: [
    (0.25, 0.0649), (0.5, 0.1241), (1, 0.2367), (2, 0.4483), (3, 0.6477), (4, 0.8379), (6, 1.196),
    (8, 1.532), (10, 1.848),
  ])
  func allowedMuIsThatOfTheTable(epsilon: Double, mu: Double) throws {
    let allowed = try GaussianPrivacy.largest(epsilon: epsilon, delta: 1e-6).mu
    #expect((allowed - mu).magnitude <= 0.0005)
  }

  @Test func conversionsAreInverse() throws {
    for mu in mus {
      let guarantee = try GaussianPrivacy(mu: mu)
      for delta in deltas {
        let epsilon = try guarantee.epsilon(delta: delta)
        if epsilon == 0 {
          #expect(try guarantee.delta(epsilon: 0) <= delta)
          continue
        }
        let back = try guarantee.delta(epsilon: epsilon)
        // δ reacts to ε with a factor of at most about ε + μ per unit.
        let condition = 1 + epsilon * (1 + epsilon / (mu * mu))
        #expect((back / delta - 1).magnitude < 1e-13 * condition + 1e-11, "\(mu) \(delta)")
        let allowed = try GaussianPrivacy.largest(epsilon: epsilon, delta: delta)
        #expect((allowed.mu / mu - 1).magnitude < 1e-10, "\(mu) \(delta)")
      }
    }
  }

  @Test func deltaAtZeroIsTheTotalVariation() throws {
    for mu in mus {
      let exact = SpecialFunctions.erf(mu * 0.353_553_390_593_273_8)
      let computed = try GaussianPrivacy(mu: mu).delta(epsilon: 0)
      #expect((computed / exact - 1).magnitude < 1e-13, "\(mu)")
    }
  }

  @Test func promisesAreMonotone() throws {
    for (small, large) in zip(mus, mus.dropFirst()) {
      for delta in deltas {
        #expect(
          try GaussianPrivacy(mu: small).epsilon(delta: delta)
            <= GaussianPrivacy(mu: large).epsilon(delta: delta))
      }
      let guarantee = try GaussianPrivacy(mu: large)
      for (low, high) in zip(deltas, deltas.dropFirst()) {
        #expect(try guarantee.epsilon(delta: low) >= guarantee.epsilon(delta: high))
      }
      for epsilon in [0, 1e-6, 0.1, 1, 10, 500] {
        #expect(
          try guarantee.logDelta(epsilon: epsilon + 0.01) <= guarantee.logDelta(epsilon: epsilon))
      }
    }
  }

  @Test func composingKeepsNoOrder() throws {
    var generator = SplitMix64(seed: 7)
    var parts = try (0..<200).map { _ in
      try GaussianPrivacy(mu: Double(generator.next() >> 11) * 0x1p-53)
    }
    let whole = GaussianPrivacy.composed(parts)
    parts.reverse()
    #expect((GaussianPrivacy.composed(parts).mu / whole.mu - 1).magnitude < 1e-14)
    let halves = [GaussianPrivacy.composed(parts[..<77]), .composed(parts[77...])]
    #expect((GaussianPrivacy.composed(halves).mu / whole.mu - 1).magnitude < 1e-14)
    let one = try GaussianPrivacy(mu: 0.25)
    #expect(try one.repeated(16).mu == 1)
    #expect(GaussianPrivacy.composed([one, .none]) == one)
    #expect(GaussianPrivacy.composed([] as [GaussianPrivacy]) == .none)
    #expect(try one.linked(acrossSites: 3).mu == 0.75)
  }

  @Test func limitsAreExact() throws {
    let perfect = GaussianPrivacy.none
    let naked = try GaussianPrivacy(standardDeviation: 0, sensitivity: 1)
    #expect(try perfect.epsilon(delta: 0) == 0)
    #expect(try perfect.delta(epsilon: 0) == 0)
    #expect(try naked.epsilon(delta: 1e-5) == .infinity)
    #expect(try naked.delta(epsilon: 100) == 1)
    #expect(try GaussianPrivacy(mu: 1).epsilon(delta: 0) == .infinity)
    #expect(try GaussianPrivacy(mu: 1).epsilon(delta: 1) == 0)
    #expect(try GaussianPrivacy(standardDeviation: 0, sensitivity: 0) == perfect)
    #expect(try GaussianPrivacy.largest(epsilon: 1, delta: 0) == perfect)
    #expect(
      try GaussianPrivacy.standardDeviation(epsilon: 1, delta: 0, sensitivity: 1) == .infinity)
    for mu in [1e-200, 1e200] {
      #expect(try GaussianPrivacy(mu: mu).epsilon(delta: 1e-5) >= 0)
      #expect(try GaussianPrivacy(mu: mu).delta(epsilon: 1) <= 1)
    }
  }

  @Test func wrongNumbersAreRefused() throws {
    #expect(throws: DifferentialPrivacyError.self) { try GaussianPrivacy(mu: -1) }
    #expect(throws: DifferentialPrivacyError.self) { try GaussianPrivacy(mu: .nan) }
    let guarantee = try GaussianPrivacy(mu: 1)
    for delta in [-1e-9, 1.0000001, .nan] {
      #expect(throws: DifferentialPrivacyError.self) { try guarantee.epsilon(delta: delta) }
    }
    for epsilon in [-1e-9, .nan] {
      #expect(throws: DifferentialPrivacyError.self) { try guarantee.delta(epsilon: epsilon) }
    }
    #expect(throws: DifferentialPrivacyError.self) {
      try GaussianPrivacy(standardDeviation: -1, sensitivity: 1)
    }
    #expect(throws: DifferentialPrivacyError.self) {
      try GaussianPrivacy(standardDeviation: 1, sensitivity: .infinity)
    }
  }

  @Test func zeroConcentratedConversionIsNeverBetterThanGaussian() throws {
    for rho in [1e-6, 0.01, 0.5, 3, 80] {
      let concentrated = try ZeroConcentratedPrivacy(rho: rho)
      let gaussian = try GaussianPrivacy(mu: (2 * rho).squareRoot())
      for delta in [1e-30, 1e-9, 1e-5, 1e-2, 0.3] {
        let epsilon = try concentrated.epsilon(delta: delta)
        #expect(epsilon >= (try gaussian.epsilon(delta: delta)) * (1 - 1e-12), "\(rho) \(delta)")
        #expect(epsilon <= (try concentrated.simpleEpsilon(delta: delta)) * (1 + 1e-12))
        if epsilon > 0 {
          let back = try concentrated.delta(epsilon: epsilon)
          #expect((back / delta - 1).magnitude < 1e-6, "\(rho) \(delta)")
          let allowed = try ZeroConcentratedPrivacy.largest(epsilon: epsilon, delta: delta)
          #expect((allowed.rho / rho - 1).magnitude < 1e-9)
        }
      }
    }
  }
}

@Suite struct GaussianPrivacyFilterTests {
  @Test func chargesUntilTheBudgetIsSpent() throws {
    let one = try GaussianPrivacy(standardDeviation: 3, sensitivity: 1)
    var filter = try GaussianPrivacyFilter(budget: one.repeated(7))
    for _ in 0..<7 {
      #expect(filter.admits(one))
      try filter.charge(one)
    }
    #expect(filter.remaining < 1e-12)
    let before = filter
    let crumb = try GaussianPrivacy(mu: 1e-3)
    #expect(!filter.admits(crumb))
    #expect(throws: DifferentialPrivacyError(.overBudget, "", field: "")) {
      try filter.charge(crumb)
    }
    #expect(filter == before)
    #expect((filter.guarantee.mu / filter.budget.squareRoot() - 1).magnitude < 1e-12)
    #expect(filter.admits(.none))
  }

  @Test func restartsFromWhatWasSpent() throws {
    let budget = try GaussianPrivacy(mu: 1)
    let filter = try GaussianPrivacyFilter(budget: budget, spent: 0.75)
    #expect(filter.remaining == 0.25)
    #expect(filter.admits(try GaussianPrivacy(mu: 0.5)))
    #expect(!filter.admits(try GaussianPrivacy(mu: 0.51)))
    #expect(throws: DifferentialPrivacyError.self) {
      try GaussianPrivacyFilter(budget: budget, spent: 1.1)
    }
    #expect(throws: DifferentialPrivacyError.self) {
      try GaussianPrivacyFilter(budget: budget, spent: -0.1)
    }
    #expect(!filter.admits(try GaussianPrivacy(mu: .infinity)))
  }
}
