/// How a number is turned into an integer before it is summed.
///
/// A value x is clipped to [−bound, bound] and becomes round(x · 2^f), with f the largest exponent
/// from −64 to 64 for which bound · 2^f ≤ 2^30. Then |integer| ≤ 2^30 per row, the sum over at most
/// 2^31 rows stays below 2^61, and rounding moves a value by at most 2^−(f+1) (relative to the
/// bound: below 2^−30). Multiplying by a power of two is exact, so every machine rounds alike.
public struct SumScale: Sendable, Hashable {
  /// The largest magnitude that is not clipped; finite and above zero.
  public let bound: Double
  /// f above.
  public let fractionBits: Int
  private let factor: Double

  /// A bound outside 2^−34 … 2^94, or not finite, is brought to the nearer end.
  public init(bound: Double) {
    let low = 0x1p-34
    let high = 0x1p94
    self.bound = bound.isNaN ? 1 : min(max(bound, low), high)
    // bound = significand · 2^e with 1 ≤ significand < 2, so bound ≤ 2^(e+1); e exactly for 2^e.
    let exponent = Int(self.bound.exponent) + (self.bound.significand == 1 ? 0 : 1)
    fractionBits = min(max(30 - exponent, -64), 64)
    factor = Double(sign: .plus, exponent: fractionBits, significand: 1)
  }

  /// The integer of a value; a value that is not a number counts as zero.
  public func integer(_ value: Double) -> Int64 {
    guard !value.isNaN else { return 0 }
    return Int64((min(max(value, -bound), bound) * factor).rounded(.toNearestOrEven))
  }

  /// The real value of a sum of such integers.
  public func real(_ sum: Int64) -> Double {
    Double(sum) / factor
  }
}

extension CohortTable {
  /// Σ x per number and flag feature over present values, in feature order, quantised with the
  /// feature's scale. `scales` has one entry per feature; those of categories are ignored.
  ///
  /// Together with the present counts this gives means. Throws `shapeMismatch`.
  public func valueSums(_ scales: [SumScale], _ rows: RowSet) throws(CohortError) -> [Int64] {
    try sums(scales, rows) { _, value in value }
  }

  /// Σ (x − mean)² per number and flag feature over present values: the second pass of the
  /// variance, free of cancellation. `scales` bound the *square*. Throws `shapeMismatch`.
  public func squaredDeviationSums(
    means: [Double], _ scales: [SumScale], _ rows: RowSet
  ) throws(CohortError) -> [Int64] {
    guard means.count == features.count else { throw CohortError(.shapeMismatch) }
    return try sums(scales, rows) { feature, value in
      let deviation = value - means[feature]
      return deviation * deviation
    }
  }

  private func sums(
    _ scales: [SumScale], _ rows: RowSet, _ term: (Int, Double) -> Double
  ) throws(CohortError) -> [Int64] {
    guard scales.count == features.count else { throw CohortError(.shapeMismatch) }
    var answer: [Int64] = []
    for feature in features.indices where !features[feature].isCategory {
      var sum: Int64 = 0
      let values = numbers(feature)
      for row in values.indices where !values[row].isNaN && contains(row, in: rows) {
        sum += scales[feature].integer(term(feature, values[row]))
      }
      answer.append(sum)
    }
    return answer
  }
}
