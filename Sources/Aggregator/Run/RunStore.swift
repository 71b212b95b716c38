import CanonicalBytes
import Cryptography
import FixedPoint
import SecureAggregation
import Store
import Study

/// Keeps a run's transcript and proofs in the aggregator's store.
enum RunStore {
  /// What a run takes up after a start.
  struct Content: Sendable {
    var entries: [Study.TranscriptEntry]
    /// Head before each entry, and after the last.
    var heads: [Digest]
    var journal: AggregatorJournal
  }

  static func read(_ store: AggregatorStore, study: AgreedStudy) async throws -> Content {
    var heads = [Study.TranscriptEntry.genesis(of: study)]
    var entries: [Study.TranscriptEntry] = []
    for stored in try await store.transcript(study: study.plan.id) {
      var reader = ByteReader(stored.total)
      let entry = try Study.TranscriptEntry(from: &reader)
      heads.append(entry.head(after: heads[entries.count]))
      entries.append(entry)
    }
    let recorded = try await store.sumProgress(study: study.plan.id)
    let journal = AggregatorJournal(
      epoch: recorded.epoch, highestRound: recorded.highestRound,
      entries: recorded.proofs.map {
        SecureAggregation.TranscriptEntry(
          epoch: $0.epoch, round: $0.round, roundOpenBody: $0.roundOpenBody,
          resultBody: $0.resultBody)
      })
    return Content(entries: entries, heads: heads, journal: journal)
  }

  /// Writes one result, and for a sum its proof, in one step.
  static func publish(
    _ entry: Study.TranscriptEntry, after previous: Digest, head: Digest,
    proof: SecureAggregation.TranscriptEntry? = nil, sum: RingVector? = nil,
    to store: AggregatorStore, study: String
  ) async throws {
    var writer = ByteWriter()
    entry.write(to: &writer)
    let kind: Store.TranscriptEntry.Kind
    switch entry.content {
    case .total: kind = .sum
    case .answers: kind = .perSite
    }
    try await store.publish(
      .init(
        study: study, index: Int64(entry.index), kind: kind, queryDigest: entry.query.bytes,
        purpose: entry.kind.rawValue, total: writer.bytes, participants: entry.participants,
        previousDigest: previous.bytes, digest: head.bytes),
      proof: proof.map {
        .init(
          epoch: $0.epoch, round: $0.round, roundOpenBody: $0.roundOpenBody,
          resultBody: $0.resultBody)
      }, sum: sum?.bytes)
  }
}
