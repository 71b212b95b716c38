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
    let recorded = try await store.sumProgress(study: study.plan.id)
    var heads = [Study.TranscriptEntry.genesis(of: study)]
    var entries: [Study.TranscriptEntry] = []
    for stored in try await store.transcript(study: study.plan.id) {
      var reader = ByteReader(stored.total)
      var entry = try Study.TranscriptEntry(from: &reader)
      if case .total(let total) = entry.content, total.count == 0 {
        let proof = recorded.proofs.first { $0.round == entry.round }
        let sum = try await store.sums(study: study.plan.id, rounds: [entry.round])
        entry.content = .total(
          Total(sum: try vector(of: sum, proof: proof), participants: total.participants))
      }
      heads.append(entry.head(after: heads[entries.count]))
      entries.append(entry)
    }
    let journal = AggregatorJournal(
      epoch: recorded.epoch, highestRound: recorded.highestRound,
      entries: recorded.proofs.map {
        SecureAggregation.TranscriptEntry(
          epoch: $0.epoch, round: $0.round, roundOpenBody: $0.roundOpenBody,
          resultBody: $0.resultBody)
      })
    return Content(entries: entries, heads: heads, journal: journal)
  }

  /// A stored sum, with its constant coordinate.
  private static func vector(
    of sum: [UInt8], proof: AggregatorStore.SumProof?
  ) throws -> RingVector {
    // The second byte of a RoundOpen body is the ring's width (protocol/README.md §4).
    guard let proof, proof.roundOpenBody.count > 1,
      let width = RingWidth(rawValue: proof.roundOpenBody[1]),
      let vector = RingVector(sum, width: width)
    else {
      throw StudyError(.transcriptMismatch, "a sum of the transcript is missing in the store")
    }
    return vector
  }

  /// Writes one result, and for a sum its proof, in one step. The values of a long sum are written once:
  /// as the sum that the proof is about. With it the next round is written down as opened.
  static func publish(
    _ entry: Study.TranscriptEntry, after previous: Digest, head: Digest,
    proof: SecureAggregation.TranscriptEntry? = nil, sum: RingVector? = nil,
    to store: AggregatorStore, study: String
  ) throws {
    var writer = ByteWriter()
    (sum == nil ? entry : entry.withoutLongValues).write(to: &writer)
    let kind: Store.TranscriptEntry.Kind
    switch entry.content {
    case .total: kind = .sum
    case .answers: kind = .perSite
    }
    let stored = Store.TranscriptEntry(
      study: study, index: Int64(entry.index), kind: kind, queryDigest: entry.query.bytes,
      purpose: entry.kind.rawValue, total: writer.bytes, participants: entry.participants,
      previousDigest: previous.bytes, digest: head.bytes)
    guard let sum, let proof else {
      try store.publish(stored, proof: nil, sum: nil)
      return
    }
    let sumProof = AggregatorStore.SumProof(
      epoch: proof.epoch, round: proof.round, roundOpenBody: proof.roundOpenBody,
      resultBody: proof.resultBody)
    try sum.withUnsafeLittleEndianBytes {
      _ = try store.publish(stored, proof: sumProof, sum: $0, opening: proof.round &+ 1)
    }
  }
}
