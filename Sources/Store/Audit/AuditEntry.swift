import CanonicalBytes

/// Who did what, to be written into the audit log. Never patient data: names, words and counts.
public struct AuditNote: Sendable, Equatable {
  /// Who acted: a person's or a principal's name, or "agent". At most 256 bytes of UTF-8.
  public var actor: String
  /// What was done, a constant word such as "study-approved". At most 256 bytes.
  public var action: String
  /// The study concerned, empty when none. At most 256 bytes.
  public var study: String
  /// What a reader needs to understand the entry. At most 16,384 bytes.
  public var detail: String

  public init(actor: String, action: String, study: String = "", detail: String = "") {
    self.actor = actor
    self.action = action
    self.study = study
    self.detail = detail
  }

  /// Throws `invalidValue` when a field is longer than it may be or the action is empty.
  func check() throws(StoreError) {
    guard !action.isEmpty, actor.utf8.count <= 256, action.utf8.count <= 256,
      study.utf8.count <= 256, detail.utf8.count <= 16_384
    else { throw StoreError(.invalidValue, "an audit entry has a field that is too long or empty") }
  }
}

/// One entry of the audit log, chained to the one before by its hash.
public struct AuditEntry: Sendable, Equatable {
  /// Position in the log, from 1 without gaps.
  public var sequence: Int64
  /// Seconds since 1970-01-01 UTC, by the clock of the machine that wrote it.
  public var time: Double
  public var note: AuditNote
  /// Hash of the entry before; 32 zero bytes for the first.
  public var previousHash: [UInt8]
  /// BLAKE2b-256 of `canonicalBytes` under the label of the audit log.
  public var hash: [UInt8]

  public init(
    sequence: Int64, time: Double, note: AuditNote, previousHash: [UInt8], hash: [UInt8]
  ) {
    self.sequence = sequence
    self.time = time
    self.note = note
    self.previousHash = previousHash
    self.hash = hash
  }

  /// The next entry of a chain that ends in `previousHash` at `sequence − 1`.
  init(following previousHash: [UInt8], sequence: Int64, time: Double, note: AuditNote) {
    self.init(sequence: sequence, time: time, note: note, previousHash: previousHash, hash: [])
    hash = expectedHash
  }

  /// What is hashed: version, sequence, time, actor, action, study, detail, previous hash.
  public var canonicalBytes: [UInt8] {
    var writer = ByteWriter(reservingCapacity: 160)
    writer.integer(UInt8(1))
    writer.integer(sequence)
    writer.double(time)
    writer.string(note.actor)
    writer.string(note.action)
    writer.string(note.study)
    writer.string(note.detail)
    writer.blob(previousHash)
    return writer.bytes
  }

  /// The hash that the entry's content asks for.
  public var expectedHash: [UInt8] { StoreHash.auditEntry.digest(canonicalBytes) }

  /// The hash before the first entry.
  public static let origin = [UInt8](repeating: 0, count: 32)
}
