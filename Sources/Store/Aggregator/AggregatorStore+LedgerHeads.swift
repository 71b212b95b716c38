import GRDB

/// How far a site's privacy ledger reached, as the site signed it.
public struct StoredLedgerHead: Sendable, Equatable {
  public var site: String
  public var sequence: UInt64
  public var digest: [UInt8]
  public var signature: [UInt8]

  public init(site: String, sequence: UInt64, digest: [UInt8], signature: [UInt8]) {
    self.site = site
    self.sequence = sequence
    self.digest = digest
    self.signature = signature
  }
}

extension StoredLedgerHead {
  static let schema = """
    CREATE TABLE ledger_head (
      site TEXT PRIMARY KEY NOT NULL,
      sequence INTEGER NOT NULL,
      digest BLOB NOT NULL,
      signature BLOB NOT NULL
    ) STRICT;

    """
}

extension AggregatorStore {
  /// Keeps a site's head unless it left one as high before: what was kept first stays.
  ///
  /// - Throws: `invalidValue` for a number beyond 2^63.
  public func keep(_ head: StoredLedgerHead) async throws(StoreError) {
    try await database.write("keep ledger head", durability: .relaxed) { connection in
      guard head.sequence < 1 << 63 else { throw StoreError(.invalidValue, subject: head.site) }
      try connection.run(
        """
        INSERT INTO ledger_head VALUES (?, ?, ?, ?)
        ON CONFLICT (site) DO UPDATE SET sequence = excluded.sequence, digest = excluded.digest,
          signature = excluded.signature
        WHERE excluded.sequence > ledger_head.sequence
        """,
        [head.site, Int64(head.sequence), head.digest, head.signature])
    }
  }

  /// The highest head that a site has left here; nil before the first.
  public func ledgerHead(of site: String) async throws(StoreError) -> StoredLedgerHead? {
    try await database.read("read ledger head") { connection in
      try connection.firstRow("SELECT * FROM ledger_head WHERE site = ?", [site]).map {
        StoredLedgerHead(
          site: try $0.text("site"), sequence: UInt64(max(try $0.integer("sequence"), 0)),
          digest: try $0.bytes("digest"), signature: try $0.bytes("signature"))
      }
    }
  }
}
