/// How real numbers become ring elements: x ↦ round(x·2^f), clipped to ±B lattice units.
///
/// The overflow bound stands here, beside the code that relies on it: an encoding exists only when
///
///     m·B + 40·σ < 2^(w−1)
///
/// with m sites, per-site bound B and the standard deviation σ of the total noise, both in lattice
/// units. Then the sum over the sites, read in two's complement, is the sum over the integers: always
/// without noise, and with Gaussian noise except with probability below 10^−300 per coordinate.
public struct FixedPointEncoding: Sendable, Hashable {
  public let width: RingWidth
  /// f: a lattice unit is 2^−f. Between −60 and 60.
  public let fractionBits: Int
  /// B: the largest magnitude that one site may send in a coordinate, in lattice units, at least 0.
  public let bound: Int64
  /// m: how many sites are summed at most, at least 1.
  public let siteCount: Int

  /// Throws `invalidParameter` or `overflowPossible`.
  ///
  /// - Parameter noiseDeviation: σ of the summed noise in lattice units, zero without noise.
  public init(
    width: RingWidth, fractionBits: Int, bound: Int64, siteCount: Int, noiseDeviation: Double = 0
  ) throws(FixedPointError) {
    guard (-60...60).contains(fractionBits), bound >= 0, siteCount >= 1,
      noiseDeviation.isFinite, noiseDeviation >= 0
    else { throw FixedPointError(.invalidParameter) }
    guard
      Self.fits(
        width: width, bound: bound, siteCount: siteCount, noiseDeviation: noiseDeviation)
    else { throw FixedPointError(.overflowPossible) }
    self.width = width
    self.fractionBits = fractionBits
    self.bound = bound
    self.siteCount = siteCount
  }

  /// The finest encoding for real numbers of at most a given magnitude at every site: the largest f
  /// in −60…60 for which B = round(C·2^f) leaves room for the sum (protocol/README.md §14).
  ///
  /// Throws `invalidParameter`, or `overflowPossible` when even f = −60 has no room.
  ///
  /// - Parameters:
  ///   - largestMagnitude: C, the bound of one site's coordinate in its own units.
  ///   - noiseDeviation: σ of the summed noise in lattice units, zero without noise.
  public init(
    width: RingWidth, largestMagnitude: Double, siteCount: Int, noiseDeviation: Double = 0
  ) throws(FixedPointError) {
    guard largestMagnitude.isFinite, largestMagnitude >= 0 else {
      throw FixedPointError(.invalidParameter)
    }
    for fractionBits in stride(from: 60, through: -60, by: -1) {
      let scale = Double(sign: .plus, exponent: fractionBits, significand: 1)
      let units = (largestMagnitude * scale).rounded(.toNearestOrEven)
      guard let bound = Int64(exactly: units),
        Self.fits(
          width: width, bound: bound, siteCount: siteCount, noiseDeviation: noiseDeviation)
      else { continue }
      try self.init(
        width: width, fractionBits: fractionBits, bound: bound, siteCount: siteCount,
        noiseDeviation: noiseDeviation)
      return
    }
    throw FixedPointError(.overflowPossible)
  }

  /// Whether m·B + 40σ < 2^(w−1), computed so that no rounding can hide an overflow.
  public static func fits(
    width: RingWidth, bound: Int64, siteCount: Int, noiseDeviation: Double
  ) -> Bool {
    let (product, overflow) = bound.multipliedReportingOverflow(by: Int64(siteCount))
    guard bound >= 0, siteCount >= 0, !overflow, product <= width.largest else { return false }
    let margin = (40 * noiseDeviation).rounded(.up)
    guard let noise = Int64(exactly: margin) else { return false }
    let (total, carried) = product.addingReportingOverflow(noise)
    return !carried && total <= width.largest
  }

  /// The largest per-site bound for a ring, a number of sites and no noise: ⌊(2^(w−1) − 1)/m⌋.
  public static func largestBound(width: RingWidth, siteCount: Int) -> Int64 {
    siteCount >= 1 ? width.largest / Int64(siteCount) : 0
  }

  /// The value of one lattice unit, 2^−f.
  public var unit: Double { Double(sign: .plus, exponent: -fractionBits, significand: 1) }

  /// The largest real magnitude that is sent unclipped, B·2^−f.
  public var largestMagnitude: Double { Double(bound) * unit }
}
