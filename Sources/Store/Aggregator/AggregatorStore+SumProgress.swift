import GRDB

/// What the aggregator keeps of the secure sums: how far it is, and every published sum with its
/// proof (protocol/README.md §12).
extension AggregatorStore {
  /// One accepted round: the bodies of RoundOpen and Result, opaque to the store.
  public struct SumProof: Sendable, Equatable {
    public var epoch: UInt32
    public var round: UInt64
    public var roundOpenBody: [UInt8]
    public var resultBody: [UInt8]

    public init(epoch: UInt32, round: UInt64, roundOpenBody: [UInt8], resultBody: [UInt8]) {
      self.epoch = epoch
      self.round = round
      self.roundOpenBody = roundOpenBody
      self.resultBody = resultBody
    }
  }

  /// How far the secure sums of a study are.
  public struct SumProgress: Sendable, Equatable {
    /// Highest epoch opened; nil before the first.
    public var epoch: UInt32?
    /// Highest round opened; 0 before the first.
    public var highestRound: UInt64
    /// In the order of the rounds.
    public var proofs: [SumProof]
  }

  /// Writes down that an epoch is being opened, before its first message leaves.
  ///
  /// - Throws: `outOfOrder` when it is not beyond every epoch of the study, also of another process;
  ///   `notFound` without the study.
  public func recordEpoch(_ epoch: UInt32, study: String) async throws(StoreError) {
    try await database.write("record epoch") { connection in
      _ = try AggregatorStudy.require(study, in: connection)
      let last = try Self.progress(of: study, in: connection)
      guard last.epoch.map({ $0 < epoch }) ?? true else {
        throw StoreError(
          .outOfOrder, "a later epoch was already opened", subject: "study \(study), \(epoch)")
      }
      try connection.execute(
        sql: """
          INSERT INTO sum_progress (study, epoch, round) VALUES (?, ?, 0)
          ON CONFLICT (study) DO UPDATE SET epoch = excluded.epoch
          """, arguments: [study, Int64(epoch)])
    }
  }

  /// Writes down that a round is being opened. A power cut may lose it: the sites then name the
  /// higher number when keys are agreed again. Waits for the disk on the calling thread: for an actor
  /// on a `StoreExecutor`.
  ///
  /// - Throws: `outOfOrder` when it is not beyond every round of the study, also of another process;
  ///   `notFound`, `invalidValue`.
  public func recordOpened(round: UInt64, study: String) throws(StoreError) {
    try database.writeWaiting("record round", durability: .relaxed) { connection, known in
      try Self.open(round, study: study, in: connection, known: &known)
    }
  }

  private static func open(
    _ round: UInt64, study: String, in connection: Database, known: inout KnownRows
  ) throws {
    let number = try RoundNumber.stored(round)
    guard try progress(of: study, in: connection, known: &known).round < round else {
      throw StoreError(
        .outOfOrder, "a later round was already opened", subject: "study \(study), round \(round)")
    }
    try connection.run(
      """
      INSERT INTO sum_progress (study, round) VALUES (?, ?)
      ON CONFLICT (study) DO UPDATE SET round = excluded.round
      """, [study, number])
    known.sumProgress[study]?.round = round
  }

