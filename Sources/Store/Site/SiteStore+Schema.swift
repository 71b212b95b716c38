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
    ])

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
