/// The discrete Laplace distribution: P(y) ∝ e^(−|y|/s) over the integers, with s = numerator /
/// denominator. Also called the two-sided geometric distribution.
///
/// The magnitude is u + t·v with t = max(1, ⌊s⌋): u uniform in 0 ..< t, kept with probability
/// e^(−u/s); v geometric with ratio e^(−t/s); then e^(−u/s)·e^(−tv/s) = e^(−(u + tv)/s). This is
/// Canonne, Kamath and Steinke 2020, Algorithm 2, with the block length rounded down so that nothing
/// is divided per draw (they take the whole numerator as block and divide by the denominator). The
/// sign comes last, and a negative zero starts again.
public struct DiscreteLaplace: Sendable, Hashable {
  /// The largest numerator of a scale: a draw beyond the 64-bit integers has probability e^−128.
  public static let maximumNumerator: UInt64 = 1 << 56
  /// The largest denominator of a scale.
  public static let maximumDenominator: UInt64 = 1 << 62

  /// The scale s = numerator / denominator, in lattice units.
  public let numerator: UInt64
  /// See `numerator`.
  public let denominator: UInt64
  let blockLength: UInt64

  /// Throws `outOfRange` unless the numerator is in 1 … 2^56 and the denominator in 1 … 2^62.
  public init(
    numerator: UInt64, denominator: UInt64 = 1
  ) throws(DifferentialPrivacyError) {
    guard
      1...Self.maximumNumerator ~= numerator, 1...Self.maximumDenominator ~= denominator
    else {
      throw DifferentialPrivacyError(
        .outOfRange, "a scale is a fraction of integers, at most 2^56 over at most 2^62",
        field: "scale")
    }
    self.init(unchecked: numerator, denominator)
  }

  init(unchecked numerator: UInt64, _ denominator: UInt64) {
    self.numerator = numerator
    self.denominator = denominator
    blockLength = max(1, numerator / denominator)
  }

  /// |y|, where 0 still has twice its weight.
  @inline(__always)
  func magnitude(from stream: inout NoiseStream) -> UInt64 {
    var u: UInt64
    repeat {
      u = stream.uniform(below: blockLength)
      // u·denominator < t·denominator ≤ numerator, and with t = 1 u is 0.
    } while !stream.isBelowExponential(u &* denominator, numerator)
    // Wraps only after 2^31 or more successes in a row of a coin below 1 − 1/e².
    var y = u
    while stream.isBelowExponential(blockLength &* denominator, numerator) { y &+= blockLength }
    return y
  }

  /// Fills `values` with independent draws from the keystream of `seed` (32 bytes).
  ///
  /// The same seed gives the same integers on every machine; a shorter batch is a prefix of a longer
  /// one. Throws `malformed` for a seed of another length.
  public func fill(
    into values: inout [Int64], seed: UnsafeRawBufferPointer
  ) throws(DifferentialPrivacyError) {
    var stream = try NoiseStream(seed: seed)
    for index in values.indices {
      var y: UInt64
      var negative: Bool
      repeat {
        y = magnitude(from: &stream)
        negative = stream.coin()
      } while negative && y == 0
      values[index] = negative ? 0 &- Int64(bitPattern: y) : Int64(bitPattern: y)
    }
  }
}
