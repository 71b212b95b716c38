extension SpecialFunctions {
  /// The regularised lower incomplete gamma function P(a, x) = γ(a, x) / Γ(a).
  ///
  /// - Parameters:
  ///   - a: shape, > 0.
  ///   - x: ≥ 0.
  public static func lowerGamma(_ a: Double, _ x: Double) -> Double {
    guard a > 0, x >= 0, a < .infinity else { return .nan }
    if x == 0 { return 0 }
    if x == .infinity { return 1 }
    return x < a + 1 ? gammaSeries(a, x) : 1 - gammaFraction(a, x)
  }

  /// The regularised upper incomplete gamma function Q(a, x) = 1 − P(a, x), precise in its tail.
  public static func upperGamma(_ a: Double, _ x: Double) -> Double {
    guard a > 0, x >= 0, a < .infinity else { return .nan }
    if x == 0 { return 1 }
    if x == .infinity { return 0 }
    return x < a + 1 ? 1 - gammaSeries(a, x) : gammaFraction(a, x)
  }

  /// x^a e^(−x) / Γ(a) in the saddle-point form of Loader (2000), which does not cancel for
  /// large a.
  static func gammaPrefix(_ a: Double, _ x: Double) -> Double {
    let deviation = Portable.logarithmDeviation(ratio: x / a, excess: (x - a) / a)
    let exponent = a * deviation - stirlingError(a)
    return Portable.exp(exponent) * a.squareRoot() / squareRootOfTwoPi
  }

  /// P(a, x) by its power series (Abramowitz and Stegun 6.5.29).
  private static func gammaSeries(_ a: Double, _ x: Double) -> Double {
    var term = 1 / a
    var sum = term
    var denominator = a
    for _ in 0..<100_000 {
      denominator += 1
      term *= x / denominator
      sum += term
      if term < sum * 1e-17 { break }
    }
    return gammaPrefix(a, x) * sum
  }

  /// Q(a, x) by Legendre's continued fraction, evaluated by Lentz's method.
  private static func gammaFraction(_ a: Double, _ x: Double) -> Double {
    let tiny = 1e-300
    var b = x + 1 - a
    var c = 1 / tiny
    var d = 1 / b
    var h = d
    for step in 1..<100_000 {
      let i = Double(step)
      let an = -i * (i - a)
      b += 2
      d = an * d + b
      if d.magnitude < tiny { d = tiny }
      c = b + an / c
      if c.magnitude < tiny { c = tiny }
      d = 1 / d
      let factor = d * c
      h *= factor
      if (factor - 1).magnitude < 1e-16 { break }
    }
    return gammaPrefix(a, x) * h
  }

  /// The regularised incomplete beta function I_x(a, b).
  ///
  /// - Parameters:
  ///   - x: in [0, 1].
  ///   - a: > 0.
  ///   - b: > 0.
  public static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    incompleteBeta(x, complement: 1 - x, a, b)
  }

  /// I_x(a, b) where the caller knows 1 − x without cancellation.
  public static func incompleteBeta(
    _ x: Double, complement y: Double, _ a: Double, _ b: Double
  ) -> Double {
    guard a > 0, b > 0, a < .infinity, b < .infinity, x >= 0, y >= 0, x <= 1 else { return .nan }
    if x == 0 { return 0 }
    if y == 0 { return 1 }
    let prefix = betaPrefix(x, y, a, b)
    if x < (a + 1) / (a + b + 2) {
      return prefix * betaFraction(x, a, b) / a
    }
    return 1 - prefix * betaFraction(y, b, a) / b
  }

  /// x^a (1 − x)^b / B(a, b) in saddle-point form, with y = 1 − x.
  static func betaPrefix(_ x: Double, _ y: Double, _ a: Double, _ b: Double) -> Double {
    let n = a + b
    // With p = a/n: a·log(x/p) + b·log(y/(1−p)), where the linear terms in x − p cancel.
    let difference = x < y ? x * b - y * a : -(y * a - x * b)
    let exponent =
      a * Portable.logarithmDeviation(ratio: x * n / a, excess: difference / a)
      + b * Portable.logarithmDeviation(ratio: y * n / b, excess: -difference / b)
    let corrections = stirlingError(n) - stirlingError(a) - stirlingError(b)
    return Portable.exp(exponent + corrections) * (a * b / n).squareRoot() / squareRootOfTwoPi
  }

  /// The continued fraction of I_x(a, b) (Abramowitz and Stegun 26.5.8), by Lentz's method.
  private static func betaFraction(_ x: Double, _ a: Double, _ b: Double) -> Double {
    let tiny = 1e-300
    let sum = a + b
    var c = 1.0
    var d = 1 - sum * x / (a + 1)
    if d.magnitude < tiny { d = tiny }
    d = 1 / d
    var h = d
    for step in 1..<100_000 {
      let m = Double(step)
      let even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 + even * d
      if d.magnitude < tiny { d = tiny }
      c = 1 + even / c
      if c.magnitude < tiny { c = tiny }
      d = 1 / d
      h *= d * c
      let odd = -(a + m) * (sum + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 + odd * d
      if d.magnitude < tiny { d = tiny }
      c = 1 + odd / c
      if c.magnitude < tiny { c = tiny }
      d = 1 / d
      let factor = d * c
      h *= factor
      if (factor - 1).magnitude < 1e-16 { break }
    }
    return h
  }
}
