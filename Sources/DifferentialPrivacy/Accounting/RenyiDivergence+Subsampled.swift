import PortableNumerics

extension RenyiDivergence {
  /// The Gaussian mechanism on a Poisson sample (Mironov, Talwar and Zhang 2019, section 3):
  /// D_α = log A_α/(α − 1), A_α = E_{z~N(0,σ²)}[(1 − q + q e^((2z−1)/2σ²))^α].
  ///
  /// A_α − 1 is computed without ever forming 1 + tiny. Integer orders: the binomial sum of
  /// section 3.3, of which the terms of 1 are taken off one by one,
  /// A_α − 1 = Σ_{k≥2} C(α,k) q^k (1−q)^(α−k) (e^(k(k−1)/2σ²) − 1). Other orders: the
  /// trapezium rule on E[r^α − 1 − α(r − 1)], r the density ratio; the integrand is positive,
  /// since E[r] = 1 and x^α is convex, and the rule converges exponentially. Both are exact to
  /// 1e-11; ``subsampledGaussianSeries(order:noiseMultiplier:samplingRate:)`` is the signed
  /// series of the paper, for comparison.
  ///
  /// Assumes: every patient enters a batch independently with probability q, add or remove one.
  ///
  /// - Parameters:
  ///   - order: α ≥ 1; 1 and ∞ give the limits.
  ///   - noiseMultiplier: z = σ/Δ ≥ 0.
  ///   - samplingRate: q in [0, 1].
  /// - Throws: `outOfRange`.
  public static func subsampledGaussian(
    order: Double, noiseMultiplier: Double, samplingRate: Double
  ) throws(DifferentialPrivacyError) -> Double {
    try check(order: order)
    try check(nonNegative: noiseMultiplier, "noise_multiplier")
    try check(samplingRate: samplingRate)
    if samplingRate == 0 || noiseMultiplier == .infinity { return 0 }
    if samplingRate == 1 {
      return try gaussian(order: order, noiseMultiplier: noiseMultiplier)
    }
    if order == .infinity || noiseMultiplier == 0 { return .infinity }
    // At order 1 the divergence of any larger order is an upper bound.
    let used = max(order, 1 + 1e-6)
    let mu = 1 / noiseMultiplier
    let leading = 0.5 * used * (used - 1) * mu * mu + used * Portable.log(samplingRate)
    if used > 1e5 || mu > 1e4 || (mu > 20 && leading > 2000) {
      return extremeDivergence(order: used, mu: mu, samplingRate: samplingRate)
    }
    let logExcess =
      used == used.rounded() && used <= 4096
      ? binomialLogExcess(Int(used), noiseMultiplier, samplingRate)
      : integralLogExcess(used, noiseMultiplier, samplingRate)
    return Portable.softplus(logExcess) / (used - 1)
  }

  /// The divergence where its leading term q^α e^(α(α−1)μ²/2) leaves nothing to the others, else
  /// the upper bound A_α ≤ 1 − q + q e^(α(α−1)μ²/2) of convexity.
  private static func extremeDivergence(
    order: Double, mu: Double, samplingRate: Double
  ) -> Double {
    let growth = 0.5 * order * (order - 1) * mu * mu
    let leading = growth + order * Portable.log(samplingRate)
    if leading > 2000 { return leading / (order - 1) }
    return Portable.softplus(Portable.log(samplingRate) + logExpm1(max(growth, 1e-300)))
      / (order - 1)
  }

  static func check(samplingRate: Double) throws(DifferentialPrivacyError) {
    guard samplingRate >= 0, samplingRate <= 1 else {
      throw DifferentialPrivacyError(
        .outOfRange, "a sampling rate is in [0, 1]", field: "q")
    }
  }

  /// log(A_α − 1) for an integer α ≥ 2.
  private static func binomialLogExcess(_ order: Int, _ sigma: Double, _ q: Double) -> Double {
    let n = Double(order)
    let logOdds = Portable.log(q) - Portable.log1p(-q)
    let inverse = 1 / sigma / sigma
    var logBinomial = n * Portable.log1p(-q)
    var sum = LogSum()
    for index in 1...order {
      let k = Double(index)
      logBinomial += Portable.log((n - k + 1) / k) + logOdds
      if index == 1 { continue }
      sum.add(logBinomial + logExpm1(0.5 * k * (k - 1) * inverse))
    }
    return sum.value
  }

  /// log(e^x − 1) for x > 0.
  static func logExpm1(_ x: Double) -> Double {
    x > 30 ? x + Portable.log1p(-Portable.exp(-x)) : Portable.log(Portable.expm1(x))
  }

