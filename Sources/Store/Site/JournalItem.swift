/// What a journal record authorises, numbered as on the wire of the protocol's journal.
public enum JournalKind: Int64, Sendable, CaseIterable {
  /// An epoch of keys is taken up.
  case epoch = 1
  case opened = 2
  case shared = 3
  case locked = 4
  /// The masked vector may leave.
  case committed = 5
  /// The one acknowledgement of a round may leave.
  case acknowledged = 6
  /// The shares that open the sum may leave.
  case released = 7
  /// A result was accepted, of this site's own round or of one it caught up with.
  case done = 8
  case aborted = 9

  /// Whether losing the record in a power cut could harm: an epoch number must not come back, and an
  /// opened sum must count for ever. The steps between are lost together with the epoch's keys,
  /// without which a restarted site signs nothing more for them.
  var alwaysNeedsSync: Bool { self == .epoch || self == .released }
}

extension JournalKind: Comparable {
  public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

/// One record for the journal: opaque bytes, and what the store has to know to keep the rules.
public struct JournalItem: Sendable, Equatable {
  public var kind: JournalKind
  /// Round number within the study, below 2^63. For an `epoch` record its base round.
  public var round: UInt64
  /// The record's canonical bytes, opaque to the store.
  public var record: [UInt8]
  /// The number of the epoch; required for `epoch`, ignored otherwise.
  public var epoch: UInt32?
  /// What takes the record's place when its round is over, such as the same record without its
  /// message; for `released` only. Other steps vanish with their round.
  public var recordAfterwards: [UInt8]?
  /// R, the digest of the result; for `done` only.
  public var resultDigest: [UInt8]?

  public init(
    _ kind: JournalKind, round: UInt64, record: [UInt8], epoch: UInt32? = nil,
    recordAfterwards: [UInt8]? = nil, resultDigest: [UInt8]? = nil
  ) {
    self.kind = kind
    self.round = round
    self.record = record
    self.epoch = epoch
    self.recordAfterwards = recordAfterwards
    self.resultDigest = resultDigest
  }
}

/// A masked vector kept so that a restarted site can send the same bytes again, until its round is over.
public struct JournalVector: Sendable, Equatable {
  public var round: UInt64
  /// Digest of the bytes, under which the masked message names them: 32 bytes.
  public var digest: [UInt8]
  public var bytes: [UInt8]

  public init(round: UInt64, digest: [UInt8], bytes: [UInt8]) {
    self.round = round
    self.digest = digest
    self.bytes = bytes
  }
}

/// What is written in one step before a message may leave.
public struct JournalBatch: Sendable {
  /// In the order in which the protocol asked for them.
  public var items: [JournalItem]
  /// The masked vector of the round that the items are about.
  public var vector: JournalVector?
  /// The result that a `done` record is about.
  public var transcript: [TranscriptEntry]
  /// The values of the sums that those entries do not hold.
  public var sums: [LongSum]
  /// What the message discloses; each gets its audit entry.
  public var disclosures: [Disclosure]
  /// What the site binds itself to with the disclosed answer, and whose data the answer is of; a repeated
  /// question keeps its first one.
  public var commitment: AnswerCommitment?
  /// What opening it costs the patients' privacy budget.
  public var charges: [LedgerCharge]
  /// Decides about new charges, in the same transaction; nil writes them whatever they come to.
  public var admission: LedgerAdmission?

  public init(
    items: [JournalItem] = [], vector: JournalVector? = nil, transcript: [TranscriptEntry] = [],
    sums: [LongSum] = [], disclosures: [Disclosure] = [],
    commitment: AnswerCommitment? = nil, charges: [LedgerCharge] = [],
    admission: LedgerAdmission? = nil
  ) {
    self.items = items
    self.vector = vector
    self.transcript = transcript
    self.sums = sums
    self.disclosures = disclosures
    self.commitment = commitment
    self.charges = charges
    self.admission = admission
  }
}

/// A study's journal as a restarted site reads it.
public struct StoredJournal: Sendable, Equatable {
  /// In the order in which they were written.
  public var records: [[UInt8]]
  /// The masked vector of a round that is not over; its bytes are to be compared with its digest.
  public var vector: JournalVector?
}
