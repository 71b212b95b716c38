import GRDB

/// Everything a site agent keeps: studies and decisions, the secure-sum journal, answered queries,
/// the transcript, what left the hospital, settings, and the audit log. One SQLite file; the masked vector of
/// a round that is on its way is in a file of the folder `<file>-vectors`.
///
/// The agent and the command line may use the file at the same time. Each call is one transaction;
/// a call that changes what an auditor cares about writes its audit entry in the same one.
///
/// Trusts: the file system, and that SQLite's sync reaches the disk. Refuses: a file of another
/// role, from a newer version, or damaged. Leaves to others: encrypting secrets inside journal
/// records, judging a study, checking signatures.
public struct SiteStore: Sendable {
  let database: StoreDatabase
  /// The hash-chained log of what was done here.
  public let audit: AuditLog

  /// Opens the file at `path`, or creates it, readable by its owner only. The folder must exist.
  ///
  /// - Parameters:
  ///   - busySeconds: how long a write waits for another process before it fails with `locked`.
  ///   - clock: seconds since 1970-01-01 UTC.
  /// - Throws: `cannotOpen`, `readOnly`, `notAStore`, `newerVersion`, `corrupted`, `diskFull`.
  public init(
    path: String, busySeconds: Double = 5, clock: @escaping StoreClock
  ) throws(StoreError) {
    database = try StoreDatabase(
      path: path, schema: Self.schema, busySeconds: busySeconds, clock: clock)
    audit = AuditLog(database: database)
  }

  /// Path of the database file.
  public var path: String { database.path }

  /// A number that changes when another process, such as `wardround site approve`, has written.
  /// The store's own writes do not change it.
  public func dataVersion() async throws(StoreError) -> Int64 { try await database.dataVersion() }

  /// Copies the store to `path` while it is in use. A site that goes on from an old copy takes part
  /// again in a new epoch, once it has caught up with the results that the others signed
  /// (PRIVACY-CORE §2.5).
  public func backUp(to path: String) async throws(StoreError) {
    try await database.backUp(to: path)
  }

  /// Walks every page and index; throws `corrupted` when something is wrong.
  public func checkIntegrity() async throws(StoreError) { try await database.checkIntegrity() }

  /// Makes sure that erased secrets are in neither the database file nor its write-ahead log.
  /// Call it after a round and on shutdown. Blocks that the file system or a flash drive keeps
  /// elsewhere are beyond its reach.
  public func scrub() async throws(StoreError) { try await database.checkpoint() }

  /// Closes the file; later calls fail.
  public func close() throws(StoreError) { try database.close() }
}

extension SiteStore {
  /// The value of a setting; nil when it was never set.
  public func setting(_ name: String) async throws(StoreError) -> String? {
    try await database.read("read setting") { connection in
      try Row.fetchOne(
        connection, sql: "SELECT value FROM setting WHERE name = ?", arguments: [name]
      )?.text("value")
    }
  }

  /// Sets a setting, or removes it when `value` is nil.
  public func set(_ name: String, to value: String?) async throws(StoreError) {
    try await database.write("write setting") { connection in
      if let value {
        try connection.execute(
          sql: """
            INSERT INTO setting VALUES (?, ?)
            ON CONFLICT (name) DO UPDATE SET value = excluded.value
            """, arguments: [name, value])
      } else {
        try connection.execute(sql: "DELETE FROM setting WHERE name = ?", arguments: [name])
      }
    }
  }
}
