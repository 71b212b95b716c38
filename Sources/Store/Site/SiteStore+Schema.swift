extension SiteStore {
  /// The tables. A migration that was released is never edited: a change is a new one at the end.
  static let schema = StoreSchema(
    applicationID: 0x5752_5349,  // "WRSI"
    migrations: [
      .init(name: "1 site", sql: version1 + AuditLog.schema + TranscriptTable.schema),
      .init(name: "2 privacy ledger", sql: LedgerTable.schema),
      .init(name: "3 evidence", sql: EvidenceTable.schema + AnswerCommitment.schema),
      .init(name: "4 cohort of a study", sql: StudyCohort.schema),
      .init(name: "5 sets are the protocol's", sql: "DROP TABLE answered_query;"),
      .init(name: "6 members", sql: KnownMember.schema),
      .init(name: "7 studies without noise", sql: ExactStudy.schema),
      .init(name: "8 long sums", sql: LongSum.schema),
      .init(name: "9 masked vectors beside the database", sql: "DROP TABLE journal_vector;"),
      .init(name: "10 fewer pages for a round", sql: fewerPages),
    ])

  /// Every index is a page more to write in every step of a round. One index of the journal serves both
  /// for looking up and for keeping each step unique: of a round's steps `once` is 0, and null, which is
  /// never equal, for epochs and aborts. Numbers of erased records may come again: among those that are
  /// there, they rise.
  private static let fewerPages = """
    CREATE TABLE journal_10 (
      sequence INTEGER PRIMARY KEY NOT NULL,
      study TEXT NOT NULL REFERENCES study (id),
      kind INTEGER NOT NULL,
      round INTEGER NOT NULL,
      epoch INTEGER,
      record BLOB NOT NULL,
      record_afterwards BLOB,
      result_digest BLOB,
      recorded_at REAL NOT NULL,
      once INTEGER AS (CASE WHEN kind BETWEEN 2 AND 8 THEN 0 END) VIRTUAL
    ) STRICT;
    INSERT INTO journal_10 SELECT * FROM journal ORDER BY sequence;
    DROP TABLE journal;
    ALTER TABLE journal_10 RENAME TO journal;
    CREATE UNIQUE INDEX journal_step ON journal (study, round, kind, once);
    CREATE UNIQUE INDEX journal_epoch ON journal (study, epoch) WHERE kind = 1;
    CREATE TABLE answer_commitment_10 (
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
    ) STRICT, WITHOUT ROWID;
    INSERT INTO answer_commitment_10 SELECT * FROM answer_commitment;
    DROP TABLE answer_commitment;
    ALTER TABLE answer_commitment_10 RENAME TO answer_commitment;
    DROP INDEX disclosure_by_study;
    """

  private static let version1 = """
    CREATE TABLE setting (
      name TEXT PRIMARY KEY NOT NULL,
      value TEXT NOT NULL
    ) STRICT;
    CREATE TABLE study (
      id TEXT PRIMARY KEY NOT NULL,
      name TEXT NOT NULL,
      plan_text TEXT NOT NULL,
      plan_digest BLOB NOT NULL,
      status TEXT NOT NULL,
      proposed_at REAL NOT NULL,
      updated_at REAL NOT NULL,
      decided_by TEXT,
      decided_at REAL,
      reason TEXT,
      signed_decision BLOB,
      manifest BLOB
    ) STRICT;
    CREATE TABLE journal (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
      study TEXT NOT NULL REFERENCES study (id),
      kind INTEGER NOT NULL,
      round INTEGER NOT NULL,
      epoch INTEGER,
      record BLOB NOT NULL,
      record_afterwards BLOB,
      result_digest BLOB,
      recorded_at REAL NOT NULL
    ) STRICT;
    CREATE INDEX journal_by_round ON journal (study, round, kind);
    CREATE UNIQUE INDEX journal_step ON journal (study, round, kind) WHERE kind BETWEEN 2 AND 8;
    CREATE UNIQUE INDEX journal_epoch ON journal (study, epoch) WHERE kind = 1;
    CREATE TABLE journal_vector (
      study TEXT NOT NULL REFERENCES study (id),
      digest BLOB NOT NULL,
      round INTEGER NOT NULL,
      bytes BLOB NOT NULL,
      PRIMARY KEY (study, digest)
    ) STRICT;
    CREATE TABLE answered_query (
      study TEXT NOT NULL REFERENCES study (id),
      query_digest BLOB NOT NULL,
      round INTEGER NOT NULL,
      participants TEXT NOT NULL,
      answered_at REAL NOT NULL,
      PRIMARY KEY (study, query_digest, round)
    ) STRICT;
    CREATE TABLE disclosure (
      id INTEGER PRIMARY KEY NOT NULL,
      study TEXT NOT NULL REFERENCES study (id),
      kind TEXT NOT NULL,
      query TEXT NOT NULL,
      value_count INTEGER NOT NULL,
      byte_count INTEGER NOT NULL,
      smallest_cell INTEGER,
      recorded_at REAL NOT NULL
    ) STRICT;
    CREATE INDEX disclosure_by_study ON disclosure (study, id);

    """
}
