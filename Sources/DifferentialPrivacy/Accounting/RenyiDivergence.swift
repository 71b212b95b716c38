import PortableNumerics

/// Rényi divergences D_α of single releases, the larger of the two directions of adding and
/// removing a patient.
public enum RenyiDivergence {
  /// The Gaussian mechanism: α μ²/2 = α/(2z²) (Mironov 2017, proposition 7).
  ///
  /// - Parameters:
  ///   - order: α ≥ 1.
  ///   - noiseMultiplier: z = σ/Δ ≥ 0; 0 gives ∞.
  /// - Throws: `outOfRange`.
  public static func gaussian(
    order: Double, noiseMultiplier: Double
  ) throws(DifferentialPrivacyError) -> Double {
    try check(order: order)
    try check(nonNegative: noiseMultiplier, "noise_multiplier")
    if noiseMultiplier == .infinity { return 0 }
    return order / noiseMultiplier / noiseMultiplier * 0.5
  }

  /// The Laplace mechanism with ε₀ = Δ/b (Mironov 2017, proposition 6), in the form
  /// ε₀ + log(1 + (α − 1)(e^(−(2α−1)ε₀) − 1)/(2α − 1))/(α − 1), which does not cancel near α = 1.
  ///
  /// - Parameters:
  ///   - order: α ≥ 1; ∞ gives ε₀.
  ///   - pureEpsilon: ε₀ ≥ 0.
  /// - Throws: `outOfRange`.
  public static func laplace(
    order: Double, pureEpsilon: Double
  ) throws(DifferentialPrivacyError) -> Double {
    try check(order: order)
    try check(nonNegative: pureEpsilon, "epsilon")
    if order == .infinity || pureEpsilon == .infinity { return pureEpsilon }
    if pureEpsilon == 0 { return 0 }
    let excess = order - 1
    if excess == 0 { return exponentialRemainder(-pureEpsilon) }
    if pureEpsilon * order < 1e-3 {
      // e^((α−1)D) = [α e^((α−1)ε₀) + (α−1) e^(−αε₀)]/(2α−1), where the linear terms of the two
      // exponentials cancel.
      let up = excess * pureEpsilon
      let down = order * pureEpsilon
      let value =
        (order * exponentialRemainder(up) + excess * exponentialRemainder(-down))
        / (2 * order - 1)
      return Portable.log1p(value) / excess
    }
    let share = Portable.expm1(-(2 * order - 1) * pureEpsilon) / (2 * order - 1)
    return max(0, pureEpsilon + Portable.log1p(excess * share) / excess)
  }

  /// The divergence of a pair of finite distributions (randomised response, discrete noise), the
  /// larger of both directions.
  ///
  /// - Throws: `outOfRange`.
  public static func table(
    order: Double, _ table: OutcomeTable
  ) throws(DifferentialPrivacyError) -> Double {
    try check(order: order)
    return max(table.renyiDivergence(order: order), table.reversed.renyiDivergence(order: order))
  }

  static func check(order: Double) throws(DifferentialPrivacyError) {
    guard order >= 1 else {
      throw DifferentialPrivacyError(.outOfRange, "an order is at least 1", field: "alpha")
    }
  }

  static func check(
    nonNegative value: Double, _ field: String
  ) throws(DifferentialPrivacyError) {
    guard value >= 0 else {
      throw DifferentialPrivacyError(.outOfRange, "the number is at least 0", field: field)
    }
  }

  /// e^x − 1 − x, without cancellation near 0.
  static func exponentialRemainder(_ x: Double) -> Double {
    if x.magnitude > 0.2 { return Portable.expm1(x) - x }
    var term = 0.5 * x * x
    var sum = term
    var k = 3.0
    while term.magnitude > 1e-18 * sum.magnitude, k < 40 {
      term *= x / k
      sum += term
      k += 1
    }
    return sum
  }
}
