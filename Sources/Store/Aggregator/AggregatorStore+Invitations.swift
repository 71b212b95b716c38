import GRDB

extension AggregatorStore {
  /// Stores a new invitation, with its audit entry.
  ///
  /// - Throws: `conflict` when the token hash is taken; `invalidValue` when it is empty or the
  ///   expiry is not a time.
  public func addInvitation(
    _ invitation: Invitation, by actor: String
  ) async throws(StoreError) {
    guard invitation.tokenHash.count >= 16, !invitation.principal.isEmpty,
      invitation.expiresAt.isFinite
    else {
      throw StoreError(
        .invalidValue, "an invitation needs a hash, a name and an expiry", file: path)
    }
    let time = database.clock()
    try await database.write("store invitation") { connection in
      try connection.execute(
        sql: """
          INSERT INTO invitation
            (token_hash, principal, role, legal_entity, created_at, expires_at)
          VALUES (?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          invitation.tokenHash.blob, invitation.principal, invitation.role,
          invitation.legalEntity, time, invitation.expiresAt,
        ])
      try AuditLog.append(
        AuditNote(
          actor: actor, action: "invited", detail: "\(invitation.role) \(invitation.principal)"),
        at: time, to: connection)
    }
  }

  /// The invitation under a token hash; nil when there is none. For showing and early refusal:
  /// only `useInvitation` decides.
  public func invitation(_ tokenHash: [UInt8]) async throws(StoreError) -> Invitation? {
    try await database.read("read invitation") { connection in
      try Row.fetchOne(
        connection, sql: "SELECT * FROM invitation WHERE token_hash = ?",
        arguments: [tokenHash.blob]
      ).map(Invitation.init(row:))
    }
  }

  /// All invitations, oldest first.
  public func invitations() async throws(StoreError) -> [Invitation] {
    try await database.read("read invitations") { connection in
      try Row.fetchAll(connection, sql: "SELECT * FROM invitation ORDER BY created_at, principal")
        .map(Invitation.init(row:))
    }
  }

  /// Uses an invitation, once, and records the certificate and the site that it lets in: all of it
  /// or nothing. Of any number of concurrent calls with different keys one is accepted. The same
  /// key may ask again until the expiry and gets the certificate of the first time, so that a lost
  /// reply does not cost the hospital a new invitation.
  ///
  /// - Parameters:
  ///   - certificate: made out to the invitation's principal and role.
  ///   - site: the site that joins; nil for other roles.
  /// - Throws: `notFound`, `invitationUsed`, `invitationExpired`, `revoked` when the certificate of
  ///   the first time was revoked, `invalidValue` when the certificate is made out to another.
  public func useInvitation(
    _ tokenHash: [UInt8], certificate: CertificateRecord, site: SiteRecord? = nil
  ) async throws(StoreError) -> InvitationOutcome {
    let time = database.clock()
    return try await database.write("use invitation") { connection in
      guard
        let row = try Row.fetchOne(
          connection, sql: "SELECT * FROM invitation WHERE token_hash = ?",
          arguments: [tokenHash.blob])
      else { throw StoreError(.notFound, "there is no such invitation") }
      let invitation = try Invitation(row: row)
      guard time < invitation.expiresAt else { throw StoreError(.invitationExpired) }
      guard certificate.principal == invitation.principal, certificate.role == invitation.role,
        site == nil || site?.name == invitation.principal
      else { throw StoreError(.invalidValue, "the invitation is for another name or role") }
      if invitation.usedAt != nil {
        return try Self.earlierUse(row, by: certificate.keyDigest, in: connection)
      }
      try certificate.insert(into: connection)
      try connection.execute(
        sql: """
          UPDATE invitation SET used_at = ?, used_by_key = ?, used_serial = ?
          WHERE token_hash = ? AND used_at IS NULL
          """,
        arguments: [time, certificate.keyDigest.blob, certificate.serial, tokenHash.blob])
      guard connection.changesCount == 1 else { throw StoreError(.invitationUsed) }
      try site?.join(at: time, in: connection)
      try AuditLog.append(
        AuditNote(
          actor: invitation.principal, action: "joined",
          detail: "\(invitation.role), certificate \(certificate.serial)"), at: time,
        to: connection)
      return .accepted
    }
  }

  private static func earlierUse(
    _ row: Row, by keyDigest: [UInt8], in connection: Database
  ) throws -> InvitationOutcome {
    guard try row.bytesIfPresent("used_by_key") == keyDigest,
      let serial = try row.textIfPresent("used_serial"),
      let issued = try CertificateRecord.fetch(serial, in: connection)
    else { throw StoreError(.invitationUsed) }
    guard try !isRevoked(serial, in: connection) else { throw StoreError(.revoked) }
    return .acceptedBefore(issued)
  }
}
