/// Why an audit cannot be run. Equality is on the code; no patient value is in it.
public struct AuditError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of fault.
  public enum Code: String, Sendable {
    /// The study promises no differential privacy.
    case noGoal = "no-goal"
    /// A setting outside its range.
    case outOfRange = "out-of-range"
    /// There are too few patients, or no release, to attack.
    case nothingToAttack = "nothing-to-attack"
  }

  public let code: Code
  /// What is wrong and what to do.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

  public var description: String { message }
}
