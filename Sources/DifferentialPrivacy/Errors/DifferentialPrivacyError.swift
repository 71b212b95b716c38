/// What `DifferentialPrivacy` refuses. Equality is on the code, so that a caller can match without
/// knowing where a fault was found. Carries no patient value, no noise and no seed.
public struct DifferentialPrivacyError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of fault; the list may grow.
  public enum Code: String, Sendable {
    /// A number is NaN, infinite or outside the range its meaning allows.
    case outOfRange = "out-of-range"
    /// Two columns of one call have different lengths.
    case lengthMismatch = "length-mismatch"
    /// A description of a mechanism, event or vector that is not of the shape it should have.
    case malformed
    /// A name of a mechanism, category or query that this library does not know.
    case unknown
    /// A request that is well formed but has no finite answer, or none the method can certify.
    case unattainable
    /// Integer arithmetic would leave its range.
    case overflow
    /// A charge that would go over the agreed budget.
    case overBudget = "over-budget"
  }

  /// The kind of fault.
  public let code: Code
  /// A constant sentence that says what is wrong.
  public let message: String
  /// The argument or field at fault.
  public let field: String
  /// The element at fault, counted from 0, where there is one.
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
