import Cryptography
import GRDB
import SecureAggregation

/// A piece of evidence as it is stored: signed messages that show who broke the protocol.
public struct StoredEvidence: Sendable, Equatable {
  /// Filled in by the store; rises.
  public var id: Int64
  public var study: String
  /// The round that a fault stopped; 0 when keys were being agreed.
  public var round: UInt64
  /// The fault's registered name.
  public var fault: String
  /// What the evidence shows, in words, without a patient's value.
  public var summary: String
  /// Whether it proves something by itself.
  public var proves: Bool
  public var content: [UInt8]
  /// Seconds since 1970-01-01 UTC; filled in by the store.
  public var recordedAt: Double

  public init(
    study: String, round: UInt64, fault: String, summary: String, proves: Bool,
    content: [UInt8], id: Int64 = 0, recordedAt: Double = 0
  ) {
    self.id = id
    self.study = study
    self.round = round
    self.fault = fault
    self.summary = summary
    self.proves = proves
    self.content = content
    self.recordedAt = recordedAt
  }

  /// A piece as both roles keep it, with what it proves in words.
  public init(_ piece: Evidence, study: String, round: UInt64, layerNoise: LayerNoise?) {
    let summary = EvidenceSummary(piece, round: round, layerNoise: layerNoise)
    self.init(
      study: study, round: round, fault: summary.fault, summary: summary.text,
      proves: summary.proves, content: piece.bytes)
  }
}

/// The table of both roles.
enum EvidenceTable {
  static let schema = """
    CREATE TABLE evidence (
      id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
      study TEXT NOT NULL REFERENCES study (id),
      round INTEGER NOT NULL,
      fault TEXT NOT NULL,
      summary TEXT NOT NULL,
      proves INTEGER NOT NULL,
      digest BLOB NOT NULL,
      content BLOB NOT NULL,
      recorded_at REAL NOT NULL,
      UNIQUE (study, digest)
    ) STRICT;

    """

  /// How many pieces are kept for a study: a peer that misbehaves in every round fills no disk. The
  /// first ones stay.
  static let limit = 256

  /// Inserts a piece with its audit entry. False when it is there already or the study has too many.
  static func insert(
    _ evidence: StoredEvidence, at time: Double, in connection: Database
  ) throws -> Bool {
    let digest = Blake2b.hash("wardround.evidnc", evidence.content).bytes
    let row = try Row.fetchOne(
      connection,
      sql: "SELECT count(*) AS count, coalesce(sum(digest = ?), 0) AS same FROM evidence"
        + " WHERE study = ?", arguments: [digest.blob, evidence.study])
    guard let row, try row.integer("same") == 0, try row.integer("count") < limit else {
      return false
    }
    try connection.execute(
      sql: """
        INSERT INTO evidence
          (study, round, fault, summary, proves, digest, content, recorded_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        evidence.study, try RoundNumber.stored(evidence.round), evidence.fault, evidence.summary,
        evidence.proves, digest.blob, evidence.content.blob, time,
      ])
    try AuditLog.append(
      AuditNote(
        actor: "agent", action: "evidence-kept", study: evidence.study,
        detail: "round \(evidence.round), \(evidence.fault), \(evidence.content.count) bytes,"
          + " \(Hexadecimal.encode(digest)): \(String(evidence.summary.prefix(8_000)))"),
      at: time, to: connection)
    return true
  }

  static func all(study: String?, in connection: Database) throws -> [StoredEvidence] {
    try Row.fetchAll(
      connection, sql: "SELECT * FROM evidence WHERE ?1 IS NULL OR study = ?1 ORDER BY id",
      arguments: [study]
    ).map { row in
      StoredEvidence(
        study: try row.text("study"), round: try row.round("round"),
        fault: try row.text("fault"), summary: try row.text("summary"),
        proves: try row.integer("proves") != 0, content: try row.bytes("content"),
        id: try row.integer("id"), recordedAt: try row.real("recorded_at"))
    }
  }
}

extension SiteStore {
  /// Keeps evidence for ever, with its audit entry. Returns false when the very same piece is there
  /// already, or when the study has as many as are kept.
  @discardableResult
  public func keep(_ evidence: StoredEvidence) async throws(StoreError) -> Bool {
    let time = database.clock()
    return try await database.write("keep evidence") {
      try EvidenceTable.insert(evidence, at: time, in: $0)
    }
  }

  /// All evidence of a study, oldest first; of all studies when nil.
  public func evidence(study: String? = nil) async throws(StoreError) -> [StoredEvidence] {
    try await database.read("read evidence") { try EvidenceTable.all(study: study, in: $0) }
  }
}

extension AggregatorStore {
  /// Keeps evidence for ever, with its audit entry. Returns false when the very same piece is there
  /// already, or when the study has as many as are kept.
  @discardableResult
  public func keep(_ evidence: StoredEvidence) async throws(StoreError) -> Bool {
    let time = database.clock()
    return try await database.write("keep evidence") {
      try EvidenceTable.insert(evidence, at: time, in: $0)
    }
  }

  /// All evidence of a study, oldest first; of all studies when nil.
  public func evidence(study: String? = nil) async throws(StoreError) -> [StoredEvidence] {
    try await database.read("read evidence") { try EvidenceTable.all(study: study, in: $0) }
  }
}
