import DifferentialPrivacy
import PortableNumerics
import Testing

/// Goodness of fit of the samplers. All draws come from fixed seeds, so a test that passes passes for
/// ever; the stated probability is that of having met a bad seed with a correct sampler.
@Suite struct SamplerDistributionTests {
  private static let drawCount = 1_000_000

  /// χ² of `values` against the weights of −limit … limit; what lies further out, or is expected less
  /// than 10 times, is pooled. Returns the p value.
  private func pValue(_ values: [Int64], limit: Int, weight: (Double) -> Double) -> Double {
    let weights = (-limit...limit).map { weight(Double($0)) }
    let total = weights.reduce(0, +)
    var counts = [Int](repeating: 0, count: weights.count)
    var outside = 0
    for value in values {
      let index = Int(value) + limit
      if counts.indices.contains(index) { counts[index] += 1 } else { outside += 1 }
    }
    let draws = Double(values.count)
    var statistic = 0.0
    var cells = 0
    var pooledCount = Double(outside)
    var pooledExpected = 0.0
    for (count, weight) in zip(counts, weights) {
      let expected = draws * weight / total
      if expected < 10 {
        pooledCount += Double(count)
        pooledExpected += expected
      } else {
        statistic += (Double(count) - expected) * (Double(count) - expected) / expected
        cells += 1
      }
    }
    if pooledExpected >= 10 {
      let difference = pooledCount - pooledExpected
      statistic += difference * difference / pooledExpected
      cells += 1
    } else {
      // Too few to be a cell: only that there are not absurdly many.
      #expect(pooledCount <= 40, "P(Poisson(10) > 40) < 1e-12")
    }
    return ChiSquareDistribution.upperTail(statistic, degreesOfFreedom: Double(cells - 1))
  }

