import Foundation
import Identity
import Store
import Transport

extension Membership {
  /// Somebody with an invitation joins. The same request again gets the same certificate; anybody
  /// else's is refused. A member that joins again under its name ends its older certificates.
  ///
  /// - Throws: `IdentityError`: `invitation-unknown`, `invitation-expired`, `invitation-used`,
  ///   `revoked`, faults of the request, `ledger-unavailable`.
  public func join(_ request: EnrolmentRequest) async throws -> EnrolmentAnswer {
    let issued = try await desks.members.enrol(request, at: clock())
    changes.increment()
    var legalEntity = ""
    if issued.principal.role == .site {
      legalEntity = try await store.site(issued.principal.name.text)?.legalEntity ?? ""
    }
    let information = NetworkInformation(
      network: network, aggregator: aggregator.name, protocolKey: protocolKey,
      legalEntity: legalEntity)
    return EnrolmentAnswer(chainDER: issued.chainDER, network: information.encoded())
  }

  /// A member renews its certificate with the present one.
  ///
  /// - Returns: the new certificate and the authority's in DER, leaf first.
  /// - Throws: `IdentityError`.
  public func renew(_ peer: VerifiedPeer, requestDER: [UInt8]) async throws -> [[UInt8]] {
    try await desks.members.renew(requestDER: requestDER, for: peer, at: clock()).chainDER
  }

  /// Makes a one-time invitation.
  ///
  /// - Parameters:
  ///   - validFor: 1 second to 10 years.
  ///   - legalEntity: the institution behind a site, as rosters will state it; at most 256 bytes,
  ///     empty for the site's name.
  ///   - actor: who invites, for the audit log; nil for the operator on this machine.
  /// - Throws: `IdentityError` for a name, role or time that cannot be, `MembershipError.invalidValue`.
  public func invite(
    _ name: String, as role: Role, validFor: Duration = invitationValidity,
    legalEntity: String = "", by actor: Principal? = nil
  ) async throws -> Identity.Invitation {
    guard legalEntity.utf8.count <= 256,
      legalEntity.unicodeScalars.allSatisfy({ !$0.properties.isControl })
    else {
      throw MembershipError(
        .invalidValue, subject: "legal entity", detail: "at most 256 bytes on one line")
    }
    return try await desk(actingAs: actor, legalEntity: legalEntity).invite(
      MemberName(name), as: role, host: configuration.host,
      enrolmentPort: configuration.enrolmentPort, servicePort: configuration.servicePort,
      validFor: validFor, at: clock())
  }

  /// Ends a member's certificates and its unused invitations. Its next call is refused; the server
  /// that has its connections cuts them.
  ///
  /// - Returns: who was revoked, and how many certificates that took back; 0 when there were only
  ///   invitations, or when it was revoked before.
  /// - Throws: `TransportError.notFound` when nobody of that name and role was ever invited;
  ///   `IdentityError` for a name that cannot be, or for the aggregator itself.
  @discardableResult
  public func revoke(
    _ name: String, role: Role, by actor: Principal? = nil
  ) async throws -> (principal: Principal, certificateCount: Int) {
    guard role.isInvitable else { throw IdentityError(.wrongRole, at: role.rawValue) }
    let member = try MemberName(name)
    let principal = Principal(network: network, role: role, name: member)
    let stored = StoreLedger.storedName(of: principal)
    let certificates = try await store.certificates(principal: stored)
    let invitations = try await store.invitations().filter { $0.principal == stored }
    guard !certificates.isEmpty || !invitations.isEmpty else {
      throw TransportError(.notFound, subject: "\(role.rawValue) \(name)")
    }
    let count = try await desk(actingAs: actor).revoke(member, role: role, at: clock())
    changes.increment()
    return (principal, count)
  }

  /// The members' desk with somebody's name, and what an invitation says, in its records.
  private func desk(
    actingAs actor: Principal?, legalEntity: String = ""
  ) -> EnrolmentDesk<StoreLedger> {
    var ledger = desks.members.ledger
    if let actor { ledger.actor = actor.uri }
    ledger.legalEntity = legalEntity
    return EnrolmentDesk(authority: desks.members.authority, ledger: ledger)
  }
}

extension Unicode.Scalar.Properties {
  /// Whether it moves a cursor instead of showing something.
  fileprivate var isControl: Bool { generalCategory == .control }
}
