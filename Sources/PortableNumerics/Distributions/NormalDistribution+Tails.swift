extension NormalDistribution {
  static var logSquareRootOfTwoPi: Double { 0.918_938_533_204_672_8 }

  /// log φ(x) = −x²/2 − log √(2π).
  public static func logDensity(_ x: Double) -> Double {
    -0.5 * x * x - logSquareRootOfTwoPi
  }

  /// The Mills ratio P(Z > x) / φ(x), the tail without its exponential factor.
  ///
  /// About 1/x for large x and √(π/2) at 0; relative error below 1e-14. Overflows to ∞ below
  /// −38, where the tail is 1.
  public static func millsRatio(_ x: Double) -> Double {
    if x != x { return x }
    if x >= 0 {
      // √(π/2) · e^(x²/2) erfc(x/√2)
      return 1.253_314_137_315_500_3 * SpecialFunctions.scaledErfc(x * 0.707_106_781_186_547_6)
    }
    if x < -38.4 { return .infinity }
    return upperTail(x) / density(x)
  }

  /// log P(Z > x): finite and precise where the probability itself underflows (to |x| = 1e154).
  public static func logUpperTail(_ x: Double) -> Double {
    if x != x { return x }
    if x <= 0 { return Portable.log1p(-upperTail(-x)) }
    if x == .infinity { return -.infinity }
    return logDensity(x) + Portable.log(millsRatio(x))
  }

  /// P(a < Z ≤ a + width), without the cancellation of a difference of two cumulatives.
  ///
  /// Narrow intervals use the midpoint with its two first corrections, Σ φ⁽²ᵏ⁾(mid) w²ᵏ⁺¹ /
  /// (4ᵏ (2k+1)!), wide ones the difference of the smaller tails. Relative error below 1e-13
  /// while |a| < 30.
  ///
  /// - Parameters:
  ///   - lower: a; −∞ is allowed.
  ///   - width: ≥ 0; ∞ is allowed.
  public static func mass(above lower: Double, width: Double) -> Double {
    if !(width > 0) { return width == 0 ? 0 : .nan }
    if lower == -.infinity { return width == .infinity ? 1 : .nan }
    let middle = lower + 0.5 * width
    if width * (1 + middle.magnitude) < 0.05 {
      let square = middle * middle
      let second = (square - 1) * width * width * (1.0 / 24)
      let fourth =
        (square * (square - 6) + 3) * width * width * width * width * (1.0 / 1920)
      return density(middle) * width * (1 + second + fourth)
    }
    let upper = lower + width
    if lower >= 0 { return upperTail(lower) - upperTail(upper) }
    if upper <= 0 { return cumulative(upper) - cumulative(lower) }
    return (0.5 - cumulative(lower)) + (0.5 - upperTail(upper))
  }
}
