import GRDB

extension SiteStore {
  /// To be called once after a start, before any message is read: burns every round in which
  /// nothing had been committed and returns the others, which go on only by resending. After a
  /// power cut it burns all that may be incomplete (see `RoundReservation`).
  public func recoverJournal() async throws(StoreError) -> JournalRecovery {
    try await recoverJournal(boot: RoundReservation.currentBoot)
  }

  func recoverJournal(boot: String) async throws(StoreError) -> JournalRecovery {
    let time = database.clock()
    return try await database.write("recover journal") { connection in
      var recovery = JournalRecovery(burned: [], resumable: [])
      for reservation in try RoundReservation.fetchAll(in: connection)
      where reservation.boot != boot {
        recovery.burned += try Self.settle(reservation, at: time, in: connection)
      }
      let rows = try Row.fetchAll(
        connection,
        sql: "SELECT * FROM journal WHERE state < ? ORDER BY study, epoch, round",
        arguments: [RoundState.done.rawValue])
      for row in rows {
        let entry = try JournalEntry(row: row, in: connection)
        if entry.state >= .committed {
          recovery.resumable.append(entry)
          continue
        }
        try Self.end(
          entry.key, state: .aborted, resultDigest: nil, reason: "restarted", at: time,
          in: connection)
        recovery.burned.append(entry.key)
      }
      for key in recovery.burned {
        try AuditLog.append(
          AuditNote(
            actor: "agent", action: "round-burned", study: key.study,
            detail: "epoch \(key.epoch), round \(key.round): restarted"), at: time,
          to: connection)
      }
      return recovery
    }
  }

  /// The journal's entry for a round; nil when it was never opened.
  public func journalEntry(_ key: RoundKey) async throws(StoreError) -> JournalEntry? {
    try await database.read("read journal") { try JournalEntry.fetch(key, in: $0) }
  }

  /// The newest round of a study, nil when there was none.
  ///
  /// A site restored from an old backup knows a lower round than the others have signed R for:
  /// compare before answering anything, and force a new epoch (PRIVACY-CORE §2.5).
  public func lastKnownRound(study: String) async throws(StoreError) -> LastRound? {
    try await database.read("read last round") { connection in
      guard
        let newest = try Row.fetchOne(
          connection,
          sql: """
            SELECT epoch, round, state FROM journal WHERE study = ?
            ORDER BY epoch DESC, round DESC LIMIT 1
            """, arguments: [study])
      else { return nil }
      let done = try Row.fetchOne(
        connection,
        sql: """
          SELECT epoch, round, result_digest FROM journal WHERE study = ? AND state = ?
          ORDER BY epoch DESC, round DESC LIMIT 1
          """, arguments: [study, RoundState.done.rawValue])
      return LastRound(
        key: RoundKey(
          study: study, epoch: try newest.integer("epoch"), round: try newest.integer("round")),
        state: try newest.state("state"),
        lastDone: try done.map {
          RoundKey(study: study, epoch: try $0.integer("epoch"), round: try $0.integer("round"))
        },
        lastResultDigest: try done?.bytesIfPresent("result_digest"))
    }
  }

  /// The burned rounds of a study, in order, with their reasons.
  public func burnedRounds(
    study: String
  ) async throws(StoreError) -> [(key: RoundKey, reason: String)] {
    try await database.read("read burned rounds") { connection in
      try Row.fetchAll(
        connection,
        sql: """
          SELECT epoch, round, reason FROM journal WHERE study = ? AND state = ?
          ORDER BY epoch, round
          """, arguments: [study, RoundState.aborted.rawValue]
      ).map {
        (
          RoundKey(study: study, epoch: try $0.integer("epoch"), round: try $0.integer("round")),
          try $0.textIfPresent("reason") ?? ""
        )
      }
    }
  }

  /// Every earlier answer to a query of a study, oldest first.
  public func answers(
    to queryDigest: [UInt8], study: String
  ) async throws(StoreError) -> [AnsweredQuery] {
    try await database.read("read answered queries") {
      try AnsweredQuery.fetchAll(study: study, queryDigest: queryDigest, in: $0)
    }
  }

  /// The ratchet state of a study and the epoch it belongs to. Secret: the caller encrypts it.
  public func epochSecret(
    study: String
  ) async throws(StoreError) -> (epoch: Int64, record: [UInt8])? {
    try await database.read("read epoch state") { connection in
      try Row.fetchOne(
        connection, sql: "SELECT epoch, record FROM epoch_secret WHERE study = ?",
        arguments: [study]
      ).map { (try $0.integer("epoch"), try $0.bytes("record")) }
    }
  }

  /// Stores the ratchet state of a new epoch, or of the same one.
  ///
  /// - Throws: `outOfOrder` for an epoch before the stored one.
  public func storeEpochSecret(
    _ record: [UInt8], study: String, epoch: Int64
  ) async throws(StoreError) {
    try await database.write("store epoch state") { connection in
      _ = try SiteStudy.require(study, in: connection)
      try Self.store(record, study: study, epoch: epoch, in: connection)
    }
  }

  /// Forgets the ratchet state of a study that is over.
  public func eraseEpochSecret(study: String) async throws(StoreError) {
    try await database.write("erase epoch state") { connection in
      try connection.execute(sql: "DELETE FROM epoch_secret WHERE study = ?", arguments: [study])
    }
  }
}
