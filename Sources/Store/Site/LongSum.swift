import GRDB

/// The values of a long published sum at a site, kept beside its transcript entry, which then holds none:
/// written once and not hashed again, since the entry's digest covers them.
///
/// Assumes that whoever reads it makes the digest again and compares it with the entry's.
public struct LongSum: Sendable, Equatable {
  /// Position of the entry in the transcript, from 0.
  public var index: Int64
  /// Bits of an element: 32 or 64.
  public var width: UInt8
  /// The elements of the sum as they were published, with the constant one.
  public var bytes: [UInt8]

  public init(index: Int64, width: UInt8, bytes: [UInt8]) {
    self.index = index
    self.width = width
    self.bytes = bytes
  }

  static let schema = """
    CREATE TABLE transcript_sum (
      study TEXT NOT NULL REFERENCES study (id),
      position INTEGER NOT NULL,
      width INTEGER NOT NULL,
      bytes BLOB NOT NULL,
      PRIMARY KEY (study, position)
    ) STRICT;
    CREATE TRIGGER transcript_sum_is_not_updated BEFORE UPDATE ON transcript_sum
      BEGIN SELECT RAISE(ABORT, 'the transcript is append-only'); END;
    CREATE TRIGGER transcript_sum_is_not_deleted BEFORE DELETE ON transcript_sum
      BEGIN SELECT RAISE(ABORT, 'the transcript is append-only'); END;
    """

  /// Writes the sum unless it is there, in a transaction of the caller.
  func append(study: String, in connection: Database) throws {
    try connection.run(
      "INSERT INTO transcript_sum VALUES (?, ?, ?, ?) ON CONFLICT (study, position) DO NOTHING",
      [study, index, Int64(width), bytes])
  }
}

extension SiteStore {
  /// The values of a long sum; nil when the entry at this index has its values itself.
  public func longSum(study: String, index: Int64) async throws(StoreError) -> LongSum? {
    try await database.read("read sum") { connection in
      try connection.firstRow(
        "SELECT width, bytes FROM transcript_sum WHERE study = ? AND position = ?", [study, index]
      ).map { row in
        LongSum(
          index: index, width: UInt8(clamping: try row.integer("width")),
          bytes: try row.bytes("bytes"))
      }
    }
  }
}
