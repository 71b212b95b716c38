import CanonicalBytes
import Foundation

/// What the operator hands to a new member, as one line of text: who they will be, where to call,
/// which authority to trust, and the secret that lets them in once.
public struct Invitation: Sendable, CustomStringConvertible {
  /// Who the invited will be.
  public let principal: Principal
  /// Where the aggregator is reached.
  public let host: ServerHost
  /// Where the aggregator takes enrolments: TLS without a client certificate.
  public let enrolmentPort: UInt16
  /// Where members connect afterwards: mutual TLS.
  public let servicePort: UInt16
  /// The network's authority, to trust nobody else.
  public let pin: AuthorityPin
  /// Whole seconds since 1970, UTC.
  public let expiry: Date
  /// Lets its holder in once.
  public let secret: InvitationSecret

  /// - Throws: `role-not-invitable`; `invitation-malformed` when the expiry is not between 1970 and
  ///   9999 or a port is 0.
  public init(
    principal: Principal, host: ServerHost, enrolmentPort: UInt16, servicePort: UInt16,
    pin: AuthorityPin, expiry: Date, secret: InvitationSecret = InvitationSecret()
  ) throws(IdentityError) {
    guard principal.role.isInvitable else {
      throw IdentityError(.roleNotInvitable, at: principal.uri)
    }
    guard let seconds = InvitationRecord.seconds(expiry), enrolmentPort > 0, servicePort > 0 else {
      throw IdentityError(.invitationMalformed)
    }
    self.principal = principal
    self.host = host
    self.enrolmentPort = enrolmentPort
    self.servicePort = servicePort
    self.pin = pin
    self.expiry = Date(timeIntervalSince1970: TimeInterval(seconds))
    self.secret = secret
  }

  /// The public name of the invitation.
  public var id: InvitationID { secret.invitationID }

  /// What the aggregator keeps of it.
  public var record: InvitationRecord {
    InvitationRecord(id: id, secretHash: secret.hash, principal: principal, expiry: expiry)
  }

  /// - Throws: `invitation-expired`. The aggregator decides; a site asks first to spare the call.
  public func checkExpiry(at now: Date) throws(IdentityError) {
    guard now <= expiry else { throw IdentityError(.invitationExpired, at: principal.uri) }
  }

  /// Everything but the secret.
  public var description: String {
    "invitation \(id) for \(principal) at \(host), enrolment port \(enrolmentPort), "
      + "service port \(servicePort), pin \(pin)"
  }
}

/// An invitation as the aggregator stores it: enough to recognise the secret, not to write it.
public struct InvitationRecord: Sendable, Hashable, Codable {
  /// The key of the record.
  public let id: InvitationID
  /// SHA-256, 32 bytes.
  public let secretHash: [UInt8]
  /// Who the invited will be.
  public let principal: Principal
  /// The last moment at which it can be redeemed; whole seconds, UTC.
  public let expiry: Date

  /// A record of these values; nothing is checked.
  public init(id: InvitationID, secretHash: [UInt8], principal: Principal, expiry: Date) {
    self.id = id
    self.secretHash = secretHash
    self.principal = principal
    self.expiry = expiry
  }

  /// Seconds since 1970 of a date in 1970...9999; nil outside.
  static func seconds(_ date: Date) -> Int64? {
    let seconds = date.timeIntervalSince1970.rounded(.down)
    guard (0..<253_402_300_800).contains(seconds) else { return nil }
    return Int64(seconds)
  }
}
