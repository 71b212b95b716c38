import CanonicalBytes
import Cryptography
import FixedPoint

/// Agreeing on the keys of an epoch (protocol/README.md §7).
extension SiteSession {
  mutating func takeEpochOpen(
    _ received: Received, entropy: inout some EntropySource
  ) throws(SecureAggregationError) -> [SiteAction] {
    // Whatever was in progress is over; its pending record stays.
    dropEpoch()
    move(on: .epochOpen, to: .offered)
    memory.epoch = received.envelope.epoch
    let body = try EpochOpen(received.envelope.body, from: 0)
    let isFirst = received.envelope.epoch == manifest.manifest.firstEpoch
    let everyone = manifest.manifest.everyone
    guard body.members.contains(index), Set(body.members).isSubset(of: everyone),
      !isFirst || body.members == everyone
    else { throw SecureAggregationError(.setInvalid, naming: [0]) }
    guard body.members.count >= manifest.manifest.quorum else {
      throw SecureAggregationError(.tooFew, naming: [0])
    }
    guard body.baseRound >= memory.lastRound else {
      throw SecureAggregationError(.roundReplayed, naming: [0])
    }
    guard
      body.acceptedRound > memory.acceptedRound
        || (body.acceptedRound == memory.acceptedRound
          && body.acceptedDigest == memory.acceptedDigest)
    else {
      throw SecureAggregationError(
        .chainMismatch, naming: [0],
        sides: .init(own: memory.acceptedDigest, received: body.acceptedDigest))
    }
    members = body.members
    baseRound = body.baseRound
    target = (body.acceptedRound, body.acceptedDigest)
    epochOpenMessage = received.message
    let key: KeyAgreementKey
    do {
      key = try KeyAgreementKey(from: &entropy)
    } catch {
      throw SecureAggregationError(.refused, naming: [index])
    }
    agreementKey = key
    offerMessage = sealed(
      KeyOffer(agreementKey: key.publicKey, lastRound: memory.lastRound, accepted: attestation()),
      round: 0)
    let record = JournalRecord.Content.epoch(epoch: memory.epoch, baseRound: baseRound)
    return [.journal(JournalRecord(round: memory.lastRound, record)), .send(offerMessage)]
  }

  /// This site's signature on the last result it accepted.
  func attestation() -> Attestation {
    Attestation.signed(
      manifest: manifest.digest, round: memory.acceptedRound, digest: memory.acceptedDigest,
      key: signingKey)
  }

  mutating func takeKeySet(_ received: Received) throws(SecureAggregationError) -> [SiteAction] {
    let offers = try KeySet(received.envelope.body, from: 0).offers
    guard offers.count == members.count else {
      throw SecureAggregationError(.setInvalid, naming: [0])
    }
    var keys: [[UInt8]] = []
    for (member, message) in zip(members, offers) {
      if member == index, message != offerMessage {
        throw SecureAggregationError(.keyReplaced, naming: [0])
      }
      let offer = try KeyOffer(
        inner(message, kind: .keyOffer, from: member).body, from: member)
      guard !keys.contains(offer.agreementKey) else {
        throw SecureAggregationError(.keyInvalid, naming: [member])
      }
      keys.append(offer.agreementKey)
    }
    guard let own = agreementKey else {
      throw SecureAggregationError(.unexpectedMessage, naming: [0])
    }
    pairKeys = try PairKeys(
      index: index, members: members, agreementKeys: keys, own: own, manifest: manifest.digest,
      epoch: memory.epoch, base: baseRound)
    agreementKey = nil
    offersDigest = KeySet.digest(epochOpen: epochOpenMessage, offers: offers)
    move(on: .keySet, to: .confirming)
    return [.send(sealed(KeyConfirm(offersDigest: offersDigest), round: 0))]
  }

