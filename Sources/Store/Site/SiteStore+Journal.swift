import GRDB

extension SiteStore {
  /// Appends journal records, and what belongs to them, in one step; when the call returns, the
  /// messages that they authorise may be sent. It waits for the disk on the calling thread: for an
  /// actor on a `StoreExecutor`.
  ///
  /// The law behind the journal is that no round is answered twice with different content, so the
  /// store refuses, whoever asks, also another process:
  /// - an `opened` record whose round is not beyond every round in the journal;
  /// - a step (`shared` … `released`) of a round that is not the newest, is over, or has had a later
  ///   step; of any number of concurrent calls for one step with different records, one succeeds;
  /// - an epoch that is not beyond all before it; a `done` record that is not beyond the last;
  /// - any step of a study that is not approved at this moment;
  /// - charges that the batch's own admission refuses, seeing the ledger of this very moment;
  /// - an answer from other data than the study's first one (`recordDisclosure`).
  ///
  /// Opening a round erases the steps of the rounds before it; `done` erases those of its own round too.
  /// `epoch`, `released`, `done` and `aborted` records stay. A vector is readable while its round has its
  /// `committed` record; the next one is written over it.
  ///
  /// - Parameters:
  ///   - durability: `full` by default. `relaxed` lets a power cut lose the steps of a round up to
  ///     the acknowledgement, whose keys are then lost as well: the site takes part again in a new
  ///     epoch, as after any restart. A batch with an `epoch` or `released` record is always synced.
  /// - Returns: `alreadyThere` when every record was there before, byte for byte.
  /// - Throws: `outOfOrder`, `conflict`, `transitionRefused`, `notFound`, `dataChanged`,
  ///   `budgetExhausted`, `invalidValue`; then nothing of the batch is written.
  @discardableResult
  public func appendJournal(
    _ batch: JournalBatch, study id: String, durability: Durability = .full
  ) throws(StoreError) -> AppendOutcome {
    let time = database.clock()
    return try database.writeWaiting(
      "append to journal", durability: batch.durability(atLeast: durability)
    ) { try batch.append(to: $0, study: id, at: time, beside: path, known: &$1) }
  }

  /// A study's journal, in the order in which it was written, with the vectors that are still kept.
  public func journal(study: String) async throws(StoreError) -> StoredJournal {
    let path = path
    return try await database.read("read journal") { connection in
      let records = try Row.fetchAll(
        connection, sql: "SELECT record FROM journal WHERE study = ? ORDER BY sequence",
        arguments: [study]
      ).map { try $0.bytes("record") }
      let vector = MaskedVectorFile(beside: path, study: study).read()
      let committed = JournalKind.committed.rawValue
      let isAwaited = try connection.firstRow(
        "SELECT round FROM journal WHERE study = ? AND kind = \(committed) AND round = ?",
        [study, vector.map { try RoundNumber.stored($0.round) }])
      return StoredJournal(records: records, vector: isAwaited == nil ? nil : vector)
    }
  }
}

extension JournalBatch {
  fileprivate func durability(atLeast wanted: Durability) -> Durability {
    items.contains { $0.kind.alwaysNeedsSync } ? .full : wanted
  }

  /// Writes everything, in a transaction of the caller.
  fileprivate func append(
    to connection: Database, study id: String, at time: Double, beside path: String,
    known: inout KnownRows
  ) throws -> AppendOutcome {
    let study = try SiteStudy.standing(of: id, in: connection, known: &known)
    guard transcript.allSatisfy({ $0.study == id }), disclosures.allSatisfy({ $0.study == id }),
      charges.allSatisfy({ $0.study == id }), commitment.map({ $0.study == id }) ?? true
    else {
      throw StoreError(.invalidValue, "the batch is of several studies", subject: "study \(id)")
    }
    var isNew = false
    if !items.isEmpty {
      var journal = try known.journals[id] ?? JournalTable(of: id, in: connection)
      for item in items {
        let outcome = try journal.append(item, of: study, at: time, in: connection)
        isNew = isNew || outcome == .appended
      }
      known.journals[id] = journal
    }
    for entry in transcript {
      let outcome = try TranscriptTable.append(
        entry, at: time, to: connection, head: &known.transcripts[id])
      isNew = isNew || outcome == .appended
    }
    for sum in sums { try sum.append(study: id, in: connection) }
    if let commitment {
      try StudyCohort.require(commitment.fingerprint, study: id, in: connection, known: &known)
      try commitment.record(at: time, in: connection, known: &known)
    }
    for disclosure in disclosures {
      try disclosure.record(of: study, at: time, in: connection, known: &known)
      isNew = true
    }
    let paid = try LedgerTable.append(
      charges, admission: admission, at: time, in: connection)
    // Last: a batch that is refused writes over nothing.
    if isNew, let vector { try MaskedVectorFile(beside: path, study: id).write(vector) }
    return isNew || paid == .appended ? .appended : .alreadyThere
  }
}
