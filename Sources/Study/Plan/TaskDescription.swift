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

  /// What a study file says for an answer that a person still has to give.
  public static let placeholder = "to be answered before this is submitted"

  /// The questions, by their keys in a study file, that nobody has answered yet.
  public var unanswered: [String] {
    [
      ("user", user), ("decision", decision), ("action", action),
      ("harm_of_false_positive", harmOfFalsePositive),
      ("harm_of_false_negative", harmOfFalseNegative), ("responsible_role", responsibleRole),
      ("oversight", oversight ?? ""),
    ].filter { $0.1.lowercased().contains(Self.placeholder) }.map(\.0)
  }

  /// Why a study with this task cannot be proposed to hospitals; nil when it can.
  public var obstacle: String? {
    unanswered.isEmpty
      ? nil
      : "nobody has answered `task.\(unanswered.joined(separator: "`, `task."))`; write what the model is for:"
        + " the hospitals decide by these answers"
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
