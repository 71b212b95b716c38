import GRDB

/// The journal's statements, inside a transaction of the caller.
extension SiteStore {
  /// Throws `outOfOrder` unless the key is beyond every round of its study.
  static func requireNewest(_ key: RoundKey, in connection: Database) throws {
    guard key.epoch >= 0, key.round >= 0 else {
      throw StoreError(.invalidValue, subject: "\(key)")
    }
    guard let last = try lastRound(of: key.study, in: connection) else { return }
    guard last < key else {
      throw StoreError(
        .outOfOrder, "a later round was already opened or burned", subject: "\(key)")
    }
  }

  static func burnOpenRounds(
    of study: String, reason: String, at time: Double, in connection: Database
  ) throws {
    let rows = try Row.fetchAll(
      connection, sql: "SELECT epoch, round FROM journal WHERE study = ? AND state < ?",
      arguments: [study, RoundState.done.rawValue])
    for row in rows {
      let key = RoundKey(
        study: study, epoch: try row.integer("epoch"), round: try row.integer("round"))
      try end(
        key, state: .aborted, resultDigest: nil, reason: reason, at: time, in: connection)
    }
  }

  static func insert(
    _ key: RoundKey, state: RoundState, queryDigest: [UInt8], record: [UInt8], reason: String?,
    at time: Double, in connection: Database
  ) throws {
    try connection.execute(
      sql: """
        INSERT INTO journal
          (study, epoch, round, state, query_digest, record, reason, opened_at, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        key.study, key.epoch, key.round, state.rawValue, queryDigest.blob, record.blob, reason,
        time, time,
      ])
  }

  /// Moves a round to a final state and erases what only an open round needs.
  static func end(
    _ key: RoundKey, state: RoundState, resultDigest: [UInt8]?, reason: String?, at time: Double,
    in connection: Database
  ) throws {
    try connection.execute(
      sql: """
        UPDATE journal SET state = ?, record = x'', result_digest = ?, reason = ?, updated_at = ?
        WHERE study = ? AND epoch = ? AND round = ?
        """,
      arguments: [
        state.rawValue, resultDigest?.blob, reason, time, key.study, key.epoch, key.round,
      ])
    try eraseOutgoing(of: key, in: connection)
  }

  /// Erases the stored messages. Small ones are overwritten with zeros. Large ones are masked
  /// vectors, which the aggregator has anyway and which stay masked: their pages are only freed,
  /// since overwriting them would write the vector's size once more in every round.
  private static func eraseOutgoing(of key: RoundKey, in connection: Database) throws {
    let rows = "FROM journal_outgoing WHERE study = ? AND epoch = ? AND round = ?"
    let arguments: StatementArguments = [key.study, key.epoch, key.round]
    try connection.execute(sql: "DELETE \(rows) AND length(bytes) < 65536", arguments: arguments)
    let isLeft = try Bool.fetchOne(
      connection, sql: "SELECT EXISTS (SELECT 1 \(rows))", arguments: arguments)
    guard isLeft == true else { return }
    try connection.execute(sql: "PRAGMA secure_delete = FAST")
    let result = Result { try connection.execute(sql: "DELETE \(rows)", arguments: arguments) }
    try connection.execute(sql: "PRAGMA secure_delete = ON")
    try result.get()
  }

  static func store(
    _ outgoing: [UInt8]?, of key: RoundKey, state: RoundState, in connection: Database
  ) throws {
    guard let outgoing else { return }
    try connection.execute(
      sql: "INSERT INTO journal_outgoing VALUES (?, ?, ?, ?, ?)",
      arguments: [key.study, key.epoch, key.round, state.rawValue, outgoing.blob])
  }

  static func store(
    _ secret: [UInt8]?, study: String, epoch: Int64, in connection: Database
  ) throws {
    guard let secret else { return }
    let stored = try Int64.fetchOne(
      connection, sql: "SELECT epoch FROM epoch_secret WHERE study = ?", arguments: [study])
    if let stored, stored > epoch {
      throw StoreError(.outOfOrder, "a later epoch is stored", subject: "study \(study)")
    }
    try connection.execute(
      sql: """
        INSERT INTO epoch_secret VALUES (?, ?, ?)
        ON CONFLICT (study) DO UPDATE SET epoch = excluded.epoch, record = excluded.record
        """, arguments: [study, epoch, secret.blob])
  }

  /// Checks the set-change rule against every earlier opened answer and records this one.
  static func apply(
    _ release: QueryRelease, to key: RoundKey, released: Bool, at time: Double,
    in connection: Database
  ) throws {
    let earlier = try AnsweredQuery.fetchAll(
      study: key.study, queryDigest: release.queryDigest, in: connection)
    for answer in earlier where answer.key != key && !release.isAllowed(after: answer) {
      throw StoreError(.queryAnswered, subject: "\(key), answered in round \(answer.key.round)")
    }
    if let mine = earlier.first(where: { $0.key == key }),
      Set(mine.participants) != Set(release.participants)
    {
      throw StoreError(
        .conflict, "the round was acknowledged for another set of sites", subject: "\(key)")
    }
    try connection.execute(
      sql: """
        INSERT INTO answered_query VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (study, query_digest, epoch, round)
        DO UPDATE SET released = max(released, excluded.released)
        """,
      arguments: [
        key.study, release.queryDigest.blob, key.epoch, key.round,
        try release.participants.namesText(), released ? 1 : 0, time,
      ])
  }
}
