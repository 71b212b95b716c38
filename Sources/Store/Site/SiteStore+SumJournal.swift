extension SiteStore {
  /// A masked vector and its digest.
  public struct KeptVector: Sendable, Equatable {
    public var digest: [UInt8]
    public var bytes: [UInt8]

    public init(digest: [UInt8], bytes: [UInt8]) {
      self.digest = digest
      self.bytes = bytes
    }
  }

  /// Appends the protocol's own records, and keeps a vector, in one transaction; when the call
  /// returns, they are on the disk and the message that they authorise may be sent.
  ///
  /// - Parameters:
  ///   - records: canonical bytes of protocol/README.md §12, in their order.
  ///   - round: the round of the vector.
  ///   - charges: what the message that the records authorise costs.
  ///   - minimumSetDifference: see `JournalItem.init(record:minimumSetDifference:)`.
  /// - Throws: what `appendJournal` throws.
  public func appendSumRecords(
    _ records: [[UInt8]], keeping vector: KeptVector? = nil, round: UInt64, study id: String,
    minimumSetDifference: Int? = nil, charges: [LedgerCharge] = [],
    durability: Durability = .full
  ) async throws(StoreError) {
    var batch = JournalBatch(charges: charges)
    for record in records {
      batch.items.append(
        try JournalItem(record: record, minimumSetDifference: minimumSetDifference))
    }
    if let vector {
      batch.vectors = [JournalVector(round: round, digest: vector.digest, bytes: vector.bytes)]
    }
    try await appendJournal(batch, study: id, durability: durability)
  }

  /// Makes sure that a round is closed: its `done` record is in the journal, and its steps, messages
  /// and vectors are erased. Released sets stay as they were recorded.
  public func closeSumRound(
    _ round: UInt64, study id: String, leaving records: [[UInt8]],
    durability: Durability = .relaxed
  ) async throws(StoreError) {
    var batch = JournalBatch()
    for record in records {
      let item = try JournalItem(record: record)
      if item.kind == .done, item.round == round { batch.items.append(item) }
    }
    try await appendJournal(batch, study: id, durability: durability)
  }

  /// All records of a study in their order, and the vectors kept.
  public func sumRecords(
    study: String
  ) async throws(StoreError) -> (records: [[UInt8]], vectors: [KeptVector]) {
    let journal = try await journal(study: study)
    return (
      journal.records, journal.vectors.map { KeptVector(digest: $0.digest, bytes: $0.bytes) }
    )
  }
}
