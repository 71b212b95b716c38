import GRDB

/// Everything the aggregator keeps: invitations, certificates, revocations, sites, studies with
/// their approvals, rounds, the transcript, progress, artefacts, and the audit log. One SQLite file.
///
/// The server and the command line may use the file at the same time; the server polls
/// `dataVersion` to notice, for one, `wardround aggregator revoke`.
///
/// Trusts: the file system. Refuses: a file of another role, from a newer version, or damaged.
/// Leaves to others: the CA's key, judging signatures, what a state means to the protocol.
public struct AggregatorStore: Sendable {
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

  /// The store's clock: seconds since 1970-01-01 UTC.
  public var now: Double { database.clock() }

  /// Path of the database file.
  public var path: String { database.path }

  /// A number that changes when another process, such as the command line, has written. The
  /// store's own writes do not change it. Cheap enough to ask once a second.
  public func dataVersion() async throws(StoreError) -> Int64 { try await database.dataVersion() }

  /// Copies the store to `path` while it is in use.
  public func backUp(to path: String) async throws(StoreError) {
    try await database.backUp(to: path)
  }

  /// Walks every page and index; throws `corrupted` when something is wrong.
  public func checkIntegrity() async throws(StoreError) { try await database.checkIntegrity() }

  /// Folds the write-ahead log into the database file.
  public func checkpoint() async throws(StoreError) { try await database.checkpoint() }

  /// Closes the file; later calls fail.
  public func close() throws(StoreError) { try database.close() }
}