  /// A message inside KeySet or ConfirmSet, checked like one that came from its sender.
  private func inner(
    _ message: [UInt8], kind: MessageKind, from sender: UInt16
  ) throws(SecureAggregationError) -> Envelope {
    let envelope: Envelope
    do {
      envelope = try Envelope.opened(message, from: sender, manifest: manifest)
    } catch {
      if error.code == .signatureInvalid { throw error }
      throw SecureAggregationError(.setInvalid, naming: [0])
    }
    guard envelope.kind == kind, envelope.epoch == memory.epoch, envelope.round == 0 else {
      throw SecureAggregationError(.setInvalid, naming: [0])
    }
    return envelope
  }

  mutating func takeConfirmSet(
    _ received: Received
  ) throws(SecureAggregationError) -> [SiteAction] {
    let confirmations = try ConfirmSet(received.envelope.body, from: 0).confirmations
    guard confirmations.count == members.count else {
      throw SecureAggregationError(.setInvalid, naming: [0])
    }
    var different: [UInt16] = []
    for (member, message) in zip(members, confirmations) {
      let confirm = try KeyConfirm(
        inner(message, kind: .keyConfirm, from: member).body, from: member)
      if confirm.offersDigest != offersDigest { different.append(member) }
    }
    guard different.isEmpty else {
      throw SecureAggregationError(.keysUnconfirmed, naming: different)
    }
    guard target == (memory.acceptedRound, memory.acceptedDigest) else {
      throw SecureAggregationError(
        .chainMismatch, naming: [0],
        sides: .init(own: memory.acceptedDigest, received: target.digest))
    }
    move(on: .confirmSet, to: .idle)
    return [.keyed(epoch: memory.epoch, members: members)]
  }

  /// Results that this site missed: held until t attestations of the last one come (§13).
  mutating func takeCatchUp(_ received: Received) throws(SecureAggregationError) -> [SiteAction] {
    let body = try CatchUp(received.envelope.body, from: 0)
    var last =
      held.last.map { ($0.round, $0.digest) }
      ?? (memory.acceptedRound, memory.acceptedDigest)
    var outcomes: [RoundOutcome] = []
    var used = 0
    for entry in body.entries {
      guard entry.round > last.0 else {
        throw SecureAggregationError(.chainMismatch, naming: [0])
      }
      let opened = try RoundOpen(entry.roundOpenBody, from: 0)
      let size = Int(opened.vectorLength) * opened.ringWidth.byteCount
      let sum = Array(received.payload[used..<min(used + size, received.payload.count)])
      used += sum.count
      let verified = try entry.verified(manifest: manifest, after: last.1, sum: sum)
      guard sum.count == size, let vector = RingVector(sum, width: opened.ringWidth) else {
        throw SecureAggregationError(.resultMismatch, naming: [0])
      }
      outcomes.append(
        RoundOutcome(
          epoch: entry.epoch, round: entry.round, binding: verified.binding,
          sum: vector, participants: verified.participants,
          digest: verified.digest, removedLayers: verified.removedLayers))
      last = (verified.round, verified.digest)
    }
    guard used == received.payload.count else {
      throw SecureAggregationError(.vectorLength, naming: [0])
    }
    held += outcomes
    guard !body.attestations.isEmpty else { return [] }
    guard last == target else {
      throw SecureAggregationError(
        .chainMismatch, naming: [0], sides: .init(own: last.1, received: target.digest))
    }
    try Quorum.check(
      body.attestations, of: manifest.manifest.everyone,
      statement: Attestation.statement(manifest: manifest.digest, round: last.0, digest: last.1),
      manifest: manifest)
    let adopted = held
    held = []
    if adopted.contains(where: { $0.binding == expectation }) { expectation = nil }
    memory.pending = nil
    memory.replies = [:]
    (memory.acceptedRound, memory.acceptedDigest) = last
    memory.lastRound = max(memory.lastRound, last.0)
    return adopted.flatMap { outcome in
      [
        SiteAction.caughtUp(outcome),
        .journal(JournalRecord(round: outcome.round, .done(digest: outcome.digest))),
      ]
    }
  }
}
