/// Elementary functions that give the same bits on every machine with IEEE 754 binary64.
///
/// A federated update step is replayed by every site and compared by hash, so it may not call the
/// C library, whose `exp` and `log` differ between versions and processors. These functions use
/// only + − × ÷ √, integer arithmetic and bit patterns, all of which IEEE 754 defines exactly.
///
/// √ is `squareRoot()`: an instruction, or a library call that IEEE 754 requires to be exact.
///
/// Assumes: round to nearest even, and no contraction of `a * b + c` into a fused multiply-add
/// (the Swift compiler never contracts; subnormal flushing must be off, which is the default).
///
/// Error bounds, found by the tests against 50-digit references and the C library, are in units
/// in the last place (ulp): `exp`, `log`, `log1p`, `expm1` at most 1; `sigmoid`, `logit`,
/// `softplus` at most 3.
public enum Portable {
  /// ln 2 rounded down to 32 significant bits, so that its product with an exponent is exact.
  static var ln2High: Double { Double(bitPattern: 0x3FE6_2E42_FEE0_0000) }
  /// ln 2 − `ln2High`.
  static var ln2Low: Double { Double(bitPattern: 0x3DEA_39EF_3579_3C76) }

  /// 2 to the power of `exponent`.
  ///
  /// - Parameter exponent: −1022 … 1023; the caller's own arithmetic guarantees it.
  @inline(__always)
  static func powerOfTwo(_ exponent: Int) -> Double {
    Double(bitPattern: UInt64(truncatingIfNeeded: exponent &+ 1023) << 52)
  }

  /// The integer nearest to `value` as a double, ties to even.
  ///
  /// Adding and taking away 1.5 · 2^52 rounds in the hardware's own rounding mode and needs no
  /// library call. Valid for |value| < 2^51.
  @inlinable
  public static func nearestInteger(_ value: Double) -> Double {
    let shift = 6_755_399_441_055_744.0
    return (value + shift) - shift
  }

  /// The integer nearest to `value`, ties to even, for every finite value; NaN and ±∞ come back.
  @inlinable
  public static func rounded(_ value: Double) -> Double {
    let magnitude = value.magnitude
    if !(magnitude < 0x1p52) { return value }
    let nearest = (magnitude + 0x1p52) - 0x1p52
    return value < 0 ? -nearest : nearest
  }

  /// `value · 2^exponent`, rounded once.
  ///
  /// - Parameters:
  ///   - value: a finite number with |value| in [¼, 4].
  ///   - exponent: any integer between −1100 and 1100.
  @inline(__always)
  static func scale(_ value: Double, byPowerOfTwo exponent: Int) -> Double {
    if exponent > 1020 { return value * powerOfTwo(exponent - 64) * powerOfTwo(64) }
    if exponent < -1018 { return value * powerOfTwo(exponent + 128) * powerOfTwo(-128) }
    return value * powerOfTwo(exponent)
  }
}
