/// Why an identity was refused, an enrolment failed or a key file could not be used.
///
/// Equality is on the code. The message is constant; what varies (a file's path, a principal, a
/// position in the invitation) stands in `location`. No key, token or secret ever gets in.
public struct IdentityError: Error, Sendable, Equatable {
  /// What went wrong. May grow; the raw value is stable and may travel on the wire.
  public enum Code: String, Sendable, CaseIterable {
    // Names
    case malformedName = "malformed-name"
    case malformedHost = "malformed-host"
    case malformedPrincipal = "malformed-principal"
    // Certificates
    case malformedCertificate = "malformed-certificate"
    case noPrincipal = "no-principal"
    case foreignAuthority = "foreign-authority"
    case invalidChain = "invalid-chain"
    case expired = "expired"
    case notYetValid = "not-yet-valid"
    case revoked = "revoked"
    case wrongRole = "wrong-role"
    case wrongUsage = "wrong-usage"
    case wrongNetwork = "wrong-network"
    case wrongHost = "wrong-host"
    case wrongPin = "wrong-pin"
    case authorityExpired = "authority-expired"
    case lifetimeOutOfRange = "lifetime-out-of-range"
    case issuanceFailed = "issuance-failed"
    // Certificate requests
    case malformedRequest = "malformed-request"
    case requestSignature = "request-signature"
    case requestKey = "request-key"
    case requestName = "request-name"
    case requestExtension = "request-extension"
    case statementSignature = "statement-signature"
    // Invitations
    case invitationUnrecognised = "invitation-unrecognised"
    case invitationVersion = "invitation-version"
    case invitationCharacter = "invitation-character"
    case invitationTruncated = "invitation-truncated"
    case invitationChecksum = "invitation-checksum"
    case invitationMalformed = "invitation-malformed"
    case invitationExpired = "invitation-expired"
    case invitationUnknown = "invitation-unknown"
    case invitationUsed = "invitation-used"
    case roleNotInvitable = "role-not-invitable"
    // Files
    case fileMissing = "file-missing"
    case fileExists = "file-exists"
    case fileUnreadable = "file-unreadable"
    case fileUnwritable = "file-unwritable"
    case diskFull = "disk-full"
    case filePermissions = "file-permissions"
    case fileOwner = "file-owner"
    case fileCorrupted = "file-corrupted"
    case keyMismatch = "key-mismatch"
    case notEnrolled = "not-enrolled"
    // The ledger behind the protocol
    case ledgerUnavailable = "ledger-unavailable"
  }

  /// What went wrong.
  public let code: Code
  /// Where: a file path, a principal, a host or a position. Never secret.
  public let location: String?
  /// What the layer below said, as text that holds no secret; for logs.
  public let cause: String?

  /// An error with where it happened and what the layer below said, neither of them secret.
  public init(_ code: Code, at location: String? = nil, cause: String? = nil) {
    self.code = code
    self.location = location
    self.cause = cause
  }

  /// What is wrong and what to do about it, in one constant text per code.
  public var message: String { code.message }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }
}

extension IdentityError: CustomStringConvertible {
  public var description: String {
    var text = "\(code.rawValue): \(message)"
    if let location { text += " [\(location)]" }
    if let cause { text += " (\(cause))" }
    return text
  }
}
