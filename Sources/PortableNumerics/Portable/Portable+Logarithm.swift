extension Portable {
  /// s and R of log(1 + f) = f − f²/2 + s·(f²/2 + R), with s = f/(2 + f) and
  /// R = Σ 2/(2j+1) · s^(2j), j = 1 … 11 (the series of 2·artanh s).
  ///
  /// For 1 + f in [√½, √2], |s| ≤ 0.172 and the first omitted term is below 2^−64.
  @inline(__always)
  static func logarithmCore(_ f: Double) -> (s: Double, r: Double) {
    let s = f / (2 + f)
    let z = s * s
    var r = 2.0 / 23
    r = r * z + 2.0 / 21
    r = r * z + 2.0 / 19
    r = r * z + 2.0 / 17
    r = r * z + 2.0 / 15
    r = r * z + 2.0 / 13
    r = r * z + 2.0 / 11
    r = r * z + 2.0 / 9
    r = r * z + 2.0 / 7
    r = r * z + 2.0 / 5
    r = r * z + 2.0 / 3
    return (s, r * z)
  }

  /// x = 2^k · (1 + f) with 1 + f in [√½, √2).
  ///
  /// - Parameter x: positive and finite; subnormal numbers are allowed.
  @inline(__always)
  static func splitExponent(_ x: Double) -> (k: Int, f: Double) {
    var bits = x.bitPattern
    var k = -1023
    if bits < 0x0010_0000_0000_0000 {
      bits = (x * 0x1p54).bitPattern
      k -= 54
    }
    k += Int(bits >> 52)
    let mantissa = bits & 0x000F_FFFF_FFFF_FFFF
    // 0x6A09E667F3BCD is the mantissa of √2.
    if mantissa >= 0x6_A09E_667F_3BCD {
      k += 1
      return (k, Double(bitPattern: mantissa | 0x3FE0_0000_0000_0000) - 1)
    }
    return (k, Double(bitPattern: mantissa | 0x3FF0_0000_0000_0000) - 1)
  }

  /// k · ln 2 + log(1 + f) + correction, rounded at the end.
  @inline(__always)
  private static func assembleLogarithm(k: Int, f: Double, correction: Double) -> Double {
    let (s, r) = logarithmCore(f)
    let halfSquare = 0.5 * f * f
    if k == 0 { return f - (halfSquare - (s * (halfSquare + r) + correction)) }
    let exponent = Double(k)
    let low = s * (halfSquare + r) + (exponent * ln2Low + correction)
    return exponent * ln2High - ((halfSquare - low) - f)
  }

  /// Natural logarithm of x.
  ///
  /// At most 1 ulp. log(1) = 0, log(±0) = −∞, log(∞) = ∞, log(NaN) = NaN; NaN for x < 0.
  public static func log(_ x: Double) -> Double {
    if x != x { return x }
    if x <= 0 { return x == 0 ? -.infinity : .nan }
    if x == .infinity { return x }
    let (k, f) = splitExponent(x)
    return assembleLogarithm(k: k, f: f, correction: 0)
  }

  /// log(1 + x), accurate near 0.
  ///
  /// At most 1 ulp. log1p(±0) = ±0, log1p(−1) = −∞, log1p(∞) = ∞, log1p(NaN) = NaN; NaN for
  /// x < −1.
  public static func log1p(_ x: Double) -> Double {
    if x != x { return x }
    if x <= -1 { return x == -1 ? -.infinity : .nan }
    if x == .infinity || x.magnitude < 0x1p-54 { return x }
    if x > -0.2928 && x < 0.4142 { return assembleLogarithm(k: 0, f: x, correction: 0) }
    // 1 + x = sum + lost exactly; log(sum + lost) = log(sum) + lost/sum to the last place.
    let sum = 1 + x
    let lost = x >= 1 ? 1 - (sum - x) : x - (sum - 1)
    let (k, f) = splitExponent(sum)
    return assembleLogarithm(k: k, f: f, correction: lost / sum)
  }

  /// log(ratio) − (ratio − 1) without cancellation, for ratio > 0.
  ///
  /// Used by the saddle-point forms of the distributions. At most about 4 ulp.
  ///
  /// - Parameters:
  ///   - ratio: the argument of the logarithm, used where it is far from 1.
  ///   - excess: ratio − 1, used where it is close to 1.
  static func logarithmDeviation(ratio: Double, excess: Double) -> Double {
    if excess > -0.29 && excess < 0.41 {
      // 2s − x = −s·x, so log(1 + x) − x = s·(R − x).
      let (s, r) = logarithmCore(excess)
      return s * (r - excess)
    }
    return log(ratio) - excess
  }
}
