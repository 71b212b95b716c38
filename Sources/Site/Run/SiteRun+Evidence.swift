import Cryptography
import FixedPoint
import SecureAggregation
import Store
import Study

/// Keeping the signed messages that show who broke the protocol.
extension SiteRun {
  /// After a message was taken: evidence of what it ended, or of what another site complains of.
  func keepEvidence(of actions: [SiteAction], last: Exhibit) async {
    keeper.received(last.message, round: session.lastRound)
    let key = setup.signingKey
    if let piece = keeper.evidence(ofComplaint: last.message, key: key) {
      return await keep(piece, round: session.lastRound)
    }
    let faults = EvidenceKeeper.notableFaults(
      in: actions, after: last.message, lastRound: session.lastRound)
    for found in faults {
      let piece = keeper.evidence(
        of: found.fault, round: found.round, last: last, vectors: await keptVectors(),
        tagSeed: session.haltedTagSeed, key: key)
      await keep(piece, round: found.round)
    }
  }

  /// After a message was refused: evidence, when that alone proves something.
  func keepEvidence(ofRefusal fault: SecureAggregationError, _ message: [UInt8]) async {
    keeper.received(message, refusal: fault.code, round: session.lastRound)
    guard
      let piece = keeper.evidence(ofRefusal: fault, message, key: setup.signingKey)
    else { return }
    await keep(piece, round: Envelope.unchecked(message)?.round ?? 0)
  }

  /// The masked vectors that the journal still holds.
  private func keptVectors() async -> [Digest: RingVector] {
    do {
      return try await SumJournal.read(setup.store, study: plan.id).vectors
    } catch {
      log("the journal could not be read for evidence: \(error)")
      return [:]
    }
  }

  private func keep(_ piece: Evidence, round: UInt64) async {
    let stored = StoredEvidence(
      piece, study: plan.id, round: round, layerNoise: discreteGaussianNoise)
    do {
      if try await setup.store.keep(stored) { log("evidence kept: \(stored.summary)") }
    } catch {
      log("evidence could not be kept: \(error)")
    }
  }
}
