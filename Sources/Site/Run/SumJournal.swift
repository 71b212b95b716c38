import CanonicalBytes
import Cryptography
import FixedPoint
import SecureAggregation
import Store
import Study

/// Keeps the secure-sum protocol's records in the site's store.
enum SumJournal {
  /// What a session takes up after a start.
  static func read(_ store: SiteStore, study: String) async throws -> SiteJournal {
    let stored = try await store.journal(study: study)
    var journal = SiteJournal(records: try stored.records.map { try JournalRecord($0) })
    guard let kept = stored.vector, let digest = try? Digest(kept.digest),
      isWhole(kept.bytes, digest)
    else { return journal }
    for record in journal.records {
      // The ring width of a kept vector is the one of the round it was committed for.
      guard case .opened(_, _, _, let body) = record.content else { continue }
      let width = SumMessage.ringWidth(ofRoundOpenBody: body)
      journal.vectors[digest] = RingVector(kept.bytes, width: width)
    }
    return journal
  }

  /// Whether a power cut left the vector as it was committed to. Without it the round ends without this site.
  private static func isWhole(_ bytes: [UInt8], _ digest: Digest) -> Bool {
    var digester = PayloadDigester(byteCount: bytes.count)
    bytes.withUnsafeBytes { digester.update($0) }
    return digester.finish()?.digest == digest
  }

  /// Whether the next action belongs to the records before it.
  static func goesOn(_ next: SiteAction?) -> Bool {
    switch next {
    case .journal, .keep: true
    default: false
    }
  }

  /// Whether records authorise nothing yet and can be written with those that follow: in a fast round
  /// nothing is sent between RoundOpen and Masked.
  static func mayWait(_ records: [JournalRecord], next: SiteAction?) -> Bool {
    switch next {
    case .send, .sendMasked: return false
    default: break
    }
    return records.allSatisfy {
      if case .opened = $0.content { true } else { false }
    }
  }

  /// Writes records before the message that they authorise is sent.
  static func append(
    _ records: [JournalRecord], keeping vector: JournalVector?, charges: [LedgerCharge],
    letting passage: Door.Passage?, through door: Door
  ) throws {
    // What authorises no message may be lost in a power cut: the round is then burned again. So may an
    // acknowledgement: without the round's keys, which were in memory, the site signs no other one.
    let mayBeLost = records.allSatisfy { $0.type >= 8 || $0.type == 6 }
    let batch = JournalBatch(
      items: try records.map { try JournalItem(record: $0.bytes) }, vector: vector,
      charges: charges)
    try door.append(batch, letting: passage, durability: mayBeLost ? .relaxed : .full)
  }

  /// Writes a result into the transcript and closes its round, in one step: what stays for ever is
  /// the set that was released and the result's digest; messages, seeds and the masked vector are
  /// erased.
  static func close(
    _ outcome: RoundOutcome, entry: Store.TranscriptEntry, charge: LedgerCharge?,
    store: SiteStore
  ) throws {
    let done = JournalRecord(round: outcome.round, .done(digest: outcome.digest))
    let sums =
      Study.TranscriptEntry.isLong(valueCount: outcome.sum.count - 1)
      ? [
        LongSum(
          index: entry.index, width: outcome.sum.width.rawValue, bytes: outcome.sum.bytes)
      ] : []
    try store.appendJournal(
      JournalBatch(
        items: [try JournalItem(record: done.bytes)], transcript: [entry],
        sums: sums, charges: charge.map { [$0] } ?? []),
      study: entry.study, durability: .relaxed)
  }
}

/// Keeps the study's results in the site's store, so that a restarted site runs the program again
/// without looking at its patients.
enum SiteTranscript {
  static func read(
    _ store: SiteStore, study: AgreedStudy
  ) async throws -> (entries: [Study.TranscriptEntry], head: Digest) {
    var head = Study.TranscriptEntry.genesis(of: study)
    var entries: [Study.TranscriptEntry] = []
    for stored in try await store.transcript(study: study.plan.id) {
      var reader = ByteReader(stored.total)
      var entry = try Study.TranscriptEntry(from: &reader)
      if case .total(let total) = entry.content, total.count == 0 {
        entry.content = .total(
          try await longTotal(total, at: stored.index, in: store, study: study.plan.id))
      }
      head = entry.head(after: head)
      guard head.bytes == stored.digest else { throw changed(stored.index) }
      entries.append(entry)
    }
    return (entries, head)
  }

  /// The sum whose values are kept beside its entry.
  private static func longTotal(
    _ total: Total, at index: Int64, in store: SiteStore, study: String
  ) async throws -> Total {
    guard let sum = try await store.longSum(study: study, index: index),
      let width = RingWidth(rawValue: sum.width),
      let vector = RingVector(sum.bytes, width: width)
    else { throw changed(index) }
    return Total(sum: vector, participants: total.participants)
  }

  private static func changed(_ index: Int64) -> StudyError {
    StudyError(
      .transcriptMismatch,
      "result \(index) of the study is not stored as it was written; put the database back from a"
        + " copy")
  }

  /// An entry as the store keeps it: the values of a long sum are written beside it (`LongSum`).
  static func stored(
    _ entry: Study.TranscriptEntry, after previous: Digest, head: Digest, study: String
  ) -> Store.TranscriptEntry {
    var writer = ByteWriter(reservingCapacity: 256)
    entry.withoutLongValues.write(to: &writer)
    return .init(
      study: study, index: Int64(entry.index),
      kind: .init(entry.content), queryDigest: entry.query.bytes,
      purpose: entry.kind.rawValue, total: writer.bytes, participants: entry.participants,
      siteAnswers: [], proof: [], previousDigest: previous.bytes, digest: head.bytes)
  }
}

extension Store.TranscriptEntry.Kind {
  init(_ content: Study.TranscriptEntry.Content) {
    switch content {
    case .total: self = .sum
    case .answers: self = .perSite
    }
  }
}
