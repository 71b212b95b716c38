import Foundation
import GRDB

/// A hash-chained, append-only log of what was done on this machine and by whom.
///
/// Every entry holds the hash of the one before; the number of entries and the last hash are kept
/// beside the chain, and `AuditAnchor`s, signed and kept elsewhere, pin both at a moment.
///
/// What `verify` finds, and by what:
/// - an entry changed in any byte: its own hash;
/// - an entry removed from the middle, inserted, or moved: the numbering and the chain;
/// - entries cut off at the end by someone who did not also rewrite the head row: the head row;
/// - entries cut off, or the whole chain rewritten, up to the last anchor: the anchor, as long as
///   its signing key, or a copy of it in other hands, was out of the attacker's reach.
///
/// What it cannot find: entries after the last anchor that were cut off or rewritten together with
/// the head row; anything by someone who holds the signing key and every copy of the anchors; and
/// an action that was never written. Sending anchors to the aggregator closes most of the second.
public struct AuditLog: Sendable {
  let database: StoreDatabase

  /// Appends an entry and syncs it to the disk before returning.
  ///
  /// - Returns: the entry as written.
  /// - Throws: `invalidValue` when a field is too long; the machine's failures.
  @discardableResult
  public func append(_ note: AuditNote) async throws(StoreError) -> AuditEntry {
    let time = database.clock()
    return try await database.write("append audit entry") { connection in
      try Self.append(note, at: time, to: connection)
    }
  }

  /// How many entries there are, and the hash of the last (`AuditEntry.origin` when none).
  public func head() async throws(StoreError) -> (count: Int64, hash: [UInt8]) {
    let head = try await database.read("read audit head") { try Head(in: $0) }
    return (head.count, head.hash)
  }

  /// Entries in order.
  ///
  /// - Parameters:
  ///   - sequence: the first one wanted, from 1.
  ///   - limit: at most so many.
  public func entries(
    from sequence: Int64 = 1, limit: Int = Int.max
  ) async throws(StoreError) -> [AuditEntry] {
    try await database.read("read audit log") { connection in
      try Row.fetchAll(
        connection,
        sql: "SELECT * FROM audit WHERE sequence >= ? ORDER BY sequence LIMIT ?",
        arguments: [sequence, Int64(limit)]
      ).map(AuditEntry.init(row:))
    }
  }

  /// The last `limit` entries, oldest first.
  public func latestEntries(limit: Int) async throws(StoreError) -> [AuditEntry] {
    try await database.read("read audit log") { connection in
      try Row.fetchAll(
        connection, sql: "SELECT * FROM audit ORDER BY sequence DESC LIMIT ?",
        arguments: [Int64(max(limit, 0))]
      ).reversed().map(AuditEntry.init(row:))
    }
  }
}

extension AuditLog {
  static let schema = """
    CREATE TABLE audit (
      sequence INTEGER PRIMARY KEY NOT NULL,
      time REAL NOT NULL,
      actor TEXT NOT NULL,
      action TEXT NOT NULL,
      study TEXT NOT NULL,
      detail TEXT NOT NULL,
      previous_hash BLOB NOT NULL,
      hash BLOB NOT NULL
    ) STRICT;
    CREATE TABLE audit_head (
      id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
      entry_count INTEGER NOT NULL,
      hash BLOB NOT NULL
    ) STRICT;
    INSERT INTO audit_head VALUES (1, 0, zeroblob(32));
    CREATE TRIGGER audit_is_not_updated BEFORE UPDATE ON audit
      BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
      BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
    """

  /// Where the chain ends.
  struct Head: Sendable, Equatable {
    var count: Int64
    var hash: [UInt8]
  }

  /// Appends inside a transaction of the caller, so that an act and its entry are one.
  @discardableResult
  static func append(
    _ note: AuditNote, at time: Double, to connection: Database
  ) throws -> AuditEntry {
    var head: Head?
    return try append(note, at: time, to: connection, head: &head)
  }

  /// Does the same with the head where it is known, and keeps it up to date.
  @discardableResult
  static func append(
    _ note: AuditNote, at time: Double, to connection: Database, head known: inout Head?
  ) throws -> AuditEntry {
    try note.check()
    let head = try known ?? Head(in: connection)
    let entry = AuditEntry(
      following: head.hash, sequence: head.count + 1, time: time, note: note)
    try connection.run(
      "INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      [
        entry.sequence, entry.time, note.actor, note.action, note.study, note.detail,
        entry.previousHash, entry.hash,
      ])
    try connection.run(
      "UPDATE audit_head SET entry_count = ?, hash = ? WHERE id = 1",
      [entry.sequence, entry.hash])
    known = Head(count: entry.sequence, hash: entry.hash)
    return entry
  }
}

extension AuditLog.Head {
  init(in connection: Database) throws {
    guard
      let row = try connection.firstRow("SELECT entry_count, hash FROM audit_head WHERE id = 1")
    else { throw StoreError(.corrupted, "the head of the audit log is missing") }
    let count = try row.integer("entry_count")
    guard count >= 0, count < Int64.max else {
      throw StoreError(.corrupted, "the head of the audit log cannot be read")
    }
    self.init(count: count, hash: try row.bytes("hash"))
  }
}

extension AuditEntry {
  init(row: Row) throws {
    self.init(
      sequence: try row.integer("sequence"), time: try row.real("time"),
      note: AuditNote(
        actor: try row.text("actor"), action: try row.text("action"),
        study: try row.text("study"), detail: try row.text("detail")),
      previousHash: try row.bytes("previous_hash"), hash: try row.bytes("hash"))
  }
}
