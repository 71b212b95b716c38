import CanonicalBytes
import Foundation
import GRDB

/// The transcript's tables and statements, the same at both roles.
enum TranscriptTable {
  static let schema = """
    CREATE TABLE transcript (
      study TEXT NOT NULL,
      position INTEGER NOT NULL,
      kind TEXT NOT NULL,
      query_digest BLOB NOT NULL,
      purpose TEXT NOT NULL,
      total BLOB NOT NULL,
      participants TEXT NOT NULL,
      proof BLOB NOT NULL,
      previous_digest BLOB NOT NULL,
      digest BLOB NOT NULL,
      recorded_at REAL NOT NULL,
      row_hash BLOB NOT NULL,
      PRIMARY KEY (study, position)
    ) STRICT;
    CREATE TABLE transcript_answer (
      study TEXT NOT NULL,
      position INTEGER NOT NULL,
      ordinal INTEGER NOT NULL,
      site TEXT NOT NULL,
      answer BLOB NOT NULL,
      signature BLOB NOT NULL,
      PRIMARY KEY (study, position, ordinal),
      UNIQUE (study, position, site)
    ) STRICT;
    CREATE TABLE transcript_head (
      study TEXT PRIMARY KEY NOT NULL,
      entry_count INTEGER NOT NULL,
      row_hash BLOB NOT NULL
    ) STRICT;
    CREATE TRIGGER transcript_is_not_updated BEFORE UPDATE ON transcript
      BEGIN SELECT RAISE(ABORT, 'the transcript is append-only'); END;
    CREATE TRIGGER transcript_is_not_deleted BEFORE DELETE ON transcript
      BEGIN SELECT RAISE(ABORT, 'the transcript is append-only'); END;
    CREATE TRIGGER transcript_answer_is_not_updated BEFORE UPDATE ON transcript_answer
      BEGIN SELECT RAISE(ABORT, 'the transcript is append-only'); END;
    CREATE TRIGGER transcript_answer_is_not_deleted BEFORE DELETE ON transcript_answer
      BEGIN SELECT RAISE(ABORT, 'the transcript is append-only'); END;
    """

  /// Where a study's transcript ends.
  struct Head: Sendable, Equatable {
    var count: Int64
    var rowHash: [UInt8]
    /// Digest of the last entry; nil without one, and where it was not read.
    var digest: [UInt8]?
  }

  /// Appends the next entry. The same entry again is fine; anything else at its place is not.
  static func append(
    _ entry: TranscriptEntry, at time: Double, to connection: Database
  ) throws -> AppendOutcome {
    var head: Head?
    return try append(entry, at: time, to: connection, head: &head)
  }

  /// Does the same with the head where it is known, and keeps it up to date.
  static func append(
    _ entry: TranscriptEntry, at time: Double, to connection: Database, head known: inout Head?
  ) throws -> AppendOutcome {
    // Made only for an error.
    var subject: String { "study \(entry.study), entry \(entry.index)" }
    let head = try known ?? head(of: entry.study, in: connection)
    if entry.index >= 0, entry.index < head.count {
      guard var stored = try fetch(entry.study, entry.index, in: connection) else {
        throw StoreError(.corrupted, "an entry of the transcript is missing", subject: subject)
      }
      stored.recordedAt = entry.recordedAt
      guard stored == entry else { throw StoreError(.conflict, subject: subject) }
      return .alreadyThere
    }
    guard entry.index == head.count else { throw StoreError(.outOfOrder, subject: subject) }
    if head.count > 0 {
      let last =
        try head.digest
        ?? connection.firstRow(
          "SELECT digest FROM transcript WHERE study = ? AND position = ?",
          [entry.study, head.count - 1])?.bytes("digest")
      guard let last, last == entry.previousDigest else {
        throw StoreError(
          .outOfOrder, "the entry does not continue the digest chain", subject: subject)
      }
    }
    var dated = entry
    dated.recordedAt = time
    let rowHash = rowHash(dated, after: head.rowHash)
    try insert(dated, rowHash: rowHash, into: connection)
    known = Head(count: entry.index + 1, rowHash: rowHash, digest: entry.digest)
    return .appended
  }

