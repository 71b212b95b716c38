import GRDB

extension AggregatorStore {
  /// Records a certificate that renews another of the same principal and role.
  ///
  /// - Throws: `notFound` without the old one; `revoked` when that was revoked, also if the
  ///   revocation came while the renewal was under way; `invalidValue` for another name or role;
  ///   `conflict` when the serial is taken.
  public func recordRenewal(
    _ certificate: CertificateRecord, of serial: String
  ) async throws(StoreError) {
    let time = database.clock()
    try await database.write("record renewal") { connection in
      guard let old = try CertificateRecord.fetch(serial, in: connection) else {
        throw StoreError(.notFound, "there is no certificate of that serial number")
      }
      guard try !Self.isRevoked(serial, in: connection) else { throw StoreError(.revoked) }
      guard old.principal == certificate.principal, old.role == certificate.role else {
        throw StoreError(.invalidValue, "a renewal keeps the name and the role")
      }
      try certificate.insert(into: connection)
      try AuditLog.append(
        AuditNote(
          actor: certificate.principal, action: "certificate-renewed",
          detail: "\(serial) by \(certificate.serial)"), at: time, to: connection)
    }
  }

  /// Records a certificate that no invitation stands behind, such as the server's own.
  public func recordCertificate(
    _ certificate: CertificateRecord, by actor: String
  ) async throws(StoreError) {
    let time = database.clock()
    try await database.write("record certificate") { connection in
      try certificate.insert(into: connection)
      try AuditLog.append(
        AuditNote(
          actor: actor, action: "certificate-issued",
          detail: "\(certificate.role) \(certificate.principal), \(certificate.serial)"),
        at: time, to: connection)
    }
  }

  /// The certificate of a serial number; nil when the network never issued it.
  public func certificate(serial: String) async throws(StoreError) -> CertificateRecord? {
    try await database.read("read certificate") {
      try CertificateRecord.fetch(serial, in: $0)
    }
  }

  /// All certificates of a principal, newest first; of everybody when nil.
  public func certificates(
    principal: String? = nil
  ) async throws(StoreError) -> [CertificateRecord] {
    try await database.read("read certificates") { connection in
      try Row.fetchAll(
        connection,
        sql: """
          SELECT * FROM certificate WHERE ?1 IS NULL OR principal = ?1
          ORDER BY issued_at DESC, serial
          """, arguments: [principal]
      ).map(CertificateRecord.init(row:))
    }
  }

  /// Revokes every certificate of a principal and voids its unused invitations, in one step.
  ///
  /// - Returns: the serial numbers revoked by this call.
  /// - Throws: `notFound` when the principal has neither certificate nor open invitation.
  @discardableResult
  public func revoke(
    principal: String, by actor: String, reason: String
  ) async throws(StoreError) -> [String] {
    let time = database.clock()
    return try await database.write("revoke") { connection in
      let serials = try String.fetchAll(
        connection, sql: "SELECT serial FROM certificate WHERE principal = ? ORDER BY serial",
        arguments: [principal])
      var revoked: [String] = []
      for serial in serials where try !Self.isRevoked(serial, in: connection) {
        try connection.execute(
          sql: "INSERT INTO revocation VALUES (?, ?, ?, ?)",
          arguments: [serial, time, actor, reason])
        revoked.append(serial)
      }
      try connection.execute(
        sql: """
          UPDATE invitation SET expires_at = min(expires_at, ?)
          WHERE principal = ? AND expires_at > ?
          """, arguments: [time, principal, time])
      guard !serials.isEmpty || connection.changesCount > 0 else {
        throw StoreError(.notFound, subject: principal)
      }
      try connection.execute(
        sql: "UPDATE site SET revoked_at = coalesce(revoked_at, ?) WHERE name = ?",
        arguments: [time, principal])
      try AuditLog.append(
        AuditNote(
          actor: actor, action: "revoked",
          detail: "\(principal), \(revoked.count) certificates: \(reason)"), at: time,
        to: connection)
      return revoked
    }
  }

  /// Whether a certificate was revoked. One that the network never issued is not.
  public func isRevoked(serial: String) async throws(StoreError) -> Bool {
    try await database.read("read revocation") { try Self.isRevoked(serial, in: $0) }
  }

  /// All revocations, newest first.
  public func revocations() async throws(StoreError) -> [Revocation] {
    try await database.read("read revocations") { connection in
      try Row.fetchAll(
        connection,
        sql: """
          SELECT revocation.*, certificate.principal FROM revocation
          JOIN certificate USING (serial) ORDER BY revoked_at DESC, serial
          """
      ).map {
        Revocation(
          serial: try $0.text("serial"), principal: try $0.text("principal"),
          revokedAt: try $0.real("revoked_at"), revokedBy: try $0.text("revoked_by"),
          reason: try $0.text("reason"))
      }
    }
  }

  /// The serial numbers of all revoked certificates, for the check at every handshake and call.
  public func revokedSerials() async throws(StoreError) -> Set<String> {
    try await database.read("read revocations") { connection in
      try Set(String.fetchAll(connection, sql: "SELECT serial FROM revocation"))
    }
  }

  static func isRevoked(_ serial: String, in connection: Database) throws -> Bool {
    try Bool.fetchOne(
      connection, sql: "SELECT EXISTS (SELECT 1 FROM revocation WHERE serial = ?)",
      arguments: [serial]) ?? false
  }
}