  /// Mean and variance within 6 standard errors each: false alarm below 4e-9.
  private func checkMoments(_ values: [Int64], variance: Double, kurtosis: Double = 3) {
    let count = Double(values.count)
    let mean = values.reduce(0.0) { $0 + Double($1) } / count
    let square = values.reduce(0.0) { $0 + Double($1) * Double($1) } / count
    #expect(mean.magnitude < 6 * (variance / count).squareRoot())
    #expect(
      (square - variance).magnitude < 6 * variance * ((kurtosis - 1) / count).squareRoot())
  }

  @Test(
    "χ² of the discrete Gaussian (false alarm 1e-6 per variance)",
    arguments: [1, 2, 7, 16, 100, 10_000, (1 << 20) + 1] as [UInt64])
  func discreteGaussian(variance: UInt64) throws {
    let values = try DiscreteGaussian(variance: variance)
      .draws(count: Self.drawCount, seed: noiseSeed(1))
    let sigma2 = Double(variance)
    let limit = Int(12 * sigma2.squareRoot()) + 3
    let p = pValue(values, limit: limit) { Portable.exp(-$0 * $0 / (2 * sigma2)) }
    #expect(p > 1e-6)
    // From σ² = 7 on, the variance is σ² to better than 1e-50 of itself.
    if variance >= 7 { checkMoments(values, variance: sigma2) }
    // Sign: a fair coin among the values that have one, 6 standard errors.
    let positive = values.count { $0 > 0 }
    let negative = values.count { $0 < 0 }
    #expect(
      Double((positive - negative).magnitude) < 6 * Double(positive + negative).squareRoot())
    // Tail: |y| > 7σ has probability below 2.6e-12 per draw, so below 3e-6 among all.
    if variance >= 16 {
      #expect(values.allSatisfy { Double($0 * $0) <= 49 * sigma2 })
      #expect(values.contains { Double($0 * $0) > 16 * sigma2 }, "P(none beyond 4σ) < 2e-7")
    }
  }

  @Test(
    "Large variances: moments, and uniform values of the normal distribution function",
    arguments: [(1 << 33) + 12_345, (1 << 41) + 1, 1 << 62] as [UInt64])
  func largeVariance(variance: UInt64) throws {
    let values = try DiscreteGaussian(variance: variance)
      .draws(count: Self.drawCount / 2, seed: noiseSeed(2))
    checkMoments(values, variance: Double(variance))
    // 100 cells of equal probability under the continuous Gaussian: a lattice point on the edge moves a
    // cell's expected count by at most 5e5/(σ·√2π) < 3, against a standard deviation of 70.
    var counts = [Int](repeating: 0, count: 100)
    let sigma = Double(variance).squareRoot()
    for value in values {
      let u = NormalDistribution.cumulative(Double(value) / sigma)
      counts[min(99, Int(u * 100))] += 1
    }
    let expected = Double(values.count) / 100
    let statistic = counts.reduce(0.0) {
      $0 + (Double($1) - expected) * (Double($1) - expected) / expected
    }
    #expect(ChiSquareDistribution.upperTail(statistic, degreesOfFreedom: 99) > 1e-6)
  }

  @Test(
    "χ² of the discrete Laplace (false alarm 1e-6 per scale)",
    arguments: [(1, 1), (5, 2), (1, 3), (40, 1)] as [(UInt64, UInt64)])
  func discreteLaplace(numerator: UInt64, denominator: UInt64) throws {
    let sampler = try DiscreteLaplace(numerator: numerator, denominator: denominator)
    let values = try drawNoise(count: Self.drawCount / 2, seed: noiseSeed(3)) {
      (values, seed) throws(DifferentialPrivacyError) in
      try sampler.fill(into: &values, seed: seed)
    }
    let scale = Double(numerator) / Double(denominator)
    let p = pValue(values, limit: Int(40 * scale) + 20) { Portable.exp(-$0.magnitude / scale) }
    #expect(p > 1e-6)
  }

  @Test(
    "χ² and moments of Skellam (false alarm 1e-6 per variance)",
    arguments: [1, 2, 3, 16, 120, 1_000] as [UInt64])
  func skellam(variance: UInt64) throws {
    let sampler = try Skellam(variance: variance)
    let values = try drawNoise(count: Self.drawCount / 5, seed: noiseSeed(4)) {
      (values, seed) throws(DifferentialPrivacyError) in
      try sampler.fill(into: &values, seed: seed)
    }
    let mu = Double(variance)
    checkMoments(values, variance: mu, kurtosis: 3 + 1 / mu)
    // P(y) = e^(−μ) I_|y|(μ) = Σ_k Poisson(k + |y|; μ/2) · Poisson(k; μ/2).
    let half = mu / 2
    let logarithm = Portable.log(half)
    let reach = Int(half + 40 * half.squareRoot()) + 60
    var poisson = [Double](repeating: 0, count: 2 * reach + 2)
    var logFactorial = 0.0
    for k in poisson.indices {
      if k > 0 { logFactorial += Portable.log(Double(k)) }
      poisson[k] = Portable.exp(Double(k) * logarithm - half - logFactorial)
    }
    let p = pValue(values, limit: min(reach, Int(12 * mu.squareRoot()) + 12)) { y in
      let shift = Int(y.magnitude)
      return (0...reach).reduce(0.0) { $0 + poisson[$1] * poisson[$1 + shift] }
    }
    #expect(p > 1e-6)
  }

  @Test("A shorter batch is a prefix of a longer one; other seeds give other draws")
  func prefix() throws {
    let sampler = try DiscreteGaussian(variance: 1_000)
    let long = try sampler.draws(count: 3_000, seed: noiseSeed(5))
    #expect(try sampler.draws(count: 100, seed: noiseSeed(5)) == Array(long.prefix(100)))
    let other = try sampler.draws(count: 3_000, seed: noiseSeed(6))
    // Two independent draws agree with probability 0.9 %.
    #expect(zip(long, other).count { $0 == $1 } < 100)
  }

  @Test("No noise for a variance of 0; wrong seeds and parameters are refused")
  func edges() throws {
    #expect(try DiscreteGaussian(variance: 0).draws(count: 4, seed: noiseSeed(7)) == [0, 0, 0, 0])
    #expect(throws: DifferentialPrivacyError(.malformed, "", field: "")) {
      try DiscreteGaussian(variance: 4).draws(count: 1, seed: [1, 2, 3])
    }
    #expect(throws: DifferentialPrivacyError(.outOfRange, "", field: "")) {
      try DiscreteGaussian(variance: (1 << 62) + 1)
    }
    #expect(throws: DifferentialPrivacyError(.outOfRange, "", field: "")) {
      try DiscreteLaplace(numerator: 0)
    }
    #expect(throws: DifferentialPrivacyError(.outOfRange, "", field: "")) {
      try Skellam(variance: .max)
    }
  }
}