  /// Appends a result to the transcript and, for a sum, keeps its proof and its vector, all in one
  /// transaction. When the call returns, the result may be sent. Waits for the disk on the calling
  /// thread: for an actor on a `StoreExecutor`.
  ///
  /// - Parameters:
  ///   - sum: the published vector's wire bytes; not copied as a whole.
  ///   - next: a round that is written down as opened in the same step, in place of a later
  ///     `recordOpened`: whoever asked for it may open it, once. When it is not opened, its number is
  ///     passed over.
  /// - Returns: `alreadyThere` when the same entry was published before.
  /// - Throws: `outOfOrder` and `conflict` of the transcript; `conflict` when the round has a proof
  ///   already; `notFound` without the study.
  @discardableResult
  public func publish(
    _ entry: TranscriptEntry, proof: SumProof?, sum: UnsafeRawBufferPointer?,
    opening next: UInt64? = nil
  ) throws(StoreError) -> AppendOutcome {
    let time = database.clock()
    return try database.writeWaiting("publish result") { connection, known in
      _ = try Self.progress(of: entry.study, in: connection, known: &known)
      let outcome = try TranscriptTable.append(
        entry, at: time, to: connection, head: &known.transcripts[entry.study])
      guard outcome == .appended, let proof, let sum else { return outcome }
      let round = try RoundNumber.stored(proof.round)
      try connection.run(
        "INSERT INTO sum_proof (study, round, epoch, round_open, result) VALUES (?, ?, ?, ?, ?)",
        [
          entry.study, round, Int64(proof.epoch), proof.roundOpenBody, proof.resultBody,
        ])
      for (position, start) in stride(from: 0, to: sum.count, by: Self.pieceBytes).enumerated() {
        let piece = UnsafeRawBufferPointer(
          rebasing: sum[start..<min(start + Self.pieceBytes, sum.count)])
        try connection.run(
          "INSERT INTO sum_piece VALUES (?, ?, ?, ?)",
          [entry.study, round, Int64(position), piece])
      }
      if let next { try Self.open(next, study: entry.study, in: connection, known: &known) }
      return outcome
    }
  }

  /// A long sum is kept in pieces, so that writing it takes the memory of a few of them.
  private static let pieceBytes = 262_144

  /// How far a study is.
  public func sumProgress(study: String) async throws(StoreError) -> SumProgress {
    try await database.read("read rounds") { connection in
      let progress = try Self.progress(of: study, in: connection)
      let proofs = try Row.fetchAll(
        connection,
        sql:
          "SELECT epoch, round, round_open, result FROM sum_proof WHERE study = ? ORDER BY round",
        arguments: [study]
      ).map {
        SumProof(
          epoch: try $0.epoch("epoch"), round: try $0.round("round"),
          roundOpenBody: try $0.bytes("round_open"), resultBody: try $0.bytes("result"))
      }
      return SumProgress(epoch: progress.epoch, highestRound: progress.round, proofs: proofs)
    }
  }

  /// The highest epoch and round opened.
  struct Progress: Sendable {
    var epoch: UInt32?
    var round: UInt64 = 0
  }

  private static func progress(of study: String, in connection: Database) throws -> Progress {
    let row = try connection.firstRow(
      "SELECT epoch, round FROM sum_progress WHERE study = ?", [study])
    guard let row else { return Progress() }
    let epoch = try row.integerIfPresent("epoch") == nil ? nil : row.epoch("epoch")
    return Progress(epoch: epoch, round: try row.round("round"))
  }

  /// The same of a study that exists (`notFound` otherwise), read only where it is not known.
  private static func progress(
    of study: String, in connection: Database, known: inout KnownRows
  ) throws -> Progress {
    if let progress = known.sumProgress[study] { return progress }
    try AggregatorStudy.requireExistence(of: study, in: connection)
    let progress = try progress(of: study, in: connection)
    known.sumProgress[study] = progress
    return progress
  }

  /// The published vectors of rounds, one after the other, as CatchUp sends them.
  public func sums(study: String, rounds: [UInt64]) async throws(StoreError) -> [UInt8] {
    try await database.read("read sums") { connection in
      var bytes: [UInt8] = []
      for round in rounds {
        let pieces = try Row.fetchCursor(
          connection,
          sql: "SELECT bytes FROM sum_piece WHERE study = ? AND round = ? ORDER BY position",
          arguments: [study, try RoundNumber.stored(round)])
        let start = bytes.count
        while let piece = try pieces.next() { bytes += try piece.bytes("bytes") }
        guard bytes.count > start else {
          throw StoreError(.notFound, subject: "round \(round) of study \(study)")
        }
      }
      return bytes
    }
  }
}