  private static func insert(
    _ entry: TranscriptEntry, rowHash: [UInt8], into connection: Database
  ) throws {
    try connection.run(
      "INSERT INTO transcript VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      [
        entry.study, entry.index, entry.kind.rawValue, entry.queryDigest, entry.purpose,
        entry.total, try entry.participants.namesText(), entry.proof,
        entry.previousDigest, entry.digest, entry.recordedAt, rowHash,
      ])
    for (ordinal, answer) in entry.siteAnswers.enumerated() {
      try connection.run(
        "INSERT INTO transcript_answer VALUES (?, ?, ?, ?, ?, ?)",
        [
          entry.study, entry.index, Int64(ordinal), answer.site, answer.answer,
          answer.signature,
        ])
    }
    try connection.run(
      """
      INSERT INTO transcript_head VALUES (?, ?, ?) ON CONFLICT (study)
      DO UPDATE SET entry_count = excluded.entry_count, row_hash = excluded.row_hash
      """, [entry.study, entry.index + 1, rowHash])
  }

  static func head(
    of study: String, in connection: Database
  ) throws -> Head {
    guard
      let row = try connection.firstRow(
        "SELECT entry_count, row_hash FROM transcript_head WHERE study = ?", [study])
    else { return Head(count: 0, rowHash: [UInt8](repeating: 0, count: 32)) }
    return Head(count: try row.integer("entry_count"), rowHash: try row.bytes("row_hash"))
  }

  static func fetch(
    _ study: String, _ index: Int64, in connection: Database
  ) throws -> TranscriptEntry? {
    try Row.fetchOne(
      connection, sql: "SELECT * FROM transcript WHERE study = ? AND position = ?",
      arguments: [study, index]
    ).map { try entry($0, in: connection) }
  }

  static func fetch(
    _ study: String, from index: Int64, limit: Int, in connection: Database
  ) throws -> [TranscriptEntry] {
    try Row.fetchAll(
      connection,
      sql: "SELECT * FROM transcript WHERE study = ? AND position >= ? ORDER BY position LIMIT ?",
      arguments: [study, index, Int64(limit)]
    ).map { try entry($0, in: connection) }
  }

  /// The first entry whose content, place or chain is not what was written; nil when all are.
  static func firstFault(of study: String, in connection: Database) throws -> TranscriptFault? {
    let head = try head(of: study, in: connection)
    var expected: Int64 = 0
    var hash = [UInt8](repeating: 0, count: 32)
    var digest: [UInt8]?
    let cursor = try Row.fetchCursor(
      connection, sql: "SELECT * FROM transcript WHERE study = ? ORDER BY position",
      arguments: [study])
    while let row = try cursor.next() {
      guard let entry = try? entry(row, in: connection), let stored = try? row.bytes("row_hash")
      else { return TranscriptFault(.unreadable, at: expected) }
      if entry.index > expected { return TranscriptFault(.removed, at: expected) }
      if entry.index < expected { return TranscriptFault(.unlinked, at: expected) }
      let found = rowHash(entry, after: hash)
      if found != stored { return TranscriptFault(.changed, at: expected) }
      if let digest, digest != entry.previousDigest {
        return TranscriptFault(.unlinked, at: expected)
      }
      hash = found
      digest = entry.digest
      expected += 1
    }
    if expected < head.count { return TranscriptFault(.removed, at: expected) }
    if hash != head.rowHash { return TranscriptFault(.changed, at: max(expected - 1, 0)) }
    return nil
  }

  private static func entry(_ row: Row, in connection: Database) throws -> TranscriptEntry {
    let study = try row.text("study")
    let index = try row.integer("position")
    let answers = try Row.fetchAll(
      connection,
      sql: "SELECT * FROM transcript_answer WHERE study = ? AND position = ? ORDER BY ordinal",
      arguments: [study, index]
    ).map {
      SiteAnswerRecord(
        site: try $0.text("site"), answer: try $0.bytes("answer"),
        signature: try $0.bytes("signature"))
    }
    return TranscriptEntry(
      study: study, index: index, kind: try row.choice("kind"),
      queryDigest: try row.bytes("query_digest"), purpose: try row.text("purpose"),
      total: try row.bytes("total"), participants: try row.names("participants"),
      siteAnswers: answers, proof: try row.bytes("proof"),
      previousDigest: try row.bytes("previous_digest"), digest: try row.bytes("digest"),
      recordedAt: try row.real("recorded_at"))
  }

  private static func rowHash(_ entry: TranscriptEntry, after previous: [UInt8]) -> [UInt8] {
    var writer = ByteWriter(reservingCapacity: 64)
    writer.blob(previous)
    writer.blob(StoreHash.transcriptRow.digest(entry.canonicalBytes))
    writer.double(entry.recordedAt)
    return StoreHash.transcriptRow.digest(writer.bytes)
  }
}
