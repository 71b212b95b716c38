import GRDB

/// Something a study made: the report, its JSON twin, the model file.
public struct Artefact: Sendable, Equatable {
  /// Where the content is.
  public enum Content: Sendable, Equatable {
    /// A file outside the store.
    case file(path: String)
    /// Kept in the store itself.
    case bytes([UInt8])
  }

  public var study: String
  /// File name, such as "report.html".
  public var name: String
  /// Media type, such as "text/html".
  public var mediaType: String
  public var content: Content
  /// Digest of the content.
  public var digest: [UInt8]
  /// Seconds since 1970-01-01 UTC; filled in by the store.
  public var recordedAt: Double

  public init(
    study: String, name: String, mediaType: String, content: Content, digest: [UInt8],
    recordedAt: Double = 0
  ) {
    self.study = study
    self.name = name
    self.mediaType = mediaType
    self.content = content
    self.digest = digest
    self.recordedAt = recordedAt
  }
}

extension AggregatorStore {
  /// Stores an artefact, in place of an older one of that name.
  public func storeArtefact(_ artefact: Artefact) async throws(StoreError) {
    let time = database.clock()
    try await database.write("store artefact") { connection in
      let path: String? =
        if case .file(let path) = artefact.content { path } else { nil }
      let bytes: [UInt8]? =
        if case .bytes(let bytes) = artefact.content { bytes } else { nil }
      try connection.execute(
        sql: """
          INSERT INTO artefact VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (study, name)
          DO UPDATE SET media_type = excluded.media_type, path = excluded.path,
            bytes = excluded.bytes, digest = excluded.digest, recorded_at = excluded.recorded_at
          """,
        arguments: [
          artefact.study, artefact.name, artefact.mediaType, path, bytes?.blob,
          artefact.digest.blob, time,
        ])
    }
  }

  /// The artefact of that name; nil when there is none.
  public func artefact(
    study: String, name: String
  ) async throws(StoreError) -> Artefact? {
    try await database.read("read artefact") { connection in
      try Row.fetchOne(
        connection, sql: "SELECT * FROM artefact WHERE study = ? AND name = ?",
        arguments: [study, name]
      ).map(Artefact.init(row:))
    }
  }

  /// All artefacts of a study, by name.
  public func artefacts(study: String) async throws(StoreError) -> [Artefact] {
    try await database.read("read artefacts") { connection in
      try Row.fetchAll(
        connection, sql: "SELECT * FROM artefact WHERE study = ? ORDER BY name",
        arguments: [study]
      ).map(Artefact.init(row:))
    }
  }
}

extension Artefact {
  init(row: Row) throws {
    let content: Content
    if let path = try row.textIfPresent("path") {
      content = .file(path: path)
    } else {
      content = .bytes(try row.bytes("bytes"))
    }
    self.init(
      study: try row.text("study"), name: try row.text("name"),
      mediaType: try row.text("media_type"), content: content, digest: try row.bytes("digest"),
      recordedAt: try row.real("recorded_at"))
  }
}
