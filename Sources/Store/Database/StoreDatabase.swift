import Foundation
import GRDB
import Synchronization

/// How much a write survives once the call has returned.
public enum Durability: Sendable {
  /// Synced to the disk: survives a crash of the process, of the machine and a power cut. What must
  /// be true before a message is sent uses this.
  case full
  /// Survives a crash of the process. A power cut may lose the last such writes, never part of one.
  case relaxed
}

/// Seconds since 1970-01-01 00:00 UTC, from whoever owns the clock.
public typealias StoreClock = @Sendable () -> Double

/// One SQLite file in WAL mode: opening, transactions, backup.
///
/// Every write is one immediate transaction on a serial connection, so a check and the write that
/// depends on it are one atomic step, also between processes. A write that was asked for runs to
/// its end: cancelling the calling task does not interrupt it.
final class StoreDatabase: Sendable {
  /// Path of the database file.
  let path: String
  let clock: StoreClock
  private let pool: DatabasePool
  /// What the writing connection is set to; nil before the first write.
  private let present = Mutex<Durability?>(nil)
  /// Taken out and put back by the one write that is running.
  private let known = Mutex(KnownRows())

  /// Opens the file, creates it (mode 0600) when it is missing, and brings its schema up to date.
  ///
  /// - Parameter busySeconds: how long to wait for another process that is writing.
  init(
    path: String, schema: StoreSchema, busySeconds: Double, clock: @escaping StoreClock
  ) throws(StoreError) {
    self.path = path
    self.clock = clock
    do {
      try Self.createPrivately(path)
      var configuration = Configuration()
      configuration.busyMode = .timeout(busySeconds)
      configuration.maximumReaderCount = 4
      configuration.label = "store"
      configuration.prepareDatabase { database in
        try database.execute(
          sql: """
            PRAGMA synchronous = FULL;
            PRAGMA secure_delete = ON;
            PRAGMA trusted_schema = OFF;
            PRAGMA cell_size_check = ON;
            PRAGMA wal_autocheckpoint = 16384;
            PRAGMA journal_size_limit = 67108864;
            """)
      }
      let pool = try DatabasePool(path: path, configuration: configuration)
      self.pool = pool
      try schema.prepare(pool)
    } catch {
      throw StoreError(translating: error, file: path, operation: "open")
    }
  }

  /// Runs `body` in one transaction: all of it is applied, or nothing.
  func write<Value: Sendable>(
    _ operation: String, durability: Durability = .full,
    _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(StoreError) -> Value {
    let pool = pool
    let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
      pool.asyncWriteWithoutTransaction { database in
        continuation.resume(
          returning: Result {
            try self.transaction(in: database, durability) { database, _ in try body(database) }
          })
      }
    }
    return try located(result, operation)
  }

  /// Does the same for what is written in every round, which keeps the rows that it knows as they are in
  /// the file.
  func writeKnowing<Value: Sendable>(
    _ operation: String, durability: Durability = .full,
    _ body: @escaping @Sendable (Database, inout KnownRows) throws -> Value
  ) async throws(StoreError) -> Value {
    let pool = pool
    let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
      pool.asyncWriteWithoutTransaction { database in
        continuation.resume(
          returning: Result { try self.knowing(in: database, durability, body) })
      }
    }
    return try located(result, operation)
  }

  /// Does the same on the calling thread, which waits for the disk: for an actor on a `StoreExecutor`,
  /// whose next step depends on the write anyway.
  func writeWaiting<Value>(
    _ operation: String, durability: Durability = .full,
    _ body: (Database, inout KnownRows) throws -> Value
  ) throws(StoreError) -> Value {
    let result: Result<Value, any Error> = Result {
      try pool.writeWithoutTransaction { try knowing(in: $0, durability, body) }
    }
    return try located(result, operation)
  }

  /// A transaction with the known rows: put back when it ended well, and forgotten otherwise.
  private func knowing<Value>(
    in database: Database, _ durability: Durability,
    _ body: (Database, inout KnownRows) throws -> Value
  ) throws -> Value {
    var known = KnownRows()
    let value = try transaction(in: database, durability) { database, kept in
      // Nobody else writes from here on.
      if let version = kept.version, version == database.contentVersion { known = kept }
      return try body(database, &known)
    }
    known.version = database.contentVersion
    self.known.withLock { $0 = known }
    return value
  }

  /// `body` is given what was known before, and nothing is known any more.
  private func transaction<Value>(
    in database: Database, _ durability: Durability,
    _ body: (Database, KnownRows) throws -> Value
  ) throws -> Value {
    let kept = known.withLock { known in
      defer { known = KnownRows() }
      return known
    }
    try prepare(database, for: durability)
    try database.cachedStatement(sql: "BEGIN IMMEDIATE TRANSACTION").execute()
    do {
      let value = try body(database, kept)
      try database.cachedStatement(sql: "COMMIT TRANSACTION").execute()
      return value
    } catch {
      // SQLite has rolled back itself after some failures. The first error is the one to tell.
      if database.isInsideTransaction {
        try? database.cachedStatement(sql: "ROLLBACK TRANSACTION").execute()
      }
      throw error
    }
  }

  /// Called on the writing connection only, one write after the other.
  private func prepare(_ database: Database, for durability: Durability) throws {
    guard present.withLock({ $0 }) != durability else { return }
    try database.execute(
      sql: durability == .full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL")
    present.withLock { $0 = durability }
  }

  /// Runs `body` on a snapshot: it sees one state of the database throughout.
  func read<Value: Sendable>(
    _ operation: String, _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(StoreError) -> Value {
    let pool = pool
    let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
      pool.asyncRead { database in
        continuation.resume(returning: Result { try body(database.get()) })
      }
    }
    return try located(result, operation)
  }

  /// Runs `body` on the writing connection outside a transaction.
  func outsideTransaction<Value: Sendable>(
    _ operation: String, _ body: @escaping @Sendable (Database) throws -> Value
  ) async throws(StoreError) -> Value {
    let pool = pool
    let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
      pool.asyncWriteWithoutTransaction { database in
        continuation.resume(returning: Result { try body(database) })
      }
    }
    return try located(result, operation)
  }

  /// Closes all connections; later calls fail with `StoreError.Code.other`.
  func close() throws(StoreError) {
    do { try pool.close() } catch {
      throw StoreError(translating: error, file: path, operation: "close")
    }
  }

  private func located<Value>(
    _ result: Result<Value, any Error>, _ operation: String
  ) throws(StoreError) -> Value {
    switch result {
    case .success(let value): return value
    case .failure(let error):
      throw StoreError(translating: error, file: path, operation: operation)
    }
  }

  /// Creates an empty file that only its owner may read; SQLite gives its side files the same mode.
  private static func createPrivately(_ path: String) throws(StoreError) {
    let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    if descriptor >= 0 {
      _ = Foundation.close(descriptor)
      return
    }
    throw StoreError(system: errno, file: path, operation: "open")
  }
}
