import Cryptography

/// Steps 9 and 10 of protocol/README.md §3, and leaving a round or a setup.
extension SiteSession {
  /// Throws when the message is for another epoch, round or state.
  func admit(_ envelope: Envelope) throws(SecureAggregationError) {
    guard state != .halted else { throw refusal(.unexpectedMessage) }
    switch envelope.kind {
    case .epochOpen:
      guard envelope.epoch > memory.epoch else { throw refusal(.wrongEpoch) }
      guard envelope.round == 0 else { throw refusal(.wrongRound) }
    case .result where isPending(envelope):
      return
    case .keySet, .catchUp, .confirmSet:
      try require(envelope, round: 0)
    case .roundOpen:
      try admitRoundOpen(envelope)
    case .abort where envelope.round == 0:
      guard envelope.epoch == memory.epoch else { throw refusal(.wrongEpoch) }
      return
    default:
      guard envelope.epoch == memory.epoch else { throw refusal(.wrongEpoch) }
      guard envelope.round == memory.lastRound, envelope.round > 0 else {
        throw refusal(.wrongRound)
      }
      // Without a pending round a Result means nothing.
      guard envelope.kind != .result else { throw refusal(.unexpectedMessage) }
    }
    // An Abort that comes too late to matter is no fault: it has no effect.
    guard envelope.kind != .abort else { return }
    guard let event = envelope.kind.siteEvent, state.admits(event) else {
      throw refusal(.unexpectedMessage)
    }
  }

  private func isPending(_ envelope: Envelope) -> Bool {
    guard let pending = memory.pending else { return false }
    return pending.epoch == envelope.epoch && pending.round == envelope.round
  }

  private func require(
    _ envelope: Envelope, round: UInt64
  ) throws(SecureAggregationError) {
    guard envelope.epoch == memory.epoch else { throw refusal(.wrongEpoch) }
    guard envelope.round == round else { throw refusal(.wrongRound) }
  }

  private func admitRoundOpen(_ envelope: Envelope) throws(SecureAggregationError) {
    guard envelope.epoch == memory.epoch else { throw refusal(.wrongEpoch) }
    guard envelope.round > memory.lastRound else { throw refusal(.roundReplayed) }
    guard envelope.round <= manifest.manifest.roundLimit, envelope.round > baseRound,
      envelope.round - baseRound <= UInt64(manifest.manifest.epochRoundLimit)
    else { throw refusal(.roundLimit) }
    guard expectation != nil else { throw refusal(.unexpectedMessage) }
  }

  private func refusal(_ code: FaultCode) -> SecureAggregationError {
    SecureAggregationError(code, naming: [0])
  }

  /// Runs a step that may end the round.
  mutating func guarded(
    evidence: [[UInt8]],
    _ body: (inout SiteSession) throws(SecureAggregationError) -> [SiteAction]
  ) -> [SiteAction] {
    do {
      return try body(&self)
    } catch {
      return leave(with: error, evidence: evidence)
    }
  }

  /// Ends what the faulty message belonged to. Throws when it belonged to nothing in progress.
  mutating func fail(
    with fault: SecureAggregationError, on received: Received
  ) throws(SecureAggregationError) -> [SiteAction] {
    var evidence = [received.message]
    if let round, received.envelope.kind != .epochOpen {
      let messages = [
        round.openMessage, round.lock?.message, round.acknowledgement?.message, received.message,
      ]
      evidence = messages.compactMap { $0 }
    }
    guard received.envelope.kind == .result, currentRound == 0, let pending = memory.pending else {
      return leave(with: fault, evidence: evidence)
    }
    // No round is in progress that a bad Result could end; a false sum halts all the same.
    guard fault.code == .sumRejected else { throw fault }
    return halt(fault, round: pending.round, evidence: evidence)
  }

  /// Leaves the setup (→ UNKEYED) or the round (→ ABORTED, HALTED), wipes its secrets and, unless
  /// the aggregator said so itself, tells the aggregator.
  mutating func leave(
    with fault: SecureAggregationError, evidence: [[UInt8]], on event: SiteState.Event = .fault
  ) -> [SiteAction] {
    let isTold = event == .abort
    if !state.isKeyed || currentRound == 0 {
      dropEpoch()
      move(on: event, to: .unkeyed)
      let aborted = SiteAction.aborted(round: 0, fault: fault, evidence: evidence)
      return isTold ? [aborted] : [.send(abortMessage(fault, round: 0)), aborted]
    }
    let number = currentRound
    var actions = [
      SiteAction.journal(
        JournalRecord(
          round: number, .aborted(code: fault.code.rawValue, named: fault.named)))
    ]
    if !isTold { actions.append(.send(abortMessage(fault, round: number))) }
    switch state {
    case .shared, .opened, .locked: memory.replies = [:]
    default: break
    }
    dropRound(next: number &+ 1)
    prefetched = nil
    if fault.code == .sumRejected, event == .fault {
      memory.isHalted = true
      move(on: .fault, to: .halted)
      dropEpoch()
      actions.append(.halted(fault: fault, evidence: evidence))
    } else {
      move(on: event, to: .aborted)
      actions.append(.aborted(round: number, fault: fault, evidence: evidence))
    }
    return actions
  }

  private mutating func halt(
    _ fault: SecureAggregationError, round: UInt64, evidence: [[UInt8]]
  ) -> [SiteAction] {
    memory.isHalted = true
    move(on: .fault, to: .halted)
    dropEpoch()
    let record = JournalRecord.Content.aborted(code: fault.code.rawValue, named: fault.named)
    return [
      .journal(JournalRecord(round: round, record)), .halted(fault: fault, evidence: evidence),
    ]
  }

  /// Wipes the secrets of the round and ratchets past it.
  mutating func dropRound(next: UInt64) {
    round = nil
    answer = nil
    answerSeeds = nil
    pairKeys?.advance(to: next)
  }

  /// Wipes everything that belongs to the epoch.
  mutating func dropEpoch() {
    round = nil
    currentRound = 0
    answer = nil
    answerSeeds = nil
    prefetched = nil
    pairKeys = nil
    agreementKey = nil
    eligible = nil
    held = []
  }

  func sealed(_ body: some MessageBody, round: UInt64) -> [UInt8] {
    Envelope.sealed(
      type(of: body).kind, manifest: manifest.digest, epoch: memory.epoch, round: round,
      sender: index, body: body.bytes, key: signingKey)
  }

  func abortMessage(_ fault: SecureAggregationError, round: UInt64) -> [UInt8] {
    sealed(AbortMessage(fault), round: round)
  }

  mutating func takeAbort(_ received: Received) throws(SecureAggregationError) -> [SiteAction] {
    let abort = try AbortMessage(received.envelope.body, from: 0)
    let fault = SecureAggregationError(
      FaultCode(rawValue: abort.code) ?? .stopped, naming: abort.named)
    if received.envelope.round == 0 {
      guard state.isSettingUp else { return [] }
    } else {
      guard state.isActive || state == .released else { return [] }
    }
    return leave(with: fault, evidence: [received.message], on: .abort)
  }
}
