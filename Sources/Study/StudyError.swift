/// Why a study cannot be read, agreed or run. Equality is on the code.
public struct StudyError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// The study file breaks a rule.
    case invalidPlan = "invalid-plan"
    /// Too few patients, events or sites for what the plan asks.
    case tooFew = "too-few"
    /// A total that no honest set of answers can have.
    case implausibleTotal = "implausible-total"
    /// A site answer that does not fit its query.
    case malformedAnswer = "malformed-answer"
    /// The numbers do not allow a model (separation without ridge, a constant outcome).
    case notEstimable = "not-estimable"
    /// A replayed transcript does not belong to this study or was changed.
    case transcriptMismatch = "transcript-mismatch"
    /// Local training ended in values that are not finite.
    case diverged
    /// The local policy does not allow this query.
    case refusedByPolicy = "refused-by-policy"
    /// A release would take a patient's privacy beyond what a site allows.
    case budgetExhausted = "budget-exhausted"
    /// The sites voted against a model.
    case modelRejected = "model-rejected"
  }

  public let code: Code
  /// What is wrong, where, and what to do; never a patient value.
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

  public var description: String { message }
}
