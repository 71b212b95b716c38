import GRDB

/// One line of a study's progress, for terminals and consoles.
public struct ProgressEvent: Sendable, Equatable {
  /// Rises by at least one from event to event; filled in by the store.
  public var id: Int64
  public var study: String
  /// The stage's name, such as "validate".
  public var stage: String
  /// How much of the stage is done, from 0 to 1, where it is known.
  public var fraction: Double?
  /// What happened, in words.
  public var text: String
  /// Seconds since 1970-01-01 UTC; filled in by the store.
  public var recordedAt: Double

  public init(
    study: String, stage: String, fraction: Double? = nil, text: String, id: Int64 = 0,
    recordedAt: Double = 0
  ) {
    self.id = id
    self.study = study
    self.stage = stage
    self.fraction = fraction
    self.text = text
    self.recordedAt = recordedAt
  }
}

extension AggregatorStore {
  /// Appends a progress event. Not synced: a power cut may lose the last ones.
  ///
  /// - Returns: the event's id.
  @discardableResult
  public func recordProgress(_ event: ProgressEvent) async throws(StoreError) -> Int64 {
    let time = database.clock()
    return try await database.write("record progress", durability: .relaxed) { connection in
      try connection.execute(
        sql: """
          INSERT INTO progress (study, stage, fraction, text, recorded_at) VALUES (?, ?, ?, ?, ?)
          """,
        arguments: [event.study, event.stage, event.fraction, event.text, time])
      return connection.lastInsertedRowID
    }
  }

  /// The events of a study after the one with id `id`, in order.
  public func progress(
    study: String, after id: Int64 = 0, limit: Int = 1000
  ) async throws(StoreError) -> [ProgressEvent] {
    try await database.read("read progress") { connection in
      try Row.fetchAll(
        connection,
        sql: "SELECT * FROM progress WHERE study = ? AND id > ? ORDER BY id LIMIT ?",
        arguments: [study, id, Int64(limit)]
      ).map {
        ProgressEvent(
          study: try $0.text("study"), stage: try $0.text("stage"),
          fraction: try $0.realIfPresent("fraction"), text: try $0.text("text"),
          id: try $0.integer("id"), recordedAt: try $0.real("recorded_at"))
      }
    }
  }
}
