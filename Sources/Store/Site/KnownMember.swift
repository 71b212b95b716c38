import GRDB

/// A member of a study's roster as this site first met it.
public struct KnownMember: Sendable, Equatable {
  public var name: String
  public var legalEntity: String
  /// Its protocol key, 32 bytes.
  public var key: [UInt8]

  public init(name: String, legalEntity: String, key: [UInt8]) {
    self.name = name
    self.legalEntity = legalEntity
    self.key = key
  }

  static let schema = """
    CREATE TABLE known_member (
      name TEXT PRIMARY KEY NOT NULL,
      legal_entity TEXT NOT NULL,
      key BLOB NOT NULL,
      first_study TEXT NOT NULL,
      first_seen_at REAL NOT NULL
    ) STRICT;
    """
}

extension SiteStore {
  /// Takes note of the members of a roster, in one step: one that is new gets its line in the audit log.
  ///
  /// - Returns: the name of the first one that comes with another key or legal entity than before; then
  ///   nothing is written. Nil when all are as they were, or new.
  public func meet(_ members: [KnownMember], study: String) async throws(StoreError) -> String? {
    let time = database.clock()
    return try await database.write("meet members") { connection in
      var new: [KnownMember] = []
      for member in members {
        guard
          let row = try Row.fetchOne(
            connection, sql: "SELECT * FROM known_member WHERE name = ?", arguments: [member.name])
        else {
          new.append(member)
          continue
        }
        guard try KnownMember(row: row) == member else { return member.name }
      }
      for member in new {
        try connection.execute(
          sql: "INSERT INTO known_member VALUES (?, ?, ?, ?, ?)",
          arguments: [member.name, member.legalEntity, member.key.blob, study, time])
        try AuditLog.append(
          AuditNote(
            actor: "agent", action: "member-first-seen", study: study,
            detail: "\(member.name), \(member.legalEntity)"), at: time, to: connection)
      }
      return nil
    }
  }

  /// All members that this site has met, by name.
  public func knownMembers() async throws(StoreError) -> [KnownMember] {
    try await database.read("read members") { connection in
      try Row.fetchAll(connection, sql: "SELECT * FROM known_member ORDER BY name").map {
        try KnownMember(row: $0)
      }
    }
  }

  /// Forgets a member, so that it may come with another key, such as one that joined anew.
  ///
  /// - Throws: `notFound`.
  public func forgetMember(_ name: String, by actor: String) async throws(StoreError) {
    let time = database.clock()
    try await database.write("forget member") { connection in
      try connection.execute(sql: "DELETE FROM known_member WHERE name = ?", arguments: [name])
      guard connection.changesCount == 1 else { throw StoreError(.notFound, subject: name) }
      try AuditLog.append(
        AuditNote(actor: actor, action: "member-forgotten", detail: name), at: time,
        to: connection)
    }
  }
}

extension KnownMember {
  init(row: Row) throws {
    self.init(
      name: try row.text("name"), legalEntity: try row.text("legal_entity"),
      key: try row.bytes("key"))
  }
}
