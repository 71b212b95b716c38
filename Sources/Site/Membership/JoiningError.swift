import Identity
import Transport

/// Why joining a network, or using what joining left, failed. Equality is on the code.
///
/// The description is one line a person can act on; it never holds the invitation's secret.
public struct JoiningError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds of failure. May grow.
  public enum Code: String, Sendable, CaseIterable {
    /// The invitation's text is not one, is damaged, or has expired by this machine's clock.
    case invitation
    /// The invitation is for another role than the command.
    case wrongRole = "wrong-role"
    /// The aggregator refused the invitation or the request.
    case refused
    /// The aggregator cannot be reached.
    case notReachable = "not-reachable"
    /// Whoever answered is not the network that the invitation pins.
    case wrongAggregator = "wrong-aggregator"
    /// The aggregator's answer cannot be used.
    case wrongAnswer = "wrong-answer"
    /// The folder belongs to a member already.
    case alreadyJoined = "already-joined"
    /// The folder belongs to no member.
    case notJoined = "not-joined"
    /// A settings file cannot be read.
    case fileInvalid = "file-invalid"
    /// A folder or file cannot be written.
    case fileUnwritable = "file-unwritable"
    /// Keys or certificate in the folder cannot be used.
    case identity
  }

  /// What went wrong.
  public let code: Code
  /// Where, and what the other side or the system said.
  public let detail: String

  /// Makes an error.
  public init(_ code: Code, _ detail: String = "") {
    self.code = code
    self.detail = detail
  }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

  /// The constant text of the code.
  public var message: String {
    switch code {
    case .invitation: "the invitation cannot be used"
    case .wrongRole: "the invitation is for another role"
    case .refused: "the aggregator refused the invitation"
    case .notReachable: "the aggregator cannot be reached"
    case .wrongAggregator: "this is not the aggregator that the invitation is for"
    case .wrongAnswer: "the aggregator's answer cannot be used"
    case .alreadyJoined: "this folder belongs to a member already"
    case .notJoined: "this folder belongs to no member; join with an invitation first"
    case .fileInvalid: "the settings cannot be read"
    case .fileUnwritable: "the file cannot be written"
    case .identity: "keys or certificate cannot be used"
    }
  }

  public var description: String { detail.isEmpty ? message : "\(message): \(detail)" }
}

extension JoiningError {
  /// A failure of the member's own folder or invitation.
  init(_ code: Code, _ error: IdentityError) {
    self.init(code, Self.words(error.message, at: error.location))
  }

  /// A failure of the enrolment call, in the words of whoever refused.
  init(_ error: any Error, calling address: ServiceAddress) {
    guard let error = error as? TransportError else {
      self.init(.wrongAnswer, "the call failed")
      return
    }
    switch error.code {
    case .notReachable, .connectionLost, .deadlineExceeded, .shuttingDown:
      self.init(
        .notReachable,
        Self.words(error.detail.isEmpty ? error.message : error.detail, at: "\(address)"))
    case .peerCertificateRefused:
      self.init(.wrongAggregator, Self.withoutCode(error.detail))
    case .refused, .revoked, .notFound:
      self.init(.refused, Self.withoutCode(error.detail))
    default:
      self.init(.wrongAnswer, error.description)
    }
  }

  private static func words(_ text: String, at location: String?) -> String {
    location.map { "\(text) [\($0)]" } ?? text
  }

  /// An identity's error arrives as `code: message [place]`; a person needs no code.
  private static func withoutCode(_ text: String) -> String {
    guard let colon = text.firstIndex(of: ":"),
      IdentityError.Code(rawValue: String(text[..<colon])) != nil
    else { return text }
    return String(text[text.index(after: colon)...].drop { $0 == " " })
  }
}
