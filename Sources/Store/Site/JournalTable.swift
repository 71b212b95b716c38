import GRDB

/// The journal of one study inside a transaction of the caller.
///
/// What a record is checked against is the newest round only, so that round is read once and then
/// followed in memory: the cost of a record does not grow with the rounds before it. Of its records,
/// which hold secrets, only digests stay in memory.
struct JournalTable: Sendable {
  private let study: String
  /// The highest round of any record; nil for an empty journal.
  private var newestRound: UInt64?
  /// Digests of that round's records by kind, aborts and epochs excepted.
  private var newest: [JournalKind: [UInt8]] = [:]
  /// Digest of what takes the place of that round's `released` record when the round is over.
  private var releasedAfterwards: [UInt8]?
  /// Whether that round has a record of having ended without a result.
  private var isAborted = false
  /// The highest round with a result. Everything up to it was pruned.
  private var lastDone: UInt64?

  /// Reads where the journal of a study stands.
  init(of study: String, in connection: Database) throws {
    self.study = study
    let rows = try connection.allRows(
      """
      SELECT kind, round, record, record_afterwards FROM journal
      WHERE study = ?1 AND round = (SELECT max(round) FROM journal WHERE study = ?1)
      """, [study])
    for row in rows {
      guard let kind = JournalKind(rawValue: try row.integer("kind")) else {
        throw StoreError(.corrupted, "a journal record is of an unknown kind")
      }
      newestRound = try row.round("round")
      switch kind {
      case .epoch: break
      case .aborted: isAborted = true
      default:
        newest[kind] = StoreHash.journalRecord.digest(try row.bytes("record"))
        if kind == .released {
          releasedAfterwards = try row.bytesIfPresent("record_afterwards").map {
            StoreHash.journalRecord.digest($0)
          }
        }
      }
    }
    lastDone =
      newest[.done] != nil
      ? newestRound : try Self.highestRound(of: study, kinds: [.done], in: connection)
  }

  /// Appends one record under the rules of `SiteStore.appendJournal`.
  mutating func append(
    _ item: JournalItem, of standing: SiteStudy.Standing, at time: Double,
    in connection: Database
  ) throws -> AppendOutcome {
    // Made only for an error.
    var subject: String { "study \(study), round \(item.round), \(item.kind)" }
    if let stored = try storedDigest(like: item, in: connection) {
      guard stored == StoreHash.journalRecord.digest(item.record) else {
        throw StoreError(
          .conflict, "this step of the round was taken before, otherwise", subject: subject)
      }
      return .alreadyThere
    }
    switch item.kind {
    case .epoch: try Self.checkEpoch(item, study: study, in: connection)
    case .opened, .shared, .locked, .committed, .acknowledged, .released:
      guard standing.status.mayAnswer else {
        throw StoreError(
          .transitionRefused, "the study is not approved at this site", subject: subject)
      }
      try checkStep(item, subject: subject)
    case .done:
      guard lastDone.map({ $0 < item.round }) ?? true else {
        throw StoreError(.outOfOrder, subject: subject)
      }
    case .aborted: break
    }
    try Self.insert(item, study: study, at: time, in: connection)
    if item.kind == .opened, item.round > 0 {
      try prune(through: item.round - 1, in: connection)
    } else if item.kind == .done {
      try prune(through: item.round, in: connection)
    }
    follow(item)
    return .appended
  }

  /// Takes an appended record into account.
  private mutating func follow(_ item: JournalItem) {
    if newestRound.map({ $0 < item.round }) ?? true {
      newestRound = item.round
      newest = [:]
      releasedAfterwards = nil
      isAborted = false
    }
    if item.kind == .done { lastDone = item.round }
    guard item.round == newestRound else { return }
    switch item.kind {
    case .epoch: break
    case .aborted: isAborted = true
    case .done:
      // What `prune` leaves of the round.
      newest = newest.filter { $0.key == .released }
      if let releasedAfterwards { newest[.released] = releasedAfterwards }
      releasedAfterwards = nil
      newest[.done] = StoreHash.journalRecord.digest(item.record)
    default:
      newest[item.kind] = StoreHash.journalRecord.digest(item.record)
      if item.kind == .released {
        releasedAfterwards = item.recordAfterwards.map { StoreHash.journalRecord.digest($0) }
      }
    }
  }

