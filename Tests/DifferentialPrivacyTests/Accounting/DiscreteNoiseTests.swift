import DifferentialPrivacy
import PortableNumerics
import Testing

@Suite struct DiscreteNoiseTests {
  @Test func distributionsSumToOneAndHaveTheirVariance() throws {
    for variance in [0.3, 1, 7, 400] {
      let gaussian = try IntegerNoise.discreteGaussian(variance: variance)
      let skellam = try IntegerNoise.skellam(variance: variance)
      for noise in [gaussian, skellam] {
        let mass = noise.probability(0) + noise.tail(atLeast: 1)
        #expect((mass - 1).magnitude < 1e-13)
      }
      #expect((skellam.variance / variance - 1).magnitude < 1e-11, "\(variance)")
      if variance >= 1 { #expect((gaussian.variance / variance - 1).magnitude < 1e-6) }
      let sum = try skellam.sum(of: 3)
      let direct = try IntegerNoise.skellam(variance: 3 * variance)
      for k in 0..<20 {
        #expect((sum.probability(k) / direct.probability(k) - 1).magnitude < 1e-11, "\(variance)")
      }
    }
    let laplace = try IntegerNoise.discreteLaplace(rate: 0.4)
    // 2e/(1 − e)² with e = e^−0.4.
    let e = Portable.exp(-0.4)
    #expect((laplace.variance / (2 * e / ((1 - e) * (1 - e))) - 1).magnitude < 1e-12)
  }

  /// PRIVACY-CORE §4.3: charging S itself would under-report, charging S − 4 never does.
  @Test func dominanceCoversTheDiscreteNoise() throws {
    var undercharged = 0
    for variance in [6.0, 16, 100] {
      let noise = try IntegerNoise.discreteGaussian(variance: variance)
      for shift in [1, 3, 7] {
        let table = try noise.table(shift: shift)
        let charged = try GaussianDominance.guarantee(
          variance: variance, sensitivity: Double(shift))
        let plain = try GaussianPrivacy(
          standardDeviation: variance.squareRoot(), sensitivity: Double(shift))
        for epsilon in [0, 0.3, 1, 2.5, 4] {
          let exact = table.logDelta(epsilon: epsilon)
          // The table ends at e^−750.
          if exact < -700 { continue }
          let bound = try charged.logDelta(epsilon: epsilon)
          #expect(exact <= bound + 1e-12, "\(variance) \(shift) \(epsilon): \(exact) \(bound)")
          if exact > (try plain.logDelta(epsilon: epsilon)) { undercharged += 1 }
        }
      }
    }
    #expect(undercharged > 0, "plain σ² is not sound, or this test sees nothing")
    #expect(GaussianDominance.logFactor(coordinateCount: 1_000_000) < 1e-26)
    #expect(throws: DifferentialPrivacyError.self) {
      try GaussianDominance.guarantee(variance: 4, sensitivity: 1)
    }
  }

  /// For integer shifts and orders the divergence is exactly the Gaussian one.
  @Test func integerOrdersAreGaussian() throws {
    for variance in [0.5, 2, 30] {
      let noise = try IntegerNoise.discreteGaussian(variance: variance)
      for (order, shift) in [(2.0, 1), (5, 2), (3, 4)] {
        let exact = order * Double(shift * shift) / (2 * variance)
        let found = try noise.renyiDivergence(order: order, shift: shift)
        #expect((found / exact - 1).magnitude < 1e-12)
        let between = try noise.renyiDivergence(order: order + 0.5, shift: shift)
        #expect(between <= (order + 0.5) * Double(shift * shift) / (2 * variance) * (1 + 1e-12))
      }
    }
  }

  /// The terms of a high order lie near α·shift, far beyond the bulk of narrow noise.
  @Test func highOrdersOfNarrowNoise() throws {
    for (variance, order, shift) in [
      (0.2024986259614149, 16.0, 3), (0.05, 2, 12), (0.3, 1024, 5), (1, 256, 40), (25, 64, 30),
    ] {
      let found = try IntegerNoise.discreteGaussian(variance: variance)
        .renyiDivergence(order: order, shift: shift)
      let exact = order * Double(shift * shift) / (2 * variance)
      #expect((found / exact - 1).magnitude < 1e-12, "variance \(variance), order \(order)")
    }
    // Skellam noise has heavier tails: its divergence stays below the bound of its own.
    let skellam = try IntegerNoise.skellam(variance: 1)
    var last = 0.0
    for order in [2.0, 32, 256, 1024] {
      let found = try skellam.renyiDivergence(order: order, shift: 3)
      #expect(found >= last, "order \(order)")
      last = found
    }
    let none = try IntegerNoise.discreteGaussian(variance: 0)
    #expect(try none.renyiDivergence(order: 2, shift: 1) == .infinity)
    #expect(try none.renyiDivergence(order: 2, shift: 0) == 0)
  }

  @Test func skellamBoundHolds() throws {
    for variance in [4.0, 25, 300] {
      let noise = try IntegerNoise.skellam(variance: variance)
      for (order, shift) in [(2.0, 1), (8, 1), (16, 3)] {
        let exact = try noise.renyiDivergence(order: order, shift: shift)
        let bound = try SkellamBound.renyiDivergence(
          order: order, variance: variance, sensitivityL1: Double(shift),
          sensitivityL2: Double(shift))
        #expect(exact <= bound && exact > 0)
      }
    }
  }

