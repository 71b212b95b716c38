/// What `Validation` refuses. Equality is on the code, so that a caller can match without knowing
/// where a fault was found. Carries no patient value.
public struct ValidationError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of fault; the list may grow.
  public enum Code: String, Sendable {
    /// Two columns of one call have different lengths.
    case lengthMismatch = "length-mismatch"
    /// A number is NaN, infinite or outside the range its meaning allows.
    case outOfRange = "out-of-range"
    /// Two summaries that should share cuts or levels do not.
    case incompatible
    /// Bytes that are not the canonical encoding of the value.
    case malformed
    /// A well-formed value that no real cohort can have.
    case implausible
  }

  /// The kind of fault.
  public let code: Code
  /// A constant sentence that says what is wrong.
  public let message: String
  /// The argument or field at fault.
  public let field: String
  /// The row, bin or byte offset at fault, counted from 0, where there is one.
  public let index: Int?

  /// Creates an error.
  public init(_ code: Code, _ message: String, field: String, index: Int? = nil) {
    self.code = code
    self.message = message
    self.field = field
    self.index = index
  }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

  public var description: String {
    let place = index.map { " [\($0)]" } ?? ""
    return "\(code.rawValue): \(field)\(place): \(message)"
  }
}
