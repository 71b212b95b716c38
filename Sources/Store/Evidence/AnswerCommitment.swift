import Cryptography
import GRDB

/// What a site bound itself to before an answer left: commit-and-audit (PRIVACY-CORE §2.8). With the
/// nonce it can be opened to an auditor by computing the answer again.
public struct AnswerCommitment: Sendable, Equatable {
  public var study: String
  /// The query's digest.
  public var query: [UInt8]
  /// What was asked, such as `newton`.
  public var kind: String
  /// Which of the study's results the answer is a part of, from 0.
  public var index: UInt32
  /// Digest of the cohort that the answer was computed from.
  public var fingerprint: [UInt8]
  /// 32 random bytes, so that the commitment says nothing about a short answer.
  public var nonce: [UInt8]
  /// The commitment, and the site's signature on it.
  public var digest: [UInt8]
  public var signature: [UInt8]
  /// Seconds since 1970-01-01 UTC; filled in by the store.
  public var recordedAt: Double

  public init(
    study: String, query: [UInt8], kind: String, index: UInt32, fingerprint: [UInt8],
    nonce: [UInt8], digest: [UInt8], signature: [UInt8], recordedAt: Double = 0
  ) {
    self.study = study
    self.query = query
    self.kind = kind
    self.index = index
    self.fingerprint = fingerprint
    self.nonce = nonce
    self.digest = digest
    self.signature = signature
    self.recordedAt = recordedAt
  }
}

extension AnswerCommitment {
  static let schema = """
    CREATE TABLE answer_commitment (
      study TEXT NOT NULL REFERENCES study (id),
      query BLOB NOT NULL,
      kind TEXT NOT NULL,
      position INTEGER NOT NULL,
      fingerprint BLOB NOT NULL,
      nonce BLOB NOT NULL,
      digest BLOB NOT NULL,
      signature BLOB NOT NULL,
      recorded_at REAL NOT NULL,
      PRIMARY KEY (study, query)
    ) STRICT;

    """

  init(row: Row) throws {
    self.init(
      study: try row.text("study"), query: try row.bytes("query"), kind: try row.text("kind"),
      index: UInt32(clamping: try row.integer("position")),
      fingerprint: try row.bytes("fingerprint"), nonce: try row.bytes("nonce"),
      digest: try row.bytes("digest"), signature: try row.bytes("signature"),
      recordedAt: try row.real("recorded_at"))
  }

  static func fetchAll(study: String, in connection: Database) throws -> [AnswerCommitment] {
    try connection.allRows(
      "SELECT * FROM answer_commitment WHERE study = ? ORDER BY position", [study]
    ).map(AnswerCommitment.init(row:))
  }
}

extension AnswerCommitment {
  /// Records the commitment and its audit entry unless its query has one, in a transaction of the
  /// caller.
  func record(at time: Double, in connection: Database, known: inout KnownRows) throws {
    try connection.run(
      """
      INSERT INTO answer_commitment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (study, query) DO NOTHING
      """,
      [study, query, kind, Int64(index), fingerprint, nonce, digest, signature, time])
    guard connection.changesCount > 0 else { return }
    try AuditLog.append(
      AuditNote(
        actor: "agent", action: "committed", study: study,
        detail: "result \(index), \(kind): " + Hexadecimal.encode(digest) + ", signed "
          + Hexadecimal.encode(signature)), at: time, to: connection, head: &known.auditHead)
  }
}

extension SiteStore {
  /// The commitments of a study, in the order of its results.
  public func commitments(study: String) async throws(StoreError) -> [AnswerCommitment] {
    try await database.read("read commitments") {
      try AnswerCommitment.fetchAll(study: study, in: $0)
    }
  }
}
