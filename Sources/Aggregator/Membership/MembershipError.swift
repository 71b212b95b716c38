/// Why the aggregator's folder or a change of its members failed. Equality is on the code.
///
/// The description is one line a person can act on. It never holds a key or an invitation.
public struct MembershipError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure. May grow.
  public enum Code: String, Sendable, CaseIterable {
    /// The folder holds a network already.
    case alreadyInitialised = "already-initialised"
    /// The folder holds no network.
    case notInitialised = "not-initialised"
    /// The folder holds the authority of another network.
    case otherNetwork = "other-network"
    /// A folder or a settings file cannot be written.
    case fileUnwritable = "file-unwritable"
    /// A name, an address or a time that cannot be used.
    case invalidValue = "invalid-value"
  }

  /// What went wrong.
  public let code: Code
  /// What it is about: a folder, a file, a value of the settings.
  public let subject: String
  /// What the system said; may be empty.
  public let detail: String

  /// Makes an error.
  public init(_ code: Code, subject: String = "", detail: String = "") {
    self.code = code
    self.subject = subject
    self.detail = detail
  }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

  /// What is wrong and what to do about it, in one constant text per code.
  public var message: String {
    switch code {
    case .alreadyInitialised:
      "the folder holds a network already and is not overwritten; name another folder"
    case .notInitialised:
      "the folder holds no aggregator; make one with `wardround aggregator init`"
    case .otherNetwork:
      "the folder holds the authority of another network; name another folder"
    case .fileUnwritable: "the file cannot be written"
    case .invalidValue: "the value cannot be used"
    }
  }

  public var description: String {
    [message, subject, detail].filter { !$0.isEmpty }.joined(separator: ": ")
  }
}
