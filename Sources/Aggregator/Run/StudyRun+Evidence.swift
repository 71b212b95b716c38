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
    let round = Envelope.unchecked(message)?.round ?? 0
    for action in actions {
      let fault: SecureAggregationError
      switch action {
      case .dropped(_, let found), .blamed(_, let found): fault = found
      default: continue
      }
      guard EvidenceKeeper.isWorthKeeping(fault.code),
        Envelope.unchecked(message)?.kind != .abort
      else { continue }
      let piece = keeper.evidence(
        of: fault, round: round, last: Exhibit(message: message), key: key)
      await keep(piece, round: round)
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
    let fault = FaultCode(rawValue: piece.code)?.name ?? "code \(piece.code)"
    let review = try? EvidenceReview([piece], layerNoise: discreteGaussianNoise)
    let proves = review?.provesMisbehaviour ?? false
    let words = review?.findings.map { $0.sentence(name: piece.manifest.manifest.name) } ?? []
    let stored = StoredEvidence(
      study: plan.id, round: round, fault: fault,
      summary: proves
        ? words.joined(separator: " ")
        : "\(fault) in round \(round): proves nothing alone; it may beside another party's evidence",
      proves: proves, content: piece.bytes)
    do {
      if try await setup.store.keep(stored) { log("evidence kept: \(stored.summary)") }
    } catch {
      log("evidence could not be kept: \(error)")
    }
  }
}
