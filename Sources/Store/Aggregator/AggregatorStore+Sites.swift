import GRDB

extension AggregatorStore {
  /// All sites by name, revoked ones too.
  public func sites() async throws(StoreError) -> [SiteRecord] {
    try await database.read("read sites") { connection in
      try Row.fetchAll(connection, sql: "SELECT * FROM site ORDER BY name")
        .map(SiteRecord.init(row:))
    }
  }

  /// The site of that name; nil when it never joined.
  public func site(_ name: String) async throws(StoreError) -> SiteRecord? {
    try await database.read("read site") { connection in
      try Row.fetchOne(connection, sql: "SELECT * FROM site WHERE name = ?", arguments: [name])
        .map(SiteRecord.init(row:))
    }
  }

  /// Notes that a message of the site arrived now. Not synced: a power cut may lose it.
  public func markSeen(_ name: String) async throws(StoreError) {
    let time = database.clock()
    try await database.write("mark site as seen", durability: .relaxed) { connection in
      try connection.execute(
        sql: "UPDATE site SET last_seen_at = ? WHERE name = ?", arguments: [time, name])
      guard connection.changesCount == 1 else {
        throw StoreError(.notFound, subject: "site \(name)")
      }
    }
  }
}
