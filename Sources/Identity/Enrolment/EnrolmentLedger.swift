import Foundation

/// A certificate as the ledger records it.
public struct CertificateRecord: Sendable, Hashable, Codable {
  /// The key of the record.
  public let serial: CertificateSerial
  /// Who it is about.
  public let principal: Principal
  /// When the record may be forgotten: an expired certificate opens nothing.
  public let notValidAfter: Date
  /// The leaf alone, DER.
  public let leafDER: [UInt8]

  /// A record of these values; nothing is checked.
  public init(
    serial: CertificateSerial, principal: Principal, notValidAfter: Date, leafDER: [UInt8]
  ) {
    self.serial = serial
    self.principal = principal
    self.notValidAfter = notValidAfter
    self.leafDER = leafDER
  }
}

/// A member as the ledger records it when an invitation is redeemed.
public struct Enrolment: Sendable, Hashable, Codable {
  /// Who it is about.
  public let principal: Principal
  /// Ed25519 public key for protocol messages, 32 bytes; nil for one certified without an invitation.
  public let signingPublicKey: [UInt8]?
  /// SHA-256 over the keys that were enrolled; tells a repeated request from a second one.
  public let keysDigest: [UInt8]
  /// The certificate issued at enrolment.
  public let certificate: CertificateRecord

  /// A record of these values; nothing is checked.
  public init(
    principal: Principal, signingPublicKey: [UInt8]?, keysDigest: [UInt8],
    certificate: CertificateRecord
  ) {
    self.principal = principal
    self.signingPublicKey = signingPublicKey
    self.keysDigest = keysDigest
    self.certificate = certificate
  }
}

/// What redeeming an invitation came to.
public enum Redemption: Sendable, Hashable {
  /// It was unused: it is used now, and the new enrolment is recorded.
  case enrolled
  /// It had been used; this is the enrolment recorded then. Nothing was changed.
  case alreadyUsed(Enrolment)
  /// No such invitation. Nothing was changed.
  case unknown
}

/// The aggregator's record of invitations, members and certificates.
///
/// Every call is atomic and durable when it returns: no caller checks, waits and then acts. The rule
/// for standing is an allow list: a certificate is good only if this ledger recorded it and has not
/// revoked it. A ledger that lost entries therefore refuses members, and never readmits one.
public protocol EnrolmentLedger: Sendable {
  /// Records a new invitation.
  ///
  /// - Returns: false, and no change, when one of this id is there.
  func insertIfAbsent(_ invitation: InvitationRecord) async throws -> Bool

  /// The invitation of an id, used or not.
  func invitation(_ id: InvitationID) async throws -> InvitationRecord?

  /// Marks an invitation used and records the enrolment, its certificate and its signing key, in one
  /// step. Earlier certificates of the same principal are revoked: a member has one set of keys.
  func consume(_ id: InvitationID, for enrolment: Enrolment, at now: Date) async throws
    -> Redemption

  /// Records a renewed certificate, in one step with the check that the one it was asked for with is
  /// recorded and not revoked. The older one stays good until it expires, so that a lost answer
  /// locks nobody out.
  ///
  /// - Returns: false, and no change, when the predecessor is not in good standing.
  func recordRenewal(_ certificate: CertificateRecord, of predecessor: CertificateSerial)
    async throws -> Bool

  /// Records an enrolment that needed no invitation, on the aggregator's own machine.
  func recordLocal(_ enrolment: Enrolment) async throws

  /// Revokes every certificate of a principal and its unused invitations, for good.
  ///
  /// - Returns: How many certificates were revoked by this call; 0 when there was none in good
  ///   standing.
  func revoke(_ principal: Principal, at now: Date) async throws -> Int

  /// Whether a certificate may no longer be used: it was revoked, or this ledger never recorded it
  /// for this principal.
  func isRevoked(_ serial: CertificateSerial, _ principal: Principal) async throws -> Bool
}
