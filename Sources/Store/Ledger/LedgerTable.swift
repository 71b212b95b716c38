import CanonicalBytes
import GRDB

/// The ledger's rows. Entries are only ever added; the digest of each covers the one before.
enum LedgerTable {
  static let schema = """
    CREATE TABLE ledger (
      sequence INTEGER PRIMARY KEY NOT NULL,
      study TEXT NOT NULL,
      query_digest BLOB NOT NULL,
      round INTEGER NOT NULL,
      purpose TEXT NOT NULL,
      patient_group INTEGER NOT NULL,
      variance INTEGER NOT NULL,
      sensitivity_squared INTEGER NOT NULL,
      sampling_rate REAL NOT NULL,
      charged_at REAL NOT NULL,
      digest BLOB NOT NULL,
      UNIQUE (study, query_digest, round)
    ) STRICT;
    CREATE TABLE budget (
      sequence INTEGER PRIMARY KEY NOT NULL,
      scope TEXT NOT NULL,
      epsilon REAL NOT NULL,
      proposed_by TEXT NOT NULL,
      proposed_at REAL NOT NULL,
      confirmed_by TEXT,
      confirmed_at REAL
    ) STRICT;

    """

  /// Adds a charge unless it is there: the same release of the same round is paid once.
  @discardableResult
  static func append(
    _ charge: LedgerCharge, at time: Double, in connection: Database
  ) throws -> AppendOutcome {
    guard charge.variance > 0, charge.sensitivitySquared >= 0, charge.samplingRate > 0,
      charge.samplingRate <= 1, charge.queryDigest.count == 32, charge.round < 1 << 63
    else { throw StoreError(.invalidValue, "the charge has no meaning", subject: charge.study) }
    let present = try connection.firstRow(
      "SELECT sequence FROM ledger WHERE study = ? AND query_digest = ? AND round = ?",
      [charge.study, charge.queryDigest.blob, Int64(charge.round)])
    guard present == nil else { return .alreadyThere }
    let last = try connection.firstRow(
      "SELECT sequence, digest FROM ledger ORDER BY sequence DESC LIMIT 1")
    let sequence = try last.map { try $0.integer("sequence") + 1 } ?? 1
    let previous = try last?.bytes("digest") ?? [UInt8](repeating: 0, count: 32)
    let digest = digest(of: charge, sequence: sequence, at: time, after: previous)
    try connection.run(
      "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      [
        sequence, charge.study, charge.queryDigest, Int64(charge.round),
        charge.purpose, charge.patientGroup, charge.variance, charge.sensitivitySquared,
        charge.samplingRate, time, digest,
      ])
    return .appended
  }

  static func digest(
    of charge: LedgerCharge, sequence: Int64, at time: Double, after previous: [UInt8]
  ) -> [UInt8] {
    var writer = ByteWriter()
    writer.blob(previous)
    writer.integer(sequence)
    writer.string(charge.study)
    writer.blob(charge.queryDigest)
    writer.integer(charge.round)
    writer.string(charge.purpose)
    writer.integer(charge.patientGroup)
    writer.integer(charge.variance)
    writer.integer(charge.sensitivitySquared)
    writer.double(charge.samplingRate)
    writer.double(time)
    return StoreHash.ledgerEntry.digest(writer.bytes)
  }
}
