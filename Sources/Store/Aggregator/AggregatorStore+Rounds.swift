import GRDB

/// How a round ended at the aggregator.
public enum RoundOutcome: String, Sendable, CaseIterable {
  /// It is under way, or the aggregator stopped in it.
  case open
  /// A result was published.
  case published
  /// Burned.
  case failed
}

/// A round as the aggregator keeps it.
public struct AggregatorRound: Sendable, Equatable {
  public var key: RoundKey
  public var queryDigest: [UInt8]
  /// The protocol's stage, in its own word.
  public var stage: String
  /// The protocol's own record, opaque to the store; empty once the round is over.
  public var record: [UInt8]
  public var outcome: RoundOutcome
  /// Stage and names, when it failed.
  public var reason: String?
  /// Seconds since 1970-01-01 UTC.
  public var openedAt: Double
  /// Seconds since 1970-01-01 UTC.
  public var updatedAt: Double
}

extension AggregatorStore {
  /// Opens a round: its number must be beyond every round of the study, in whatever epoch, also
  /// after a restart.
  ///
  /// - Throws: `outOfOrder`, `notFound`, `invalidValue`.
  public func openRound(
    _ key: RoundKey, queryDigest: [UInt8], stage: String = "open", record: [UInt8] = [],
    durability: Durability = .full
  ) async throws(StoreError) {
    let time = database.clock()
    try await database.write("open round", durability: durability) { connection in
      _ = try AggregatorStudy.require(key.study, in: connection)
      if let last = try Self.lastRound(of: key.study, in: connection),
        last.round >= key.round || last.epoch > key.epoch
      {
        throw StoreError(.outOfOrder, "a later round was already opened", subject: "\(key)")
      }
      try connection.execute(
        sql: "INSERT INTO round VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?, ?)",
        arguments: [
          key.study, Int64(key.epoch), try RoundNumber.stored(key.round), queryDigest.blob, stage,
          record.blob, RoundOutcome.open.rawValue, time, time,
        ])
    }
  }

  /// Replaces the record of an open round.
  ///
  /// - Throws: `notFound` when the round was never opened; `transitionRefused` when it is over.
  public func advanceRound(
    _ key: RoundKey, stage: String, record: [UInt8], durability: Durability = .full
  ) async throws(StoreError) {
    let time = database.clock()
    try await database.write("advance round", durability: durability) { connection in
      try Self.update(
        key, stage: stage, record: record, outcome: .open, reason: nil, at: time, in: connection)
    }
  }

  /// Ends a round with its result: the transcript entry and the end of the round are one step.
  ///
  /// - Parameter records: named records of the study that change with it (see `storeRecord`), such
  ///   as the attestations.
  /// - Throws: `notFound`; `transitionRefused` when the round is over; `outOfOrder` and `conflict`
  ///   of the transcript.
  public func publishRound(
    _ key: RoundKey, transcript: TranscriptEntry, records: [String: [UInt8]] = [:],
    durability: Durability = .full
  ) async throws(StoreError) {
    let time = database.clock()
    try await database.write("publish round", durability: durability) { connection in
      guard transcript.study == key.study else {
        throw StoreError(.invalidValue, "the entry is of another study", subject: "\(key)")
      }
      try Self.update(
        key, stage: "published", record: [], outcome: .published, reason: nil, at: time,
        in: connection)
      _ = try TranscriptTable.append(transcript, at: time, to: connection)
      for (name, record) in records {
        try Self.store(record, name: name, study: key.study, in: connection)
      }
    }
  }

  /// Ends a round without a result.
  ///
  /// - Parameter reason: the stage and the names of those who are to blame.
  public func failRound(_ key: RoundKey, reason: String) async throws(StoreError) {
    let time = database.clock()
    try await database.write("fail round") { connection in
      try Self.update(
        key, stage: "failed", record: [], outcome: .failed, reason: reason, at: time,
        in: connection)
    }
  }

  /// The rounds of a study in order; only those of one outcome when it is given.
  public func rounds(
    study: String, outcome: RoundOutcome? = nil
  ) async throws(StoreError) -> [AggregatorRound] {
    try await database.read("read rounds") { connection in
      try Row.fetchAll(
        connection,
        sql: """
          SELECT * FROM round WHERE study = ?1 AND (?2 IS NULL OR outcome = ?2)
          ORDER BY round
          """, arguments: [study, outcome?.rawValue]
      ).map { row in
        AggregatorRound(
          key: RoundKey(
            study: try row.text("study"), epoch: try row.epoch("epoch"),
            round: try row.round("round")),
          queryDigest: try row.bytes("query_digest"), stage: try row.text("stage"),
          record: try row.bytes("record"), outcome: try row.choice("outcome"),
          reason: try row.textIfPresent("reason"), openedAt: try row.real("opened_at"),
          updatedAt: try row.real("updated_at"))
      }
    }
  }

  /// The newest round of a study that was ever opened; nil when none was.
  public func lastKnownRound(study: String) async throws(StoreError) -> RoundKey? {
    try await database.read("read last round") { try Self.lastRound(of: study, in: $0) }
  }

  private static func lastRound(of study: String, in connection: Database) throws -> RoundKey? {
    try Row.fetchOne(
      connection,
      sql: "SELECT epoch, round FROM round WHERE study = ? ORDER BY round DESC LIMIT 1",
      arguments: [study]
    ).map {
      RoundKey(study: study, epoch: try $0.epoch("epoch"), round: try $0.round("round"))
    }
  }

  private static func update(
    _ key: RoundKey, stage: String, record: [UInt8], outcome: RoundOutcome, reason: String?,
    at time: Double, in connection: Database
  ) throws {
    try connection.execute(
      sql: """
        UPDATE round SET stage = ?, record = ?, outcome = ?, reason = ?, updated_at = ?
        WHERE study = ? AND epoch = ? AND round = ? AND outcome = 'open'
        """,
      arguments: [
        stage, record.blob, outcome.rawValue, reason, time, key.study, Int64(key.epoch),
        try RoundNumber.stored(key.round),
      ])
    guard connection.changesCount == 1 else {
      let known = try Bool.fetchOne(
        connection,
        sql: "SELECT EXISTS (SELECT 1 FROM round WHERE study = ? AND epoch = ? AND round = ?)",
        arguments: [key.study, Int64(key.epoch), try RoundNumber.stored(key.round)])
      throw StoreError(known == true ? .transitionRefused : .notFound, subject: "\(key)")
    }
  }
}
