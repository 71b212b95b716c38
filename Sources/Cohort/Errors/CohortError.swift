/// Why a cohort cannot be built from a site's columns. Equality is on the code.
///
/// Names of features and columns and row numbers may appear; a patient's value never does.
public struct CohortError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable, CaseIterable {
    /// The data have no column of the name the study asks for.
    case missingColumn = "missing-column"
    /// Two columns of the data have the same name.
    case duplicateColumn = "duplicate-column"
    /// The column's unit cannot be converted to the study's unit.
    case unitMismatch = "unit-mismatch"
    /// A row has another number of fields than there are columns.
    case raggedRow = "ragged-row"
    /// A specification or a transform contradicts itself.
    case badSpecification = "bad-specification"
    /// A table and a transform, or two tables, have different features.
    case shapeMismatch = "shape-mismatch"
    /// More rows, columns or levels than the design allows.
    case tooLarge = "too-large"
  }

  public let code: Code
  /// The feature or column concerned; empty when the fault has none.
  public let name: String
  /// Row of the data from 1, header not counted; nil when the fault is not in a row.
  public let row: Int?
  /// What exactly does not fit, in constant words plus names and units.
  public let detail: String

  public init(_ code: Code, name: String = "", row: Int? = nil, detail: String = "") {
    self.code = code
    self.name = name
    self.row = row
    self.detail = detail
  }

  /// What is wrong, one constant sentence per code.
  public var message: String {
    switch code {
    case .missingColumn: "the data have no such column"
    case .duplicateColumn: "two columns have the same name"
    case .unitMismatch: "the unit cannot be converted to the study's unit"
    case .raggedRow: "a row has another number of fields than there are columns"
    case .badSpecification: "the specification contradicts itself"
    case .shapeMismatch: "the features do not match"
    case .tooLarge: "there is more data than the design allows"
    }
  }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

  public var description: String {
    var text = "\(code.rawValue): \(message)"
    if !name.isEmpty { text += " (`\(name)`" + (row.map { ", row \($0)" } ?? "") + ")" }
    return detail.isEmpty ? text : "\(text): \(detail)"
  }
}
