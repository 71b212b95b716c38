/// The standard normal distribution, mean 0 and variance 1.
public enum NormalDistribution {
  /// φ(x) = e^(−x²/2) / √(2π).
  public static func density(_ x: Double) -> Double {
    Portable.exp(-0.5 * x * x) / SpecialFunctions.squareRootOfTwoPi
  }

  /// Φ(x) = P(Z ≤ x), with full relative precision in the lower tail.
  public static func cumulative(_ x: Double) -> Double {
    if x > -0.7 { return 0.5 * SpecialFunctions.erfc(-x * 0.707_106_781_186_547_6) }
    if x < -38.6 { return 0 }
    // ½ · e^(−x²/2) · erfcx(−x/√2); splitting x keeps the exponent exact.
    return 0.5 * SpecialFunctions.exponentialOfMinusSquare(x, times: 0.5)
      * SpecialFunctions.scaledErfc(-x * 0.707_106_781_186_547_6)
  }

  /// P(Z > x), with full relative precision in the upper tail.
  public static func upperTail(_ x: Double) -> Double {
    cumulative(-x)
  }

  /// Φ⁻¹(p): the x with P(Z ≤ x) = p.
  ///
  /// Start: Abramowitz and Stegun 26.2.23 (error below 4.5e-4), then three Halley steps, each of
  /// which cubes the error. Relative error below 1e-14. quantile(0) = −∞, quantile(1) = ∞; NaN
  /// outside [0, 1].
  public static func quantile(_ p: Double) -> Double {
    if !(p >= 0 && p <= 1) { return .nan }
    if p == 0 { return -.infinity }
    if p == 1 { return .infinity }
    if p == 0.5 { return 0 }
    let lower = min(p, 1 - p)
    let t = (-2 * Portable.log(lower)).squareRoot()
    let numerator = 2.515517 + t * (0.802853 + t * 0.010328)
    let denominator = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    var x = numerator / denominator - t
    for _ in 0..<3 {
      let phi = density(x)
      if phi == 0 { break }
      let error = (cumulative(x) - lower) / phi
      x -= error / (1 + 0.5 * x * error)
    }
    return p < 0.5 ? x : -x
  }
}
