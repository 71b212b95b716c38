/// A dense design matrix, row-major: `values[row · columnCount + column]`.
public struct DesignMatrix: Sendable, Hashable {
  public let rowCount: Int
  public let columnCount: Int
  /// `rowCount · columnCount` finite numbers.
  public let values: [Double]

  init(rowCount: Int, columnCount: Int, values: [Double]) {
    self.rowCount = rowCount
    self.columnCount = columnCount
    self.values = values
  }

  /// One row as a slice of `values`.
  public func row(_ index: Int) -> ArraySlice<Double> {
    values[(index * columnCount)..<((index + 1) * columnCount)]
  }

  public subscript(row: Int, column: Int) -> Double {
    values[row * columnCount + column]
  }
}

/// What one column of the design matrix means in clinical terms.
public struct DesignColumn: Sendable, Hashable {
  public enum Role: Sendable, Hashable {
    /// `(x − center) / scale`, x in `unit`: a coefficient is the change per `scale` units.
    case scaled(unit: String?, center: Double, scale: Double)
    /// 1 where the value was missing.
    case missing
    /// 1 where the category has this level, against the reference level.
    case level(String, reference: String)
    /// 1 where the category has a word outside the vocabulary, against the reference level.
    case other(reference: String)
    /// 1 for yes.
    case flag
  }

  /// Unique within a transform: `creatinine`, `creatinine (missing)`, `ward = surgery`.
  public let name: String
  /// The feature it comes from.
  public let feature: String
  public let role: Role

  /// What a coefficient of this column compares, in words: "per 24.1 mmHg", "yes against no".
  public var comparison: String {
    switch role {
    case .scaled(let unit, _, let scale):
      "per \(shortened(scale))" + (unit.map { " \($0)" } ?? "")
    case .missing: "missing against recorded"
    case .level(let level, let reference): "\(level) against \(reference)"
    case .other(let reference): "any other against \(reference)"
    case .flag: "yes against no"
    }
  }

  /// The coefficient per clinical unit: β / scale for a number, β itself otherwise. Its
  /// exponential is the odds ratio per unit.
  public func perClinicalUnit(_ coefficient: Double) -> Double {
    if case .scaled(_, _, let scale) = role { return coefficient / scale }
    return coefficient
  }

  /// The number with three significant digits.
  private func shortened(_ value: Double) -> String {
    guard value.isFinite, value != 0 else { return "\(value)" }
    var power = 0
    var magnitude = abs(value)
    while magnitude < 100, power < 300 {
      magnitude *= 10
      power += 1
    }
    if power == 0 { return "\(Int(min(magnitude, 1e15).rounded()))" }
    var factor = 1.0
    for _ in 0..<power { factor *= 10 }
    let rounded = (value * factor).rounded() / factor
    let text = "\(rounded)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
