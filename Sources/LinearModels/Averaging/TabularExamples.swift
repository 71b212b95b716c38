import PortableNumerics

/// Training rows of a table: a standardised design matrix and one outcome for each row.
public struct TabularExamples: Sendable, Equatable {
  /// rows × p, no missing values, clipped to ±16.
  public let design: Matrix
  /// One finite number for each row; 0 or 1 for a logistic model.
  public let outcome: [Double]

  /// Throws `shapeMismatch`, `nonFiniteFeature` with the column, `invalidOutcome` with the row.
  public init(design: Matrix, outcome: [Double]) throws(LinearModelError) {
    guard design.rows == outcome.count else { throw LinearModelError(.shapeMismatch) }
    for (index, value) in design.storage.enumerated() where !value.isFinite {
      throw LinearModelError(.nonFiniteFeature, index: index % design.columns)
    }
    for (row, value) in outcome.enumerated() where !value.isFinite {
      throw LinearModelError(.invalidOutcome, index: row)
    }
    var clipped = design
    let bound = LogisticNewton.featureBound
    clipped.storage = design.storage.map { min(max($0, -bound), bound) }
    self.design = clipped
    self.outcome = outcome
  }

  /// Rows with a binary outcome.
  public init(design: Matrix, outcome: [UInt8]) throws(LinearModelError) {
    try self.init(design: design, outcome: outcome.map { Double($0) })
  }

  /// β₀ + Σ βⱼ xⱼ for one row; parameters are intercept first.
  @inlinable @inline(__always)
  func linearPredictor(_ parameters: [Double], row: Int) -> Double {
    let p = design.columns
    var eta = parameters[0]
    for j in 0..<p { eta += parameters[j + 1] * design.storage[row * p + j] }
    return eta
  }

  /// gradient += slope · (1, x) for one row.
  @inlinable @inline(__always)
  func addScaledRow(_ row: Int, slope: Double, to gradient: inout [Double]) {
    let p = design.columns
    gradient[0] += slope
    for j in 0..<p { gradient[j + 1] += slope * design.storage[row * p + j] }
  }
}