  private static func checkEpoch(
    _ item: JournalItem, study: String, in connection: Database
  ) throws {
    guard let epoch = item.epoch else {
      throw StoreError(.invalidValue, "an epoch record needs its number", subject: "study \(study)")
    }
    guard try lastEpoch(of: study, in: connection).map({ $0 < epoch }) ?? true else {
      throw StoreError(
        .outOfOrder, "a later epoch was taken up before", subject: "study \(study), epoch \(epoch)")
    }
  }

  /// A round is opened beyond every other; its steps are in order, each once, until it is over.
  private func checkStep(_ item: JournalItem, subject: @autoclosure () -> String) throws {
    if item.kind == .opened {
      guard newestRound.map({ $0 < item.round }) ?? true else {
        throw StoreError(
          .outOfOrder, "a later round was already opened or burned", subject: subject())
      }
      return
    }
    guard item.round == newestRound, !isAborted, newest[.opened] != nil,
      let last = newest.keys.max(), last < item.kind
    else {
      throw StoreError(
        .outOfOrder, "the round is not open, over, or beyond this step", subject: subject())
    }
  }

  /// Digest of the record that is there in the place of an item; nil when its place is free.
  private func storedDigest(like item: JournalItem, in connection: Database) throws -> [UInt8]? {
    if item.kind == .aborted { return nil }
    if item.kind != .epoch {
      guard let newestRound, item.round <= newestRound else { return nil }
      if item.round == newestRound { return newest[item.kind] }
    }
    // The kind is written into the text: as an argument of a partial index's column it would make
    // SQLite compile the statement anew for every value.
    let column = item.kind == .epoch ? "epoch" : "round"
    let number =
      item.kind == .epoch ? Int64(item.epoch ?? 0) : try RoundNumber.stored(item.round)
    return try connection.firstRow(
      """
      SELECT record FROM journal
      WHERE study = ? AND kind = \(item.kind.rawValue) AND \(column) = ?
      """, [study, number]
    ).map { StoreHash.journalRecord.digest(try $0.bytes("record")) }
  }

  private static func insert(
    _ item: JournalItem, study: String, at time: Double, in connection: Database
  ) throws {
    try connection.run(
      """
      INSERT INTO journal
        (study, kind, round, epoch, record, record_afterwards, result_digest, recorded_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        study, item.kind.rawValue, try RoundNumber.stored(item.round),
        item.kind == .epoch ? item.epoch.map { Int64($0) } : nil, item.record,
        item.recordAfterwards, item.resultDigest, time,
      ])
  }

  /// Erases the steps of rounds that are over: they are overwritten with zeros.
  private func prune(through round: UInt64, in connection: Database) throws {
    // The newest round of all is over: what there was has been erased with it.
    if let lastDone, lastDone == newestRound { return }
    let arguments: [any StatementValue] = [
      study, try RoundNumber.stored(lastDone ?? 0), try RoundNumber.stored(round),
    ]
    try connection.run(
      """
      DELETE FROM journal
      WHERE study = ? AND round BETWEEN ? AND ? AND kind BETWEEN 2 AND 6
      """, arguments)
    try connection.run(
      """
      UPDATE journal SET record = record_afterwards, record_afterwards = NULL
      WHERE study = ? AND round BETWEEN ? AND ? AND kind = 7 AND record_afterwards IS NOT NULL
      """, arguments)
  }

  /// The highest round number of some kinds of records; nil when there are none.
  static func highestRound(
    of study: String, kinds: [JournalKind], in connection: Database
  ) throws -> UInt64? {
    let list = kinds.map { String($0.rawValue) }.joined(separator: ", ")
    let row = try connection.firstRow(
      "SELECT round FROM journal WHERE study = ? AND kind IN (\(list)) ORDER BY round DESC LIMIT 1",
      [study])
    return try row?.round("round")
  }

  static func lastEpoch(of study: String, in connection: Database) throws -> UInt32? {
    try connection.firstRow(
      "SELECT epoch FROM journal WHERE study = ? AND kind = 1 ORDER BY epoch DESC LIMIT 1", [study]
    )?.epoch("epoch")
  }
}
