/// Clipping of one patient's contribution to an L2 bound, in integers after quantisation: the bound
/// holds exactly, so the sensitivity of a sum of clipped patients is the bound itself, without an
/// allowance for rounding.
public struct PatientClip: Sendable, Hashable {
  /// The largest bound, in lattice units.
  public static let maximumBound: UInt64 = 1 << 62

  /// B: the largest L2 norm that a clipped vector has, in lattice units.
  public let bound: UInt64

  /// Throws `outOfRange` unless the bound is in 0 … 2^62.
  public init(bound: UInt64) throws(DifferentialPrivacyError) {
    guard bound <= Self.maximumBound else {
      throw DifferentialPrivacyError(
        .outOfRange, "a bound of clipping is at most 2^62 lattice units", field: "bound")
    }
    self.bound = bound
  }

  /// Shortens `values` to the bound; returns whether it was longer.
  ///
  /// v ↦ sign(v)·⌊|v|·B/N⌋ with N = ⌈‖v‖₂⌉: every coordinate shrinks to at most |v|·B/‖v‖₂, so that
  /// the norm is at most B. The direction changes by less than one unit per coordinate. All rows of one
  /// patient are summed first and clipped once. Cost: one division per coordinate, only when clipping.
  @discardableResult
  public func apply(to values: inout [Int64]) -> Bool {
    let largest = values.reduce(0 as UInt64) { max($0, $1.magnitude) }
    // 2^24 squares of numbers below 2^50 stay below 2^124. What is larger is cut down first, which
    // changes directions by 2^−49 at most.
    let shift = max(0, 64 - largest.leadingZeroBitCount - 50)
    var sum: UInt128 = 0
    for value in values {
      let magnitude = value.magnitude >> UInt64(shift)
      sum += UInt128(magnitude.multipliedFullWidth(by: magnitude))
    }
    if shift == 0 && sum <= UInt128(bound) * UInt128(bound) { return false }
    if shift > 0 {
      // Only a bound above 2^49 can leave such a vector as it is.
      let root = IntegerRoot.ceiling(sum) + UInt128(values.count)
      if root << UInt128(shift) <= UInt128(bound) { return false }
    }
    let norm = UInt64(IntegerRoot.ceiling(sum))
    for index in values.indices {
      let magnitude = values[index].magnitude >> UInt64(shift)
      // |v| ≤ N, so the quotient is at most B and the division does not overflow.
      let quotient = norm.dividingFullWidth(magnitude.multipliedFullWidth(by: bound)).quotient
      values[index] = values[index] < 0 ? 0 - Int64(quotient) : Int64(quotient)
    }
    return true
  }

  /// Whether the L2 norm of `values` is at most the bound.
  public func holds(for values: [Int64]) -> Bool {
    var sum: UInt128 = 0
    let limit = UInt128(bound) * UInt128(bound)
    for value in values {
      sum += UInt128(value.magnitude.multipliedFullWidth(by: value.magnitude))
      if sum > limit { return false }
    }
    return true
  }

  /// An L2 bound in lattice units for vectors that were clipped *before* they were quantised: real
  /// vectors of norm at most B units, of `coordinateCount` coordinates.
  ///
  /// `wholeTotal` false: every patient's vector is rounded to the nearest by itself and moves by at most
  /// ½ per coordinate: B + ⌈√d/2⌉. True: only the site's total is rounded; with and without one patient it
  /// moves by at most 1 per coordinate in all: B + ⌈√d⌉ (PRIVACY-CORE §3). Throws `outOfRange` for a
  /// negative count and a sum above 2^62.
  public static func boundAfterRounding(
    bound: UInt64, coordinateCount: Int, wholeTotal: Bool
  ) throws(DifferentialPrivacyError) -> UInt64 {
    guard coordinateCount >= 0, bound <= maximumBound else {
      throw DifferentialPrivacyError(
        .outOfRange, "a bound of clipping is at most 2^62 lattice units", field: "bound")
    }
    let root = IntegerRoot.ceiling(UInt64(coordinateCount))
    // ⌈√d/2⌉ = ⌈√(d/4)⌉ ≤ ⌈⌈√d⌉/2⌉
    let total = bound + (wholeTotal ? root : (root + 1) / 2)
    guard total <= maximumBound else {
      throw DifferentialPrivacyError(
        .outOfRange, "a bound of clipping is at most 2^62 lattice units", field: "bound")
    }
    return total
  }
}

extension UInt128 {
  /// The value of a full-width product of two 64-bit numbers.
  fileprivate init(_ product: (high: UInt64, low: UInt64)) {
    self = UInt128(product.high) << 64 + UInt128(product.low)
  }
}
