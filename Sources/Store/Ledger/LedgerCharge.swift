/// What one release cost the privacy of this site's patients, in the numbers of its mechanism.
public struct LedgerCharge: Sendable, Equatable {
  public var study: String
  /// Digest of the query behind its history; 32 bytes.
  public var queryDigest: [UInt8]
  /// Round of a secure sum; 0 for a site answer.
  public var round: UInt64
  /// The query in words.
  public var purpose: String
  /// Whose data: 0 everybody, 1 training, 2 holdout patients.
  public var patientGroup: Int64
  /// σ² of the noise per element, lattice units².
  public var variance: Int64
  /// Square of the most that one patient moves the vector, lattice units².
  public var sensitivitySquared: Int64
  /// Probability with which a patient takes part, in (0, 1].
  public var samplingRate: Double

  public init(
    study: String, queryDigest: [UInt8], round: UInt64, purpose: String, patientGroup: Int64,
    variance: Int64, sensitivitySquared: Int64, samplingRate: Double
  ) {
    self.study = study
    self.queryDigest = queryDigest
    self.round = round
    self.purpose = purpose
    self.patientGroup = patientGroup
    self.variance = variance
    self.sensitivitySquared = sensitivitySquared
    self.samplingRate = samplingRate
  }
}

/// A charge as the ledger keeps it: numbered from 1 without gaps, each entry bound to the one before.
public struct LedgerEntry: Sendable, Equatable {
  public var sequence: Int64
  public var charge: LedgerCharge
  /// Seconds since 1970-01-01 UTC.
  public var chargedAt: Double
  /// Digest of this entry behind all before it; 32 bytes.
  public var digest: [UInt8]
}

/// How far a ledger reached at some time: kept outside the database, so that a database restored from
/// a backup is noticed.
public struct LedgerMark: Sendable, Equatable {
  public var sequence: Int64
  public var digest: [UInt8]

  public init(sequence: Int64, digest: [UInt8]) {
    self.sequence = sequence
    self.digest = digest
  }
}
