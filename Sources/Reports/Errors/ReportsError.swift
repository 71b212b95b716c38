/// Why a report or a model file cannot be read or applied. Equality is on the code.
public struct ReportsError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of fault; the list may grow.
  public enum Code: String, Sendable, CaseIterable {
    /// The bytes are not JSON of the expected shape.
    case malformed
    /// A format or format version this program does not read.
    case unknownFormat = "unknown-format"
    /// A key the format does not have.
    case unknownKey = "unknown-key"
    /// A number outside the range its meaning allows.
    case outOfRange = "out-of-range"
    /// Two parts of the file contradict each other.
    case inconsistent
    /// The content is not the one the file's digest was taken of.
    case digestMismatch = "digest-mismatch"
    /// The file is larger than any real one.
    case tooLarge = "too-large"
    /// A model that the study does not have.
    case unknownModel = "unknown-model"
    /// A table whose features are not those of the model.
    case tableMismatch = "table-mismatch"
  }

  /// The kind of fault.
  public let code: Code
  /// What is wrong, in constant words.
  public let message: String
  /// The key, feature or model concerned; empty when the fault has none.
  public let field: String

  /// Creates an error.
  public init(_ code: Code, _ message: String, field: String = "") {
    self.code = code
    self.message = message
    self.field = field
  }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

  public var description: String {
    "\(code.rawValue): \(message)" + (field.isEmpty ? "" : " (`\(field)`)")
  }
}
