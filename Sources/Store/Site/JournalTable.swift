import GRDB

/// The journal's statements, inside a transaction of the caller.
enum JournalTable {
  /// Appends one record under the rules of `SiteStore.appendJournal`.
  static func append(
    _ item: JournalItem, study: SiteStudy, at time: Double, in connection: Database
  ) throws -> AppendOutcome {
    let subject = "study \(study.id), round \(item.round), \(item.kind)"
    if let stored = try storedRecord(like: item, study: study.id, in: connection) {
      guard stored == item.record else {
        throw StoreError(
          .conflict, "this step of the round was taken before, otherwise", subject: subject)
      }
      return .alreadyThere
    }
    switch item.kind {
    case .epoch: try checkEpoch(item, study: study.id, in: connection)
    case .opened, .shared, .locked, .committed, .acknowledged, .released:
      guard study.status.mayAnswer else {
        throw StoreError(
          .transitionRefused, "the study is not approved at this site", subject: subject)
      }
      try checkStep(item, study: study.id, in: connection)
    case .done:
      let last = try highestRound(of: study.id, kinds: [.done], in: connection)
      guard last.map({ $0 < item.round }) ?? true else {
        throw StoreError(.outOfOrder, subject: subject)
      }
    case .aborted: break
    }
    if item.kind == .released {
      guard let release = item.release else {
        throw StoreError(.invalidValue, "a release needs its query and its sites", subject: subject)
      }
      try release.apply(study: study.id, round: item.round, at: time, in: connection)
    }
    try insert(item, study: study.id, at: time, in: connection)
    if item.kind == .opened, item.round > 0 {
      try prune(study.id, through: item.round - 1, in: connection)
    } else if item.kind == .done {
      try prune(study.id, through: item.round, in: connection)
    }
    return .appended
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
  private static func checkStep(
    _ item: JournalItem, study: String, in connection: Database
  ) throws {
    let subject = "study \(study), round \(item.round), \(item.kind)"
    let last = try highestRound(of: study, kinds: JournalKind.allCases, in: connection)
    if item.kind == .opened {
      guard last.map({ $0 < item.round }) ?? true else {
        throw StoreError(
          .outOfOrder, "a later round was already opened or burned", subject: subject)
      }
      return
    }
    let kinds = try connection.allRows(
      "SELECT kind FROM journal WHERE study = ? AND round = ? AND kind <> 1",
      [study, try RoundNumber.stored(item.round)]
    ).map { try $0.integer("kind") }
    guard last == item.round, let newest = kinds.max(), kinds.contains(JournalKind.opened.rawValue),
      newest < item.kind.rawValue
    else {
      throw StoreError(
        .outOfOrder, "the round is not open, over, or beyond this step", subject: subject)
    }
  }

  private static func storedRecord(
    like item: JournalItem, study: String, in connection: Database
  ) throws -> [UInt8]? {
    if item.kind == .aborted { return nil }
    let isEpoch = item.kind == .epoch
    let number = isEpoch ? Int64(item.epoch ?? 0) : try RoundNumber.stored(item.round)
    return try connection.firstRow(
      """
      SELECT record FROM journal WHERE study = ? AND kind = ? AND \(isEpoch ? "epoch" : "round") = ?
      """, [study, item.kind.rawValue, number]
    )?.bytes("record")
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
        item.kind == .epoch ? item.epoch.map { Int64($0) } : nil, item.record.blob,
        item.recordAfterwards?.blob, item.resultDigest?.blob, time,
      ])
  }

  /// Erases the steps and vectors of rounds that are over. Records are overwritten with zeros. The
  /// vectors are masked, and the aggregator has them anyway: their pages are only freed, since
  /// overwriting them would write the vector's size once more in every round.
  private static func prune(
    _ study: String, through round: UInt64, in connection: Database
  ) throws {
    let arguments: StatementArguments = [study, try RoundNumber.stored(round)]
    try connection.run(
      "DELETE FROM journal WHERE study = ? AND round <= ? AND kind BETWEEN 2 AND 6", arguments)
    try connection.run(
      """
      UPDATE journal SET record = record_afterwards, record_afterwards = NULL
      WHERE study = ? AND round <= ? AND kind = 7 AND record_afterwards IS NOT NULL
      """, arguments)
    let vector = try connection.firstRow(
      "SELECT 1 FROM journal_vector WHERE study = ? AND round <= ? LIMIT 1", arguments)
    guard vector != nil else { return }
    try connection.execute(sql: "PRAGMA secure_delete = FAST")
    let result = Result {
      try connection.run(
        "DELETE FROM journal_vector WHERE study = ? AND round <= ?", arguments)
    }
    try connection.execute(sql: "PRAGMA secure_delete = ON")
    try result.get()
  }

  static func keep(_ vector: JournalVector, study: String, in connection: Database) throws {
    try connection.run(
      "INSERT INTO journal_vector VALUES (?, ?, ?, ?) ON CONFLICT (study, digest) DO NOTHING",
      [
        study, vector.digest.blob, try RoundNumber.stored(vector.round), vector.bytes.blob,
      ])
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
