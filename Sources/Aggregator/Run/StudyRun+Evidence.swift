import Cryptography
import SecureAggregation
import Store
import Study

/// Keeping the signed messages that show which site broke the protocol.
extension StudyRun {
  /// After a message was taken: evidence of sites that were left out or blamed for what they sent,
  /// and of one that has forgotten rounds.
  func keepEvidence(of actions: [AggregatorAction], last message: [UInt8]) async {
    keeper.received(message, round: session.highestRound)
    let key = setup.signingKey
    if let piece = keeper.evidence(ofOffer: message, key: key) { await keep(piece, round: 0) }
    for found in EvidenceKeeper.notableFaults(in: actions, after: message) {
      let piece = keeper.evidence(
        of: found.fault, round: found.round, last: Exhibit(message: message), key: key)
      await keep(piece, round: found.round)
    }
  }

  /// After a message was refused: evidence, when that alone proves something.
  func keepEvidence(ofRefusal fault: SecureAggregationError, _ message: [UInt8]) async {
    keeper.received(message, refusal: fault.code, round: session.highestRound)
    guard let piece = keeper.evidence(ofRefusal: fault, message, key: setup.signingKey) else {
      return
    }
    await keep(piece, round: Envelope.unchecked(message)?.round ?? 0)
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
