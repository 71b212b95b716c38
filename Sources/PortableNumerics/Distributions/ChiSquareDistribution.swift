/// The chi-square distribution with ν > 0 degrees of freedom.
public enum ChiSquareDistribution {
  /// P(X ≤ x). 0 for x ≤ 0; NaN for ν ≤ 0.
  public static func cumulative(_ x: Double, degreesOfFreedom nu: Double) -> Double {
    if x != x { return x }
    return SpecialFunctions.lowerGamma(0.5 * nu, 0.5 * max(x, 0))
  }

  /// P(X > x), precise in the tail: the p value of a chi-square statistic.
  public static func upperTail(_ x: Double, degreesOfFreedom nu: Double) -> Double {
    if x != x { return x }
    return SpecialFunctions.upperGamma(0.5 * nu, 0.5 * max(x, 0))
  }

  /// The x with P(X ≤ x) = p.
  ///
  /// Newton's method in log x from the Wilson–Hilferty start. Relative error below 1e-12.
  /// quantile(0) = 0, quantile(1) = ∞; NaN outside [0, 1] and for ν ≤ 0.
  public static func quantile(_ p: Double, degreesOfFreedom nu: Double) -> Double {
    if !(p >= 0 && p <= 1) || !(nu > 0 && nu < .infinity) { return .nan }
    if p == 0 { return 0 }
    if p == 1 { return .infinity }
    let a = 0.5 * nu
    let h = 2 / (9 * nu)
    let root = 1 - h + NormalDistribution.quantile(p) * h.squareRoot()
    let guess = root > 0.01 ? nu * root * root * root : nu * 1e-6
    let useUpper = p > 0.5
    let target = Portable.log(useUpper ? 1 - p : p)
    let logX = RootFinding.increasing(lower: -745, upper: 700, start: Portable.log(guess)) {
      position in
      let half = 0.5 * Portable.exp(position)
      let probability =
        useUpper ? SpecialFunctions.upperGamma(a, half) : SpecialFunctions.lowerGamma(a, half)
      if probability <= 0 { return useUpper ? (value: 1e6, derivative: 1) : (-1e6, 1) }
      let slope = SpecialFunctions.gammaPrefix(a, half) / probability
      let difference = Portable.log(probability) - target
      return (value: useUpper ? -difference : difference, derivative: slope)
    }
    return Portable.exp(logX)
  }
}