  @Test func tablesConvertBothWays() throws {
    let noise = try IntegerNoise.discreteGaussian(variance: 9)
    let table = try noise.table(shift: 2)
    for logDelta in [-200.0, -30, -12, -3, -1.2] {
      let epsilon = table.epsilon(logDelta: logDelta)
      if epsilon > 0 {
        #expect((table.logDelta(epsilon: epsilon) - logDelta).magnitude < 1e-9, "\(logDelta)")
      }
    }
    #expect(table.epsilon(logDelta: 0) == 0)
    let yesNo = try OutcomeTable.randomizedResponse(noise: 0.5, bucketCount: 2)
    #expect((yesNo.pureEpsilon - Portable.log(3)).magnitude < 1e-15)
    #expect((yesNo.epsilon(logDelta: -.infinity) - Portable.log(3)).magnitude < 1e-15)
    let silent = try OutcomeTable.randomizedResponse(noise: 1, bucketCount: 5)
    #expect(silent.pureEpsilon < 1e-15)
    let open = try OutcomeTable.randomizedResponse(noise: 0, bucketCount: 3)
    #expect(open.epsilon(logDelta: -5) == .infinity)
    for (noise, buckets) in [(-0.1, 2), (1.1, 2), (0.5, 0)] {
      #expect(throws: DifferentialPrivacyError.self) {
        try OutcomeTable.randomizedResponse(noise: noise, bucketCount: buckets)
      }
    }
  }

  /// A table through the grid lies above the exact answer and close to it.
  @Test func composedTablesDominateTheirGaussianShadow() throws {
    let table = try IntegerNoise.discreteGaussian(variance: 400).table(shift: 5)
    let accountant = try PrivacyLossAccountant(.repeated(16, .table(table)), gridStep: 1e-3)
    let found = try accountant.epsilon(delta: 1e-6)
    let low = try GaussianPrivacy(mu: 1).epsilon(delta: 1e-6)
    let high = try GaussianPrivacy(mu: 20 / 396.0.squareRoot()).epsilon(delta: 1e-6)
    #expect(found > low * 0.999 && found < high * 1.001)
  }

  /// The closed table is that of the enumerated noise, and pure differential privacy is exact.
  @Test func discreteLaplaceIsAFiniteTable() throws {
    for (rate, shift) in [(0.5, 1), (0.2, 4), (2, 3)] {
      let closed = try OutcomeTable.discreteLaplace(rate: rate, shift: shift)
      let open = try IntegerNoise.discreteLaplace(rate: rate).table(shift: shift)
      for epsilon in [0, 0.1, 0.4] {
        let difference = closed.logDelta(epsilon: epsilon) - open.logDelta(epsilon: epsilon)
        #expect(difference.magnitude < 1e-12, "\(rate) \(shift)")
      }
      let pure = rate * Double(shift)
      #expect((closed.pureEpsilon / pure - 1).magnitude < 1e-14)
      let accountant = try PrivacyLossAccountant(.table(closed))
      #expect((try accountant.epsilon(delta: 0) / pure - 1).magnitude < 1e-14)
      let far = try RenyiDivergence.table(order: 1e6, closed)
      #expect(far <= pure * (1 + 1e-12) && far > pure * 0.999)
    }
    #expect(throws: DifferentialPrivacyError.self) {
      try OutcomeTable.discreteLaplace(rate: 0, shift: 1)
    }
  }

  @Test func sumsOfDiscreteGaussiansAreNearlyOne() throws {
    let fine = try SumOfDiscreteGaussians(
      partyCount: 10, varianceEach: 16, sensitivity: 4, dimension: 1_000_000)
    #expect(fine.tau < 1e-60)
    #expect((fine.rho - 0.05).magnitude < 1e-12)
    let coarse = try SumOfDiscreteGaussians(
      partyCount: 10, varianceEach: 0.5, sensitivity: 4, dimension: 10)
    #expect(coarse.rho > 16 / (2 * 5.0))
    #expect(throws: DifferentialPrivacyError.self) {
      try SumOfDiscreteGaussians(partyCount: 0, varianceEach: 1, sensitivity: 1, dimension: 1)
    }
  }

  @Test func noNoiseIsNoPrivacy() throws {
    let table = try IntegerNoise.discreteGaussian(variance: 0).table(shift: 1)
    #expect(try PrivacyLossAccountant(.table(table)).epsilon(delta: 1e-5) == .infinity)
    #expect(try PrivacyLossAccountant(.table(table)).epsilon(delta: 1) == 0)
  }

  @Test func wideOrWrongNoiseIsRefused() {
    for variance in [-1, .nan, .infinity, 1e12] {
      #expect(throws: DifferentialPrivacyError.self) {
        try IntegerNoise.discreteGaussian(variance: variance)
      }
      #expect(throws: DifferentialPrivacyError.self) {
        try IntegerNoise.skellam(variance: variance)
      }
    }
    for rate in [0, -1, .nan, 1e-9] {
      #expect(throws: DifferentialPrivacyError.self) {
        try IntegerNoise.discreteLaplace(rate: rate)
      }
    }
  }
}
