extension SiteStore {
  /// Appends the next published result that has no journal record, such as a per-site table. The
  /// result of a round goes with its `done` record: see `appendJournal`.
  ///
  /// - Returns: `alreadyThere` when the same entry is stored at that index.
  /// - Throws: `conflict` when another one is; `outOfOrder` when it leaves a gap or does not
  ///   continue the digest chain.
  @discardableResult
  public func appendTranscript(
    _ entry: TranscriptEntry, durability: Durability = .full
  ) async throws(StoreError) -> AppendOutcome {
    let time = database.clock()
    return try await database.write("append transcript", durability: durability) { connection in
      _ = try SiteStudy.require(entry.study, in: connection)
      return try TranscriptTable.append(entry, at: time, to: connection)
    }
  }

  /// Entries of a study in order, from `index`.
  public func transcript(
    study: String, from index: Int64 = 0, limit: Int = Int.max
  ) async throws(StoreError) -> [TranscriptEntry] {
    try await database.read("read transcript") {
      try TranscriptTable.fetch(study, from: index, limit: limit, in: $0)
    }
  }

  /// One entry; nil when the transcript does not reach that far.
  public func transcriptEntry(
    study: String, index: Int64
  ) async throws(StoreError) -> TranscriptEntry? {
    try await database.read("read transcript") {
      try TranscriptTable.fetch(study, index, in: $0)
    }
  }

  /// How many entries the transcript of a study has.
  public func transcriptCount(study: String) async throws(StoreError) -> Int64 {
    try await database.read("read transcript") {
      try TranscriptTable.head(of: study, in: $0).count
    }
  }

  /// The first entry that is not what was written; nil when all are.
  public func verifyTranscript(study: String) async throws(StoreError) -> TranscriptFault? {
    try await database.read("verify transcript") {
      try TranscriptTable.firstFault(of: study, in: $0)
    }
  }
}
