extension AggregatorStore {
  /// The tables. A migration that was released is never edited: a change is a new one at the end.
  static let schema = StoreSchema(
    applicationID: 0x5752_4147,  // "WRAG"
    migrations: [
      .init(
        name: "1 aggregator",
        sql: members + studies + AuditLog.schema + TranscriptTable.schema),
      .init(name: "2 evidence", sql: EvidenceTable.schema),
      .init(name: "3 ledger heads", sql: StoredLedgerHead.schema),
      .init(name: "4 sums in pieces", sql: sumPieces),
    ])

  private static let sumPieces = """
    CREATE TABLE sum_piece (
      study TEXT NOT NULL REFERENCES study (id),
      round INTEGER NOT NULL,
      position INTEGER NOT NULL,
      bytes BLOB NOT NULL,
      PRIMARY KEY (study, round, position)
    ) STRICT;
    INSERT INTO sum_piece SELECT study, round, 0, sum FROM sum_proof;
    ALTER TABLE sum_proof DROP COLUMN sum;
    """

  private static let members = """
    CREATE TABLE invitation (
      token_hash BLOB PRIMARY KEY NOT NULL,
      principal TEXT NOT NULL,
      role TEXT NOT NULL,
      legal_entity TEXT NOT NULL,
      created_at REAL NOT NULL,
      expires_at REAL NOT NULL,
      used_at REAL,
      used_by_key BLOB,
      used_serial TEXT
    ) STRICT;
    CREATE TABLE certificate (
      serial TEXT PRIMARY KEY NOT NULL,
      principal TEXT NOT NULL,
      role TEXT NOT NULL,
      key_digest BLOB NOT NULL,
      encoded BLOB NOT NULL,
      issued_at REAL NOT NULL,
      not_after REAL NOT NULL
    ) STRICT;
    CREATE INDEX certificate_by_principal ON certificate (principal);
    CREATE TABLE revocation (
      serial TEXT PRIMARY KEY NOT NULL REFERENCES certificate (serial),
      revoked_at REAL NOT NULL,
      revoked_by TEXT NOT NULL,
      reason TEXT NOT NULL
    ) STRICT;
    CREATE TABLE site (
      name TEXT PRIMARY KEY NOT NULL,
      legal_entity TEXT NOT NULL,
      signing_key BLOB NOT NULL,
      joined_at REAL NOT NULL,
      last_seen_at REAL,
      revoked_at REAL
    ) STRICT;

    """

  private static let studies = """
    CREATE TABLE study (
      id TEXT PRIMARY KEY NOT NULL,
      name TEXT NOT NULL,
      yaml TEXT NOT NULL,
      plan_digest BLOB NOT NULL,
      status TEXT NOT NULL,
      proposer TEXT NOT NULL,
      proposed_at REAL NOT NULL,
      started_at REAL,
      finished_at REAL,
      error TEXT,
      manifest BLOB
    ) STRICT;
    CREATE TABLE sum_progress (
      study TEXT PRIMARY KEY NOT NULL REFERENCES study (id),
      epoch INTEGER,
      round INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE sum_proof (
      study TEXT NOT NULL REFERENCES study (id),
      round INTEGER NOT NULL,
      epoch INTEGER NOT NULL,
      round_open BLOB NOT NULL,
      result BLOB NOT NULL,
      sum BLOB NOT NULL,
      PRIMARY KEY (study, round)
    ) STRICT;
    CREATE TABLE approval (
      study TEXT NOT NULL REFERENCES study (id),
      site TEXT NOT NULL,
      approved INTEGER NOT NULL,
      signed_decision BLOB NOT NULL,
      received_at REAL NOT NULL,
      PRIMARY KEY (study, site)
    ) STRICT;
    CREATE TABLE progress (
      id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
      study TEXT NOT NULL REFERENCES study (id),
      stage TEXT NOT NULL,
      fraction REAL,
      text TEXT NOT NULL,
      recorded_at REAL NOT NULL
    ) STRICT;
    CREATE INDEX progress_by_study ON progress (study, id);
    CREATE TABLE artefact (
      study TEXT NOT NULL REFERENCES study (id),
      name TEXT NOT NULL,
      media_type TEXT NOT NULL,
      path TEXT,
      bytes BLOB,
      digest BLOB NOT NULL,
      recorded_at REAL NOT NULL,
      PRIMARY KEY (study, name),
      CHECK ((path IS NULL) <> (bytes IS NULL))
    ) STRICT;

    """
}
