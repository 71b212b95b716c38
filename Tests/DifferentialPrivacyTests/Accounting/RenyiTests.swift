import DifferentialPrivacy
import Testing

@Suite struct RenyiTests {
  /// Two roads to the same integral: the signed series of the paper and the quadrature in use.
  @Test func fractionalOrdersAgreeWithTheSignedSeries() throws {
    for (q, sigma) in [(0.01, 1.0), (0.1, 2.0), (0.3, 0.9), (0.02, 4.0)] {
      for order in [1.5, 2.25, 4.7, 10.9] {
        let exact = try RenyiDivergence.subsampledGaussian(
          order: order, noiseMultiplier: sigma, samplingRate: q)
        let series = try #require(
          RenyiDivergence.subsampledGaussianSeries(
            order: order, noiseMultiplier: sigma, samplingRate: q))
        #expect((series - exact).magnitude <= 1e-6 * exact + 1e-9, "\(q) \(sigma) \(order)")
      }
    }
  }

  /// Integer orders are a sum, the others an integral: no step between them.
  @Test func ordersAreContinuousAcrossIntegers() throws {
    for (q, sigma) in [(0.01, 1.0), (0.5, 3.0), (0.001, 0.5)] {
      for order in [2.0, 3, 8, 40] {
        let at = try RenyiDivergence.subsampledGaussian(
          order: order, noiseMultiplier: sigma, samplingRate: q)
        let near = try RenyiDivergence.subsampledGaussian(
          order: order * (1 + 1e-12), noiseMultiplier: sigma, samplingRate: q)
        #expect((near / at - 1).magnitude < 1e-8, "\(q) \(sigma) \(order)")
      }
    }
  }

  /// D_α increases with α and (α − 1)D_α is convex.
  @Test func divergenceIsMonotoneAndItsMomentConvex() throws {
    for (q, sigma) in [(0.01, 1.0), (0.2, 2.0), (0.9, 5.0)] {
      let orders = stride(from: 1.1, through: 12, by: 0.1).map { $0 }
      let values = try orders.map {
        try RenyiDivergence.subsampledGaussian(order: $0, noiseMultiplier: sigma, samplingRate: q)
      }
      for index in 1..<(orders.count - 1) {
        #expect(values[index] >= values[index - 1])
        let moments = (index - 1...index + 1).map { (orders[$0] - 1) * values[$0] }
        #expect(moments[0] + moments[2] >= 2 * moments[1] * (1 - 1e-12))
      }
    }
  }

  @Test func divergenceGrowsWithRateAndShrinksWithNoise() throws {
    for order in [1.3, 2, 7.5, 64] {
      var previous = 0.0
      for q in [0, 1e-6, 1e-3, 0.02, 0.3, 0.8, 0.999, 1] {
        let value = try RenyiDivergence.subsampledGaussian(
          order: order, noiseMultiplier: 1.5, samplingRate: q)
        #expect(value >= previous * (1 - 1e-12), "\(order) \(q)")
        previous = value
      }
      previous = .infinity
      for sigma in [1e-6, 0.01, 0.3, 1, 5, 100, 1e6] {
        let value = try RenyiDivergence.subsampledGaussian(
          order: order, noiseMultiplier: sigma, samplingRate: 0.05)
        #expect(value <= previous, "\(order) \(sigma)")
        previous = value
      }
    }
  }

  @Test func fullSampleIsTheUnsampledMechanism() throws {
    for order in [1.5, 2, 10.9, 128] {
      let exact = try RenyiDivergence.gaussian(order: order, noiseMultiplier: 2)
      for q in [1 - 1e-12, 1.0] {
        let value = try RenyiDivergence.subsampledGaussian(
          order: order, noiseMultiplier: 2, samplingRate: q)
        #expect((value / exact - 1).magnitude < 1e-9)
      }
    }
  }

  /// PRIVACY-CORE §4.6, against adding absolute values of the series (1.3237e-4 at order 1.5).
  @Test func fractionalOrdersAreNotOverReported() throws {
    let value = try RenyiDivergence.subsampledGaussian(
      order: 1.5, noiseMultiplier: 1, samplingRate: 0.01)
    #expect((value - 1.272_537_433_274_498_3e-4).magnitude < 1e-15)
  }

  @Test func laplaceTendsToItsLimits() throws {
    for epsilon in [1e-6, 0.01, 1, 30] {
      let kullback = try RenyiDivergence.laplace(order: 1, pureEpsilon: epsilon)
      let near = try RenyiDivergence.laplace(order: 1 + 1e-9, pureEpsilon: epsilon)
      #expect((near / kullback - 1).magnitude < 1e-6, "\(epsilon)")
      let far = try RenyiDivergence.laplace(order: 1e9, pureEpsilon: epsilon)
      #expect(far <= epsilon && far > 0.9 * epsilon, "\(epsilon)")
      // The two branches meet.
      let order = 1e-3 / epsilon
      if order > 1 {
        let below = try RenyiDivergence.laplace(order: order * 0.999, pureEpsilon: epsilon)
        let above = try RenyiDivergence.laplace(order: order * 1.001, pureEpsilon: epsilon)
        #expect((above / below - 1).magnitude < 0.01, "\(epsilon)")
      }
    }
  }

  @Test func samplingWithoutReplacementLiesBelowTheFullMechanism() throws {
    for order in [1.5, 2, 3, 6, 32, 300] {
      var previous = 0.0
      for q in [0, 0.001, 0.01, 0.1, 1] {
        let value = try RenyiDivergence.withoutReplacementGaussian(
          order: order, noiseMultiplier: 3, samplingRate: q)
        #expect(value >= previous, "\(order) \(q)")
        previous = value
      }
    }
  }

  @Test func curvesComposeOrderByOrder() throws {
    let first = try PrivacyEvent.laplace(scale: 5).renyiCurve()
    let second = try PrivacyEvent.poissonSampled(rate: 0.1, .gaussian(noiseMultiplier: 2))
      .renyiCurve()
    #expect(try first.composed(with: second) == second.composed(with: first))
    let event = PrivacyEvent.composed([
      .repeated(3, .laplace(scale: 5)), .poissonSampled(rate: 0.1, .gaussian(noiseMultiplier: 2)),
    ])
    let whole = try event.renyiCurve()
    let parts = try first.repeated(3).composed(with: second)
    for (a, b) in zip(whole.values, parts.values) { #expect((a - b).magnitude <= 1e-14 * b) }
    #expect(try whole.epsilon(delta: 1e-9) >= whole.epsilon(delta: 1e-5))
    #expect(throws: DifferentialPrivacyError.self) {
      try first.composed(with: RenyiCurve(orders: [2], values: [1]))
    }
    #expect(throws: DifferentialPrivacyError.self) { try RenyiCurve(orders: [], values: []) }
    #expect(throws: DifferentialPrivacyError.self) { try RenyiCurve(orders: [0.5], values: [1]) }
    #expect(throws: DifferentialPrivacyError.self) { try RenyiCurve(orders: [2], values: [-1]) }
  }

  @Test func treesAreAsHighAsTheirBinaryLength() throws {
    for (steps, height) in [(1, 1), (2, 2), (3, 2), (4, 3), (1000, 10), (1023, 10), (1024, 11)] {
      let event = try PrivacyEvent.treeAggregation(noiseMultiplier: 2, stepCounts: [steps, 1])
      #expect(event == .repeated(height, .gaussian(noiseMultiplier: 2)), "\(steps)")
    }
    #expect(throws: DifferentialPrivacyError.self) {
      try PrivacyEvent.treeAggregation(noiseMultiplier: 2, stepCounts: [])
    }
  }
}
