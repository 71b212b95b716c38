import CanonicalBytes

/// What the model is for, in words: the readiness checklist's questions that block training when
/// they are not answered (CLINICAL §7.5, items 1, 2, 3, 8 and 9).
public struct TaskDescription: Sendable, Hashable, Codable {
  /// Who will read the prediction.
  public var user: String
  /// The decision it informs.
  public var decision: String
  /// What is done above the threshold.
  public var action: String
  /// What happens to a patient who is flagged wrongly.
  public var harmOfFalsePositive: String
  /// What happens to a patient who is missed.
  public var harmOfFalseNegative: String
  /// The role that answers for the model.
  public var responsibleRole: String
  /// Optional: how people oversee its use.
  public var oversight: String?

  public init(
    user: String, decision: String, action: String, harmOfFalsePositive: String,
    harmOfFalseNegative: String, responsibleRole: String, oversight: String? = nil
  ) {
    self.user = user
    self.decision = decision
    self.action = action
    self.harmOfFalsePositive = harmOfFalsePositive
    self.harmOfFalseNegative = harmOfFalseNegative
    self.responsibleRole = responsibleRole
    self.oversight = oversight
  }

  func write(to writer: inout ByteWriter) {
    for text in [
      user, decision, action, harmOfFalsePositive, harmOfFalseNegative, responsibleRole,
    ] {
      writer.string(text)
    }
    writer.optional(oversight) { $0.string($1) }
  }
}
