/// Student's t distribution with ν > 0 degrees of freedom (ν need not be an integer).
public enum StudentDistribution {
  /// P(T ≤ t). NaN for ν ≤ 0; the normal limit is taken for ν = ∞.
  public static func cumulative(_ t: Double, degreesOfFreedom: Double) -> Double {
    t > 0
      ? 1 - upperTail(t, degreesOfFreedom: degreesOfFreedom)
      : upperTail(-t, degreesOfFreedom: degreesOfFreedom)
  }

  /// P(T > t), with full relative precision for t > 0: ½ I_x(ν/2, ½) at x = ν/(ν + t²).
  public static func upperTail(_ t: Double, degreesOfFreedom nu: Double) -> Double {
    if t != t || !(nu > 0) { return .nan }
    if nu == .infinity { return NormalDistribution.upperTail(t) }
    if t < 0 { return 1 - upperTail(-t, degreesOfFreedom: nu) }
    if t == .infinity { return 0 }
    // (t/√ν)² instead of t² / ν: no overflow before the tail itself is negligible.
    let ratio = t / nu.squareRoot()
    let square = ratio * ratio
    if square == .infinity { return 0 }
    let x = 1 / (1 + square)
    let y = square / (1 + square)
    return 0.5 * SpecialFunctions.incompleteBeta(x, complement: y, 0.5 * nu, 0.5)
  }

  /// The density at t.
  public static func density(_ t: Double, degreesOfFreedom nu: Double) -> Double {
    if t != t || !(nu > 0) { return .nan }
    if nu == .infinity { return NormalDistribution.density(t) }
    let logConstant =
      SpecialFunctions.stirlingError(0.5 * (nu + 1)) - SpecialFunctions.stirlingError(0.5 * nu)
      + 0.5 * nu * Portable.log1p(1 / nu) - 0.5
    let power = -0.5 * (nu + 1) * Portable.log1p(t * t / nu)
    return Portable.exp(logConstant + power) / SpecialFunctions.squareRootOfTwoPi
  }

  /// The t with P(T ≤ t) = p.
  ///
  /// Newton's method on log P(T > t) as a function of log t, which is nearly a straight line in
  /// the tail. Relative error below 1e-12. quantile(0) = −∞, quantile(1) = ∞; NaN outside [0, 1].
  public static func quantile(_ p: Double, degreesOfFreedom nu: Double) -> Double {
    if !(p >= 0 && p <= 1) || !(nu > 0) { return .nan }
    if nu == .infinity { return NormalDistribution.quantile(p) }
    if p == 0 { return -.infinity }
    if p == 1 { return .infinity }
    if p == 0.5 { return 0 }
    let tail = min(p, 1 - p)
    let target = Portable.log(tail)
    let logT = RootFinding.increasing(
      lower: -750, upper: 700,
      start: Portable.log(-NormalDistribution.quantile(tail))
    ) { position in
      let t = Portable.exp(position)
      let probability = upperTail(t, degreesOfFreedom: nu)
      if probability == 0 { return (value: 1e6, derivative: 1) }
      let slope = density(t, degreesOfFreedom: nu) * t / probability
      return (value: target - Portable.log(probability), derivative: slope)
    }
    let t = Portable.exp(logT)
    return p < 0.5 ? -t : t
  }
}
