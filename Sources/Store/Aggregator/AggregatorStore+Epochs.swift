import GRDB

extension AggregatorStore {
  /// Opens an epoch of keys: its number must be beyond every one of the study, also after a restart.
  ///
  /// - Parameter record: what the protocol needs of it after a restart, such as EpochOpen.
  /// - Throws: `outOfOrder`, `notFound`.
  public func openEpoch(
    _ epoch: UInt32, study: String, record: [UInt8] = []
  ) async throws(StoreError) {
    let time = database.clock()
    try await database.write("open epoch") { connection in
      _ = try AggregatorStudy.require(study, in: connection)
      if let last = try Self.lastEpoch(of: study, in: connection), last >= epoch {
        throw StoreError(
          .outOfOrder, "a later epoch was already opened", subject: "study \(study), \(epoch)")
      }
      try connection.execute(
        sql: "INSERT INTO epoch VALUES (?, ?, ?, ?)",
        arguments: [study, Int64(epoch), record.blob, time])
    }
  }

  /// The newest epoch of a study and its record; nil when none was opened.
  public func lastEpoch(
    study: String
  ) async throws(StoreError) -> (epoch: UInt32, record: [UInt8])? {
    try await database.read("read last epoch") { connection in
      try Row.fetchOne(
        connection, sql: "SELECT * FROM epoch WHERE study = ? ORDER BY epoch DESC LIMIT 1",
        arguments: [study]
      ).map { (try $0.epoch("epoch"), try $0.bytes("record")) }
    }
  }

  /// Stores a named record of a study, opaque to the store, in place of the one before.
  public func storeRecord(
    _ record: [UInt8], name: String, study: String, durability: Durability = .full
  ) async throws(StoreError) {
    try await database.write("store record", durability: durability) { connection in
      _ = try AggregatorStudy.require(study, in: connection)
      try Self.store(record, name: name, study: study, in: connection)
    }
  }

  /// The named record of a study; nil when there is none.
  public func record(name: String, study: String) async throws(StoreError) -> [UInt8]? {
    try await database.read("read record") { connection in
      try Row.fetchOne(
        connection, sql: "SELECT record FROM study_record WHERE study = ? AND name = ?",
        arguments: [study, name]
      )?.bytes("record")
    }
  }

  private static func lastEpoch(of study: String, in connection: Database) throws -> UInt32? {
    try Row.fetchOne(
      connection, sql: "SELECT epoch FROM epoch WHERE study = ? ORDER BY epoch DESC LIMIT 1",
      arguments: [study]
    )?.epoch("epoch")
  }

  static func store(
    _ record: [UInt8], name: String, study: String, in connection: Database
  ) throws {
    try connection.execute(
      sql: """
        INSERT INTO study_record VALUES (?, ?, ?)
        ON CONFLICT (study, name) DO UPDATE SET record = excluded.record
        """, arguments: [study, name, record.blob])
  }
}
