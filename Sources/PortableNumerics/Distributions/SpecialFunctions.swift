/// Special functions behind the distributions, in portable arithmetic.
///
/// All return NaN outside their domain and for NaN arguments; none traps. The relative error is
/// below 1e-13 unless stated.
public enum SpecialFunctions {
  static var halfLogTwoPi: Double { 0.918_938_533_204_672_8 }
  static var squareRootOfTwoPi: Double { 2.506_628_274_631_000_2 }

  /// log Γ(x) − [(x − ½) log x − x + ½ log 2π], the error of Stirling's formula, for x > 0.
  ///
  /// Asymptotic series with Bernoulli numbers B₂ … B₁₈ above 10 (Abramowitz and Stegun 6.1.41);
  /// below, shifted up by the recurrence of Γ.
  static func stirlingError(_ x: Double) -> Double {
    if x >= 10 {
      let w = 1 / (x * x)
      var sum = 43867.0 / 244_188
      sum = sum * w - 3617.0 / 122_400
      sum = sum * w + 1.0 / 156
      sum = sum * w - 691.0 / 360_360
      sum = sum * w + 1.0 / 1188
      sum = sum * w - 1.0 / 1680
      sum = sum * w + 1.0 / 1260
      sum = sum * w - 1.0 / 360
      sum = sum * w + 1.0 / 12
      return sum / x
    }
    return logGamma(x) - ((x - 0.5) * Portable.log(x) - x + halfLogTwoPi)
  }

  /// log Γ(x) for x > 0.
  ///
  /// The error is below 1e-14 · max(1, |log Γ(x)|); near the zeros at 1 and 2 it is absolute.
  public static func logGamma(_ x: Double) -> Double {
    if !(x > 0) { return .nan }
    if x == .infinity { return x }
    if x >= 10 {
      return (x - 0.5) * (Portable.log(x) - 1) + (halfLogTwoPi - 0.5) + stirlingError(x)
    }
    // Γ(x) = Γ(x + m) / (x (x+1) … (x+m−1)).
    var shifted = x
    var product = 1.0
    while shifted < 10 {
      product *= shifted
      shifted += 1
    }
    return logGamma(shifted) - Portable.log(product)
  }

  /// The error function 2/√π ∫₀ˣ e^(−t²) dt.
  public static func erf(_ x: Double) -> Double {
    if x != x { return x }
    if x.magnitude > 0.9 {
      return x > 0 ? 1 - erfc(x) : erfc(-x) - 1
    }
    // Maclaurin series with positive terms: erf x = 2x/√π · e^(−x²) · Σ (2x²)^n / (2n+1)!!.
    let z = 2 * x * x
    var term = 1.0
    var sum = 1.0
    var odd = 3.0
    while term > 1e-18 * sum {
      term *= z / odd
      sum += term
      odd += 2
    }
    return 1.128_379_167_095_512_6 * x * Portable.exp(-x * x) * sum
  }

  /// 1 − erf(x), with full relative precision in the upper tail (to x = 26.5, where it underflows).
  public static func erfc(_ x: Double) -> Double {
    if x != x { return x }
    if x < 0.5 { return x < -0.5 ? 2 - erfc(-x) : 1 - erf(x) }
    if x > 27.3 { return 0 }
    return exponentialOfMinusSquare(x, times: 1) * scaledErfc(x)
  }

  /// e^(−c x²), c = 1 or ½: x² is split exactly into the square of a 26-bit number and a remainder,
  /// because rounding x² would cost x² ulp.
  static func exponentialOfMinusSquare(_ x: Double, times c: Double) -> Double {
    let short = Double(bitPattern: x.bitPattern & 0xFFFF_FFFF_F800_0000)
    return Portable.exp(-c * (short * short)) * Portable.exp(-c * ((x - short) * (x + short)))
  }

  /// e^(x²) · erfc(x) for x ≥ 0.
  ///
  /// t · C(2t − 1) with t = 2/(2 + x), C a Chebyshev series whose coefficients are discrete cosine
  /// sums of the function at 64 Chebyshev nodes in 50-digit arithmetic.
  public static func scaledErfc(_ x: Double) -> Double {
    if !(x >= 0) { return .nan }
    if x == .infinity { return 0 }
    let t = 2 / (2 + x)
    let y = 2 * t - 1
    var next = 0.0
    var afterNext = 0.0
    var index = erfcCoefficients.count - 1
    while index > 0 {
      let current = 2 * y * next - afterNext + erfcCoefficients[index]
      afterNext = next
      next = current
      index -= 1
    }
    return t * (y * next - afterNext + 0.5 * erfcCoefficients[0])
  }

  private static let erfcCoefficients: [Double] = [
    1.1540674772329393, 0.3554369212704985, 0.06509515882878653, 0.003671142395836639,
    -0.0011128447433526325, -0.0001607582991537808, 3.278031574173137e-05,
    5.442441645505016e-06, -1.5154665553171482e-06, -1.4297608181169865e-07,
    8.234608827419493e-08, -1.2962846852306563e-09, -4.154721631015199e-09,
    6.347058278362811e-10, 1.4320822712256225e-10, -6.160390105204585e-11,
    2.0612138554721698e-12, 3.5714931488477042e-12, -8.586422843251796e-13,
    -6.14560021379063e-14, 7.418725748596617e-14, -1.2895042755032325e-14,
    -2.358726385710632e-15, 1.5729349381685912e-15, -2.2782966239546465e-16,
    -6.31233045075643e-17, 3.5916763531814925e-17, -5.049809149847729e-18,
    -1.5324541113154899e-18, 8.90334528899061e-19,
  ]
}
