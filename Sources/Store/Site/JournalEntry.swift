import GRDB

/// The states of a round at a site, in their order (PRIVACY-CORE §2.5). A journal only moves to a
/// later state; the fast mode leaves some out.
public enum RoundState: Int64, Sendable, Comparable, CaseIterable {
  case opened = 1
  case shared = 2
  case locked = 3
  /// The masked vector is stored; from here on the round is only resumed by resending.
  case committed = 4
  case acked = 5
  case released = 6
  /// Over, with a result.
  case done = 7
  /// Burned: never reopened.
  case aborted = 8

  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

  /// Whether the round is over.
  public var isFinal: Bool { self >= .done }
}

/// What the journal holds about one round.
public struct JournalEntry: Sendable, Equatable {
  public var key: RoundKey
  public var state: RoundState
  /// Digest of the query that the round sums.
  public var queryDigest: [UInt8]
  /// The protocol's own record, opaque to the store; empty once the round is over.
  public var record: [UInt8]
  /// Every message already journalled, by the state that authorised it, to be sent again byte for
  /// byte; empty once the round is over.
  public var outgoing: [RoundState: [UInt8]]
  /// R_r, the digest of the result, once the round is done.
  public var resultDigest: [UInt8]?
  /// Why the round was burned, in constant text.
  public var reason: String?
  /// Seconds since 1970-01-01 UTC.
  public var openedAt: Double
  /// Seconds since 1970-01-01 UTC.
  public var updatedAt: Double
}

/// What a journal write found.
public enum JournalOutcome: Sendable, Equatable {
  /// The step is in the journal and on the disk: its message may be sent.
  case written
  /// This step, or a later one, was there before. Send only what the entry holds, or nothing.
  case alreadyThere(JournalEntry)

  /// Whether the write was new.
  public var isNew: Bool { self == .written }
}

/// The newest round a site has taken part in.
public struct LastRound: Sendable, Equatable {
  /// The newest round that was opened or burned; nothing at or below it is ever opened again.
  public var key: RoundKey
  public var state: RoundState
  /// The newest round that ended with a result.
  public var lastDone: RoundKey?
  /// Digest of that result, R.
  public var lastResultDigest: [UInt8]?
}

/// What to do after a restart.
public struct JournalRecovery: Sendable, Equatable {
  /// Rounds in which nothing had been committed; they are burned now.
  public var burned: [RoundKey]
  /// Rounds that go on by sending the stored bytes again.
  public var resumable: [JournalEntry]
}

extension JournalEntry {
  static func fetch(_ key: RoundKey, in connection: Database) throws -> JournalEntry? {
    try Row.fetchOne(
      connection,
      sql: "SELECT * FROM journal WHERE study = ? AND epoch = ? AND round = ?",
      arguments: [key.study, key.epoch, key.round]
    ).map { try JournalEntry(row: $0, in: connection) }
  }

  /// The entry, or `notFound`.
  static func require(_ key: RoundKey, in connection: Database) throws -> JournalEntry {
    guard let entry = try fetch(key, in: connection) else {
      throw StoreError(.notFound, subject: "\(key)")
    }
    return entry
  }

  /// The state alone, without reading the stored messages; or `notFound`.
  static func requireState(_ key: RoundKey, in connection: Database) throws -> RoundState {
    guard
      let row = try Row.fetchOne(
        connection,
        sql: "SELECT state FROM journal WHERE study = ? AND epoch = ? AND round = ?",
        arguments: [key.study, key.epoch, key.round])
    else { throw StoreError(.notFound, subject: "\(key)") }
    return try row.state("state")
  }

  init(row: Row, in connection: Database) throws {
    let key = RoundKey(
      study: try row.text("study"), epoch: try row.integer("epoch"),
      round: try row.integer("round"))
    var outgoing: [RoundState: [UInt8]] = [:]
    let messages = try Row.fetchAll(
      connection,
      sql: """
        SELECT state, bytes FROM journal_outgoing
        WHERE study = ? AND epoch = ? AND round = ?
        """, arguments: [key.study, key.epoch, key.round])
    for message in messages {
      outgoing[try message.state("state")] = try message.bytes("bytes")
    }
    self.init(
      key: key, state: try row.state("state"), queryDigest: try row.bytes("query_digest"),
      record: try row.bytes("record"), outgoing: outgoing,
      resultDigest: try row.bytesIfPresent("result_digest"),
      reason: try row.textIfPresent("reason"), openedAt: try row.real("opened_at"),
      updatedAt: try row.real("updated_at"))
  }
}

extension Row {
  func state(_ column: String) throws -> RoundState {
    guard let state = RoundState(rawValue: try integer(column)) else {
      throw StoreError(.corrupted, "a round is in a state that this program does not know")
    }
    return state
  }
}
