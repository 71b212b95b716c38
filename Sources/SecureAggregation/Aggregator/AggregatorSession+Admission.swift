import Cryptography
import FixedPoint

/// Steps 9 and 10 of protocol/README.md §3 at the aggregator, and leaving a round or a setup.
extension AggregatorSession {
  /// The very message that was taken before: ignored.
  func isRepeat(_ envelope: Envelope, _ identity: Digest) -> Bool {
    if state.isSettingUp { return setupMessages[envelope.sender]?.identity == identity }
    return round?.taken[envelope.kind]?[envelope.sender] == identity
  }

  func admit(_ envelope: Envelope) throws(SecureAggregationError) {
    func refusal(_ code: FaultCode) -> SecureAggregationError {
      SecureAggregationError(code, naming: [envelope.sender])
    }
    guard let epoch, envelope.epoch == epoch else { throw refusal(.wrongEpoch) }
    let isMember = members.contains(envelope.sender)
    switch envelope.kind {
    case .keyOffer, .keyConfirm:
      guard envelope.round == 0 else { throw refusal(.wrongRound) }
      guard state == (envelope.kind == .keyOffer ? .offers : .confirms), isMember else {
        throw refusal(.unexpectedMessage)
      }
      guard setupMessages[envelope.sender] == nil else { throw refusal(.secondStatement) }
    case .abort where envelope.round == 0:
      guard state.isSettingUp || state == .idle, isMember else {
        throw refusal(.unexpectedMessage)
      }
    default:
      guard let round, envelope.round == round.number else { throw refusal(.wrongRound) }
      if envelope.kind == .abort {
        guard round.open.members.contains(envelope.sender) else {
          throw refusal(.unexpectedMessage)
        }
        return
      }
      guard round.taken[envelope.kind]?[envelope.sender] == nil else {
        throw refusal(.secondStatement)
      }
      guard envelope.kind == state.awaited,
        round.awaitedSites(in: state).contains(envelope.sender)
      else { throw refusal(.unexpectedMessage) }
    }
  }

  /// Takes a site out of the round. Its vector, if it is in the sum already, stays there: the site is
  /// then in U2 and its self mask is opened from the others' shares.
  mutating func markDropped(
    _ site: UInt16, _ fault: SecureAggregationError
  ) -> [AggregatorAction] {
    active.removeAll { $0 == site }
    guard round?.dropped.insert(site).inserted == true else { return [] }
    return [.dropped(site: site, fault: fault)]
  }

  mutating func failEpoch(_ fault: SecureAggregationError) -> [AggregatorAction] {
    move(on: .epochFailed, to: .unkeyed)
    setupMessages = [:]
    return [
      .send(to: members, message: sealed(AbortMessage(fault), round: 0)), .epochFailed(fault),
    ]
  }

  mutating func failRound(_ fault: SecureAggregationError) -> [AggregatorAction] {
    guard let round else { return [] }
    let stage = state
    move(on: .roundFailed, to: .failed)
    prefetched = [:]
    dropAccumulator()
    return [
      .send(
        to: round.open.members, message: sealed(AbortMessage(fault), round: round.number)),
      .failed(round: round.number, stage: stage, fault: fault),
    ]
  }

  /// Frees the sum's memory.
  mutating func dropAccumulator() {
    accumulator = RingVector(zeros: 0, width: .bits32)
  }

  /// Whether a site's Abort for this reason ends the round for all.
  private static func endsRound(_ code: FaultCode) -> Bool {
    switch code {
    case .seedMismatch, .shareUnreadable, .queryMismatch, .setInvalid, .setChange,
      .secondStatement, .tooFew, .siteMissing, .resultMismatch, .sumRejected:
      true
    default: false
    }
  }

  mutating func takeAbort(
    _ envelope: Envelope, message: [UInt8]
  ) throws(SecureAggregationError) -> [AggregatorAction] {
    let body = try AbortMessage(envelope.body, from: envelope.sender)
    let code = FaultCode(rawValue: body.code) ?? .stopped
    // Names beyond the roster say nothing.
    let named = body.named.filter { Int($0) <= manifest.manifest.siteCount }
    let fault = SecureAggregationError(code, naming: named + [envelope.sender])
    if envelope.round == 0 { return failEpoch(fault) }
    // Said again, it is no news: a site cannot keep a round busy with it.
    guard round?.accusations[envelope.sender, default: []].insert(code).inserted == true else {
      return []
    }
    var actions: [AggregatorAction] = [
      .accused(
        by: envelope.sender, fault: SecureAggregationError(code, naming: named),
        evidence: message)
    ]
    actions += markDropped(
      envelope.sender, SecureAggregationError(code, naming: [envelope.sender]))
    let isRunning = state.awaited != nil
    if isRunning && Self.endsRound(code) || state == .published && code == .sumRejected {
      actions += failRound(fault)
    } else if isRunning {
      actions += advance()
    }
    return actions
  }
}
