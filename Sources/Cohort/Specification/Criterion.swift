import CanonicalBytes

/// How a value of a column is compared.
public enum Comparison: String, Sendable, Hashable, Codable, CaseIterable {
  case less = "<"
  case lessOrEqual = "<="
  case equal = "="
  case notEqual = "!="
  case greaterOrEqual = ">="
  case greater = ">"
  /// One of several values.
  case oneOf = "in"
  /// Recorded at all.
  case present
}

/// One condition that a row must meet to enter the cohort.
///
/// A column that is also a number feature is compared after conversion to the study's unit. Two
/// numbers are compared as numbers, two ISO 8601 dates in time order, other texts for equality
/// only. A missing value meets no condition, not even `!=`.
public struct Criterion: Sendable, Hashable {
  public var column: String
  public var comparison: Comparison
  /// Empty for `present`, one value for the orderings, at least one for `in`.
  public var values: [String]
  /// Why, in words, as the flow diagram prints it.
  public var reason: String

  public init(column: String, comparison: Comparison, values: [String] = [], reason: String) {
    self.column = column
    self.comparison = comparison
    self.values = values
    self.reason = reason
  }

  /// Appends the canonical bytes.
  public func write(to writer: inout ByteWriter) {
    writer.string(column)
    writer.string(comparison.rawValue)
    writer.array(values) { $0.string($1) }
    writer.string(reason)
  }

  /// Whether a cell's canonical text meets the condition; nil stands for a missing value.
  func isMet(by text: String?) -> Bool {
    guard let text else { return false }
    switch comparison {
    case .present: return true
    case .oneOf: return values.contains { CellText.areEqual(text, $0) }
    case .equal: return values.first.map { CellText.areEqual(text, $0) } ?? false
    case .notEqual: return values.first.map { !CellText.areEqual(text, $0) } ?? false
    case .less: return ordered(text).map { $0 < 0 } ?? false
    case .lessOrEqual: return ordered(text).map { $0 <= 0 } ?? false
    case .greaterOrEqual: return ordered(text).map { $0 >= 0 } ?? false
    case .greater: return ordered(text).map { $0 > 0 } ?? false
    }
  }

  private func ordered(_ text: String) -> Int? {
    values.first.flatMap { CellText.order(text, $0) }
  }
}
