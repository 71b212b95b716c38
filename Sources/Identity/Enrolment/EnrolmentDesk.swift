import Foundation

/// The aggregator's side of joining: invites, turns an invitation into a certificate once, renews,
/// revokes. Time comes in as an argument; what is kept is in the ledger.
public struct EnrolmentDesk<Ledger: EnrolmentLedger>: Sendable {
  /// Signs the certificates.
  public let authority: CertificateAuthority
  /// Remembers invitations, members and certificates.
  public let ledger: Ledger

  /// A desk over one authority and its record.
  public init(authority: CertificateAuthority, ledger: Ledger) {
    self.authority = authority
    self.ledger = ledger
  }

  /// Makes an invitation and records the hash of its secret.
  ///
  /// - Parameters:
  ///   - validFor: From 1 second to ten years; days are usual.
  /// - Throws: `role-not-invitable`, `lifetime-out-of-range`, `invitation-malformed`,
  ///   `ledger-unavailable`.
  public func invite(
    _ name: MemberName, as role: Role, host: ServerHost, enrolmentPort: UInt16,
    servicePort: UInt16, validFor: Duration, at now: Date
  ) async throws(IdentityError) -> Invitation {
    guard validFor >= .seconds(1), validFor <= CertificateAuthority.authorityLifetime else {
      throw IdentityError(.lifetimeOutOfRange)
    }
    let invitation = try Invitation(
      principal: Principal(network: authority.network, role: role, name: name), host: host,
      enrolmentPort: enrolmentPort, servicePort: servicePort, pin: authority.certificate.pin,
      expiry: now.addingTimeInterval(CertificateAuthority.seconds(validFor)))
    let record = invitation.record
    let isNew = try await asking { try await ledger.insertIfAbsent(record) }
    guard isNew else { throw IdentityError(.ledgerUnavailable, at: invitation.principal.uri) }
    return invitation
  }

  /// Redeems an invitation. The same request sent again, because its answer was lost, gets the same
  /// certificate; any other second request is refused.
  ///
  /// An unknown id and a wrong secret give the same error, so that ids cannot be probed.
  ///
  /// - Throws: `invitation-unknown`, `invitation-expired`, `invitation-used`, `revoked` (since it was
  ///   used), `statement-signature`, and what ``CertificateAuthority/issue(requestDER:to:hosts:at:)`` throws;
  ///   `ledger-unavailable`.
  public func enrol(
    _ request: EnrolmentRequest, at now: Date
  ) async throws(IdentityError) -> IssuedCertificate {
    let id = request.invitationID
    guard let record = try await asking({ try await ledger.invitation(id) }),
      Self.areEqual(record.secretHash, request.secret.hash)
    else { throw IdentityError(.invitationUnknown) }
    let principal = record.principal
    guard now <= record.expiry else { throw IdentityError(.invitationExpired, at: principal.uri) }
    try request.checkStatement()
    let issued = try authority.issue(requestDER: request.requestDER, to: principal, at: now)
    let keysDigest = try CertificateRequest(der: request.requestDER)
      .keysDigest(signingPublicKey: request.signingPublicKey)
    let enrolment = Enrolment(
      principal: principal, signingPublicKey: request.signingPublicKey,
      keysDigest: keysDigest, certificate: issued.record)
    switch try await asking({ try await ledger.consume(id, for: enrolment, at: now) }) {
    case .enrolled: return issued
    case .unknown: throw IdentityError(.invitationUnknown)
    case .alreadyUsed(let earlier):
      guard earlier.keysDigest == keysDigest else {
        throw IdentityError(.invitationUsed, at: principal.uri)
      }
      let serial = earlier.certificate.serial
      guard try await !asking({ try await ledger.isRevoked(serial, principal) }) else {
        throw IdentityError(.revoked, at: principal.uri)
      }
      return try IssuedCertificate(record: earlier.certificate, authority: authority.certificate)
    }
  }

  /// Renews the certificate of a member who has just been authenticated by it. A new key is allowed
  /// and usual; the name stays.
  ///
  /// - Throws: `revoked`, `request-name` and the other request errors, `authority-expired`,
  ///   `ledger-unavailable`.
  public func renew(
    requestDER: [UInt8], for peer: VerifiedPeer, at now: Date
  ) async throws(IdentityError) -> IssuedCertificate {
    guard now <= peer.notValidAfter else { throw IdentityError(.expired, at: peer.principal.uri) }
    let issued = try authority.issue(requestDER: requestDER, to: peer.principal, at: now)
    let record = issued.record
    let recorded = try await asking {
      try await ledger.recordRenewal(record, of: peer.serial)
    }
    guard recorded else { throw IdentityError(.revoked, at: peer.principal.uri) }
    return issued
  }

  /// Revokes a member: certificates, and invitations that are not used yet.
  ///
  /// The next check of every connection refuses it; the caller closes those that are open.
  ///
  /// - Returns: How many certificates were revoked.
  public func revoke(
    _ name: MemberName, role: Role, at now: Date
  ) async throws(IdentityError) -> Int {
    let principal = Principal(network: authority.network, role: role, name: name)
    return try await asking { try await ledger.revoke(principal, at: now) }
  }

  /// The verifier for the aggregator's side of every connection, with this ledger's revocations.
  public func verifier(
    accepting roles: Set<Role>, clock: @escaping @Sendable () -> Date
  ) -> PeerVerifier {
    let ledger = ledger
    return PeerVerifier(authority: authority.certificate, accepting: roles, clock: clock) {
      serial, principal in
      try await ledger.isRevoked(serial, principal)
    }
  }

  /// Translates whatever a ledger throws, once, here.
  func asking<Answer: Sendable>(
    _ question: @Sendable () async throws -> Answer
  ) async throws(IdentityError) -> Answer {
    do {
      return try await question()
    } catch {
      throw IdentityError(.ledgerUnavailable, cause: String(describing: type(of: error)))
    }
  }

  /// Takes the same time wherever the two differ.
  private static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }
}