  /// log(A_α − 1) by the trapezium rule over the standardised noise.
  ///
  /// The step is a quarter, less where the branch point of r^α comes near: it lies π/μ from the
  /// real axis, μ = 1/σ. The mass is around 0 and around αμ; what lies between matters only while
  /// it is short.
  private static func integralLogExcess(_ order: Double, _ sigma: Double, _ q: Double) -> Double {
    let mu = 1 / sigma
    let step = min(0.25, 0.35 / mu)
    let far = order * mu
    let reach = 13.0
    // log r = softplus-like in the exponent: log(1 − q + q e^t).
    let logRate = Portable.log(q)
    let logRest = Portable.log1p(-q)
    var sum = LogSum()
    func add(from start: Double, to end: Double) {
      let first = Int(((start / step).rounded(.down)))
      let last = Int(((end / step).rounded(.up)))
      if last < first { return }
      for index in first...last {
        let z = Double(index) * step
        let t = mu * z - 0.5 * mu * mu
        let excess = q * Portable.expm1(t)
        let logRatio: Double
        if excess.magnitude < 0.5 {
          logRatio = Portable.log1p(excess)
        } else if t > 0 {
          logRatio = logRate + t + Portable.log1p(Portable.exp(logRest - logRate - t))
        } else {
          logRatio = logRest + Portable.log1p(Portable.exp(logRate - logRest + t))
        }
        let exponent = order * logRatio
        let logTerm: Double
        if excess.magnitude < 0.01 {
          logTerm = Portable.log(powerRemainder(order, excess))
        } else if exponent < 600 {
          logTerm = Portable.log(Portable.expm1(exponent) - order * excess)
        } else {
          // r^α − αx with the second as a share of the first, which may be beyond a `Double`.
          let share = order * Portable.exp(logRate + t - exponent)
          logTerm = exponent + Portable.log1p(-min(share, 0.5))
        }
        sum.add(logTerm + NormalDistribution.logDensity(z))
      }
    }
    if far > 200_000 * step {
      add(from: -reach, to: reach)
      add(from: far - reach, to: far + reach)
    } else {
      add(from: -reach, to: far + reach)
    }
    return sum.value + Portable.log(step)
  }

  /// (1 + x)^α − 1 − αx for |x| < 0.01: the binomial series from its second term.
  private static func powerRemainder(_ order: Double, _ x: Double) -> Double {
    if order * x.magnitude > 0.1 {
      return Portable.expm1(order * Portable.log1p(x)) - order * x
    }
    var coefficient = 0.5 * order * (order - 1) * x * x
    var sum = coefficient
    var k = 3.0
    while coefficient.magnitude > 1e-18 * sum.magnitude, k < 60 {
      coefficient *= (order - k + 1) / k * x
      sum += coefficient
      k += 1
    }
    return sum
  }

  /// The signed series of Mironov, Talwar and Zhang (2019, section 3.3) for orders that are not
  /// integers: binomial coefficients C(α, i) change sign beyond α, and adding their absolute
  /// values over-reports.
  ///
  /// - Returns: D_α, or nil where 20,000 terms do not settle or cancellation leaves fewer than
  ///   six digits.
  public static func subsampledGaussianSeries(
    order: Double, noiseMultiplier: Double, samplingRate: Double
  ) -> Double? {
    guard order > 1, order < 1e4, noiseMultiplier > 0, noiseMultiplier < .infinity,
      samplingRate > 0, samplingRate < 1
    else { return nil }
    let sigma = noiseMultiplier
    let logRate = Portable.log(samplingRate)
    let logRest = Portable.log1p(-samplingRate)
    let crossing = sigma * sigma * (logRest - logRate) + 0.5
    var positive = LogSum()
    var negative = LogSum()
    var logCoefficient = 0.0
    var sign = 1.0
    for index in 0..<20_000 {
      let i = Double(index)
      let j = order - i
      let half = 0.5 / sigma / sigma
      let below =
        logCoefficient + i * logRate + j * logRest + (i * i - i) * half
        + NormalDistribution.logUpperTail((i - crossing) / sigma)
      let above =
        logCoefficient + j * logRate + i * logRest + (j * j - j) * half
        + NormalDistribution.logUpperTail((crossing - j) / sigma)
      if sign > 0 {
        positive.add(below)
        positive.add(above)
      } else {
        negative.add(below)
        negative.add(above)
      }
      if max(below, above) < positive.value - 36, i > order {
        let ratio = Portable.exp(negative.value - positive.value)
        guard 1 - ratio > 1e-9 else { return nil }
        let logA = positive.value + Portable.log1p(-ratio)
        return logA / (order - 1)
      }
      let factor = (order - i) / (i + 1)
      if factor == 0 { return nil }
      if factor < 0 { sign = -sign }
      logCoefficient += Portable.log(factor.magnitude)
    }
    return nil
  }
}

/// log Σ e^x of numbers added one by one.
struct LogSum {
  private var largest = -Double.infinity
  private var scaled = 0.0

  /// The logarithm of the sum; −∞ for none.
  var value: Double { scaled == 0 ? -.infinity : largest + Portable.log(scaled) }

  mutating func add(_ x: Double) {
    if !(x > -.infinity) { return }
    if x <= largest {
      scaled += largest == .infinity ? 0 : Portable.exp(x - largest)
    } else {
      scaled = scaled * Portable.exp(largest - x) + 1
      largest = x
    }
  }
}
