extension Portable {
  /// e^r − 1 as an unevaluated sum `high + low`, for |high part of r| ≤ 0.35.
  ///
  /// `high` is r + r²·q(r) rounded, `low` what rounding lost. q is the Taylor polynomial
  /// ½ + r/6 + … + r¹²/14!, whose first omitted term is below 2^−63.
  @inline(__always)
  private static func exponentialMinusOneCore(
    _ rHigh: Double, _ rLow: Double
  ) -> (high: Double, low: Double) {
    let r = rHigh
    var q = 1.0 / 87_178_291_200
    q = q * r + 1.0 / 6_227_020_800
    q = q * r + 1.0 / 479_001_600
    q = q * r + 1.0 / 39_916_800
    q = q * r + 1.0 / 3_628_800
    q = q * r + 1.0 / 362_880
    q = q * r + 1.0 / 40_320
    q = q * r + 1.0 / 5_040
    q = q * r + 1.0 / 720
    q = q * r + 1.0 / 120
    q = q * r + 1.0 / 24
    q = q * r + 1.0 / 6
    q = q * r + 0.5
    let p = (r * r) * q + (rLow + rLow * r)
    let high = r + p
    return (high, (r - high) + p)
  }

  /// Splits x = k · ln 2 + (high + low) with |high| ≤ 0.3466 (Cody and Waite 1980).
  @inline(__always)
  private static func reduceByLn2(_ x: Double) -> (k: Double, high: Double, low: Double) {
    let k = nearestInteger(x * 1.442_695_040_888_963_4)
    let upper = x - k * ln2High
    let lower = k * ln2Low
    let high = upper - lower
    return (k, high, (upper - high) - lower)
  }

  /// e^x.
  ///
  /// At most 1 ulp. exp(±0) = 1, exp(−∞) = 0, exp(∞) = ∞, exp(NaN) = NaN; overflow gives ∞ above
  /// 709.78 and underflow passes through the subnormal numbers to 0 below −745.13.
  public static func exp(_ x: Double) -> Double {
    if x != x { return x }
    if x > 709.8 { return .infinity }
    if x < -745.2 { return 0 }
    let (k, high, low) = reduceByLn2(x)
    let e = exponentialMinusOneCore(high, low)
    return scale(1 + (e.high + e.low), byPowerOfTwo: Int(k))
  }

  /// e^x − 1, accurate near 0.
  ///
  /// At most 1 ulp. expm1(±0) = ±0, expm1(−∞) = −1, expm1(∞) = ∞, expm1(NaN) = NaN.
  public static func expm1(_ x: Double) -> Double {
    if x != x { return x }
    if x > 709.8 { return .infinity }
    if x < -38 { return -1 }
    if x.magnitude < 0x1p-54 { return x }
    let (k, high, low) = reduceByLn2(x)
    let e = exponentialMinusOneCore(high, low)
    let exponent = Int(k)
    if exponent == 0 { return e.high + e.low }
    if exponent < 0 {
      let factor = powerOfTwo(exponent)
      return (factor - 1) + (factor * e.high + factor * e.low)
    }
    // 2^k · ((1 − 2^−k) + e): the first difference is exact up to k = 53; later 2^−k is a
    // correction of the last place.
    let head = exponent <= 53 ? 1 - powerOfTwo(-exponent) : 1
    let tail = exponent <= 53 ? e.low : e.low - powerOfTwo(-min(exponent, 1000))
    let sum = head + e.high
    let back = sum - head
    let lost = (head - (sum - back)) + (e.high - back)
    return scale(sum + (lost + tail), byPowerOfTwo: exponent)
  }
}
