import GRDB

extension SiteStore {
  /// Opens a round, once: the journal never goes backwards and never opens a round twice.
  ///
  /// Earlier rounds of the study that are not over are burned in the same transaction.
  ///
  /// - Parameters:
  ///   - state: `opened`, or a later one when the fast mode journals several steps at once.
  ///   - record: the protocol's own bytes; secrets in it are the caller's to encrypt.
  ///   - outgoing: the message that this state authorises, if any.
  ///   - durability: with `relaxed` the round's number is reserved on the disk beforehand, in
  ///     blocks; see `RoundReservation`.
  /// - Returns: `alreadyThere` when the round was opened before, also if it was burned.
  /// - Throws: `outOfOrder` when a later round was opened or burned before; `notFound` without the
  ///   study; `transitionRefused` when the study may not be answered, or the state is final.
  public func openRound(
    _ key: RoundKey, state: RoundState = .opened, queryDigest: [UInt8], record: [UInt8],
    outgoing: [UInt8]? = nil, durability: Durability = .full
  ) async throws(StoreError) -> JournalOutcome {
    if durability == .relaxed { try await reserve(key) }
    let time = database.clock()
    return try await database.write("open round", durability: durability) { connection in
      guard state <= .committed else {
        throw StoreError(
          .transitionRefused, "a round does not begin in this state", subject: "\(key)")
      }
      if let entry = try JournalEntry.fetch(key, in: connection) { return .alreadyThere(entry) }
      let study = try SiteStudy.require(key.study, in: connection)
      guard study.status.mayAnswer else {
        throw StoreError(
          .transitionRefused, "the study is not approved at this site", subject: "\(key)")
      }
      try Self.requireNewest(key, in: connection)
      try Self.burnOpenRounds(of: key.study, reason: "superseded", at: time, in: connection)
      try Self.insert(
        key, state: state, queryDigest: queryDigest, record: record, reason: nil, at: time,
        in: connection)
      try Self.store(outgoing, of: key, state: state, in: connection)
      return .written
    }
  }

  /// Moves a round to a later state and stores the message that this authorises; when the call
  /// returns `written`, both are on the disk and the message may be sent.
  ///
  /// One step is taken once: of any number of concurrent calls for a state, one returns `written`,
  /// and the others get what it stored.
  ///
  /// - Parameters:
  ///   - release: required reading for states from `acked`: the set-change rule is checked, and
  ///     recorded as released when the state is `released`.
  ///   - epochSecret: the study's ratchet state, replaced in the same transaction.
  ///   - durability: `relaxed` is safe up to `acked` in a round that was opened so, because a power
  ///     cut burns it; `released` is what must not be forgotten, and takes `full`.
  /// - Throws: `notFound`; `queryAnswered`; `transitionRefused` when the round is over or the state
  ///   is final (see `finishRound`, `burnRound`).
  public func advanceRound(
    _ key: RoundKey, to state: RoundState, record: [UInt8], outgoing: [UInt8]? = nil,
    release: QueryRelease? = nil, epochSecret: [UInt8]? = nil, durability: Durability = .full
  ) async throws(StoreError) -> JournalOutcome {
    let time = database.clock()
    return try await database.write("advance round", durability: durability) { connection in
      let current = try JournalEntry.requireState(key, in: connection)
      if current.isFinal || current >= state {
        return .alreadyThere(try JournalEntry.require(key, in: connection))
      }
      guard !state.isFinal else {
        throw StoreError(.transitionRefused, subject: "\(key)")
      }
      let study = try SiteStudy.require(key.study, in: connection)
      guard study.status.mayAnswer else {
        throw StoreError(
          .transitionRefused, "the study is not approved at this site", subject: "\(key)")
      }
      if let release {
        try Self.apply(
          release, to: key, released: state >= .released, at: time, in: connection)
      } else if state >= .released {
        try connection.execute(
          sql: """
            UPDATE answered_query SET released = 1
            WHERE study = ? AND epoch = ? AND round = ?
            """, arguments: [key.study, key.epoch, key.round])
      }
      try connection.execute(
        sql: """
          UPDATE journal SET state = ?, record = ?, updated_at = ?
          WHERE study = ? AND epoch = ? AND round = ?
          """,
        arguments: [state.rawValue, record.blob, time, key.study, key.epoch, key.round])
      try Self.store(outgoing, of: key, state: state, in: connection)
      try Self.store(epochSecret, study: key.study, epoch: key.epoch, in: connection)
      return .written
    }
  }

  /// Ends a round with its result: appends the transcript entry, keeps R, replaces the ratchet
  /// state and erases the round's record and messages, all at once.
  ///
  /// A power cut that loses a `relaxed` write leaves the round in its state before, from which the
  /// same bytes are sent again and the same result comes back.
  ///
  /// - Returns: `alreadyThere` when the round is over, whichever way.
  /// - Throws: `notFound`; `outOfOrder` and `conflict` of the transcript.
  public func finishRound(
    _ key: RoundKey, resultDigest: [UInt8], transcript: TranscriptEntry?,
    epochSecret: [UInt8]? = nil, durability: Durability = .full
  ) async throws(StoreError) -> JournalOutcome {
    let time = database.clock()
    return try await database.write("finish round", durability: durability) { connection in
      if try JournalEntry.requireState(key, in: connection).isFinal {
        return .alreadyThere(try JournalEntry.require(key, in: connection))
      }
      if let transcript {
        guard transcript.study == key.study else {
          throw StoreError(.invalidValue, "the entry is of another study", subject: "\(key)")
        }
        _ = try TranscriptTable.append(transcript, at: time, to: connection)
      }
      try Self.end(
        key, state: .done, resultDigest: resultDigest, reason: nil, at: time, in: connection)
      try Self.store(epochSecret, study: key.study, epoch: key.epoch, in: connection)
      return .written
    }
  }

  /// Burns a round: it is never reopened, and its record and messages are erased. A round that was
  /// not opened is recorded as burned, with every number below it.
  ///
  /// - Parameter reason: constant text.
  /// - Returns: `alreadyThere` when the round is over.
  public func burnRound(
    _ key: RoundKey, reason: String, epochSecret: [UInt8]? = nil
  ) async throws(StoreError) -> JournalOutcome {
    let time = database.clock()
    return try await database.write("burn round") { connection in
      if let entry = try JournalEntry.fetch(key, in: connection) {
        if entry.state.isFinal { return .alreadyThere(entry) }
        try Self.end(
          key, state: .aborted, resultDigest: nil, reason: reason, at: time, in: connection)
      } else {
        _ = try SiteStudy.require(key.study, in: connection)
        try Self.requireNewest(key, in: connection)
        try Self.insert(
          key, state: .aborted, queryDigest: [], record: [], reason: reason, at: time,
          in: connection)
      }
      try Self.store(epochSecret, study: key.study, epoch: key.epoch, in: connection)
      try AuditLog.append(
        AuditNote(
          actor: "agent", action: "round-burned", study: key.study,
          detail: "epoch \(key.epoch), round \(key.round): \(reason)"), at: time, to: connection)
      return .written
    }
  }
}
