import CanonicalBytes
import Cryptography

/// Opening an epoch (protocol/README.md §7).
extension AggregatorSession {
  /// Begins an epoch over the sites present: the whole roster for the first, at least the quorum
  /// later. A round in progress is burned.
  ///
  /// - Parameter resendsResult: whether the last Result is first sent once more to the members that
  ///   took part in it and have not attested it since, so that sites which missed it need no catching
  ///   up and there are attestations for those which do. Sites that have it ignore it.
  ///
  /// Throws `tooFew`, naming the absent sites, or `setInvalid`.
  public mutating func openEpoch(
    members present: [UInt16], resendsResult: Bool = true
  ) throws(SecureAggregationError) -> [AggregatorAction] {
    let chosen = Array(Set(present)).sorted()
    let everyone = manifest.manifest.everyone
    guard Set(chosen).isSubset(of: everyone) else {
      throw SecureAggregationError(.setInvalid, naming: [0])
    }
    guard chosen.count >= manifest.manifest.quorum, epoch != nil || chosen == everyone else {
      throw SecureAggregationError(.tooFew, naming: everyone.filter { !chosen.contains($0) })
    }
    let number = epoch.map { $0 &+ 1 } ?? manifest.manifest.firstEpoch
    guard number >= manifest.manifest.firstEpoch else {
      throw SecureAggregationError(.roundLimit, naming: [0])
    }
    move(on: .openEpoch, to: .offers)
    epoch = number
    members = chosen
    active = chosen
    baseRound = highestRound
    setupMessages = [:]
    prefetched = [:]
    round = nil
    dropAccumulator()
    openMessage = sealed(
      EpochOpen(
        members: chosen, baseRound: baseRound, acceptedRound: accepted.round,
        acceptedDigest: accepted.digest),
      round: 0)
    return (resendsResult ? lastResult(for: chosen) : []) + [
      .journal(.epoch(epoch: number, baseRound: baseRound, message: openMessage)),
      .send(to: chosen, message: openMessage),
    ]
  }

  /// The last Result for those members of its U1 that may have missed it.
  private func lastResult(for members: [UInt16]) -> [AggregatorAction] {
    guard let last = entries.last, let body = try? ResultMessage(last.resultBody) else { return [] }
    let message = resultMessage(of: last)
    return body.shareMembers.filter { members.contains($0) && attestations[$0] == nil }
      .map { .sendCatchUp(to: $0, message: message, rounds: [last.round]) }
  }

  func resultMessage(of entry: TranscriptEntry) -> [UInt8] {
    Envelope.sealed(
      .result, manifest: manifest.digest, epoch: entry.epoch, round: entry.round, sender: 0,
      body: entry.resultBody, key: signingKey)
  }

  mutating func takeSetup(
    _ envelope: Envelope, message: [UInt8], identity: Digest
  ) -> [AggregatorAction] {
    let site = envelope.sender
    var entry = SetupMessage(identity: identity, message: message)
    do throws(SecureAggregationError) {
      if envelope.kind == .keyOffer {
        let offer = try KeyOffer(envelope.body, from: site)
        try keep(offer.accepted, of: site)
        entry.offer = offer
      } else {
        entry.confirm = try KeyConfirm(envelope.body, from: site)
      }
    } catch {
      return [.dropped(site: site, fault: error)]
        + failEpoch(SecureAggregationError(error.code, naming: [site]))
    }
    setupMessages[site] = entry
    guard awaitedSites.isEmpty else { return [] }
    return state == .offers ? completeOffers() : completeConfirms()
  }

  /// Checks a site's attestation and keeps it when it is of the last accepted result.
  func checkAttestation(
    _ attestation: Attestation, of site: UInt16
  ) throws(SecureAggregationError) {
    guard let key = manifest.key(of: site),
      attestation.isValid(manifest: manifest.digest, key: key)
    else { throw SecureAggregationError(.signatureInvalid, naming: [site]) }
  }

  private mutating func keep(
    _ attestation: Attestation, of site: UInt16
  ) throws(SecureAggregationError) {
    try checkAttestation(attestation, of: site)
    if attestation.round == accepted.round, attestation.digest == accepted.digest {
      attestations[site] = attestation.signature
    }
  }

  /// The attestation that comes with Shares or Masked: of the last accepted result, and present
  /// exactly when there is one.
  mutating func take(
    _ attestation: Attestation?, of site: UInt16
  ) throws(SecureAggregationError) {
    guard let attestation else {
      guard accepted.round == 0 else {
        throw SecureAggregationError(.chainMismatch, naming: [site])
      }
      return
    }
    guard accepted.round > 0 else { throw SecureAggregationError(.chainMismatch, naming: [site]) }
    try keep(attestation, of: site)
    guard attestation.round == accepted.round, attestation.digest == accepted.digest else {
      throw SecureAggregationError(
        .chainMismatch, naming: [site],
        sides: .init(own: accepted.digest, received: attestation.digest))
    }
  }

  private mutating func completeOffers() -> [AggregatorAction] {
    let offers = members.compactMap { member in setupMessages[member]?.offer.map { (member, $0) } }
    let last = offers.map(\.1.lastRound).max() ?? 0
    // A number that no honest site can have opened is no reason to skip all others.
    let impossible = offers.filter { $0.1.lastRound > manifest.manifest.roundLimit }
    guard impossible.isEmpty else {
      return failEpoch(SecureAggregationError(.roundLimit, naming: impossible.map(\.0)))
    }
    guard last <= baseRound else {
      highestRound = last
      return failEpoch(SecureAggregationError(.roundReplayed))
    }
    let foreign = offers.filter { _, offer in
      offer.accepted.round >= accepted.round
        && (offer.accepted.round, offer.accepted.digest) != accepted
    }
    guard foreign.isEmpty else {
      return failEpoch(SecureAggregationError(.chainMismatch, naming: foreign.map(\.0)))
    }
    let messages = members.compactMap { setupMessages[$0]?.message }
    offersDigest = KeySet.digest(epochOpen: openMessage, offers: messages)
    move(on: .offersComplete, to: .confirms)
    setupMessages = [:]
    var actions: [AggregatorAction] = [
      .send(to: members, message: sealed(KeySet(offers: messages), round: 0))
    ]
    for (site, offer) in offers where offer.accepted.round < accepted.round {
      actions += catchUp(site, after: offer.accepted.round)
    }
    return actions
  }

  /// The results that a site missed, in messages of bounded size; the last one has the attestations.
  private func catchUp(_ site: UInt16, after round: UInt64) -> [AggregatorAction] {
    let bodyLimit = 256 << 10
    let payloadLimit = 64 << 20
    var batches: [[TranscriptEntry]] = [[]]
    var bodyCount = 0
    var payloadCount = 0
    for entry in entries where entry.round > round {
      let size = entry.roundOpenBody.count + entry.resultBody.count + 20
      let sumCount = entry.sumByteCount ?? 0
      let isFull = bodyCount + size > bodyLimit || payloadCount + sumCount > payloadLimit
      if isFull, batches.last?.isEmpty == false {
        batches.append([])
        bodyCount = 0
        payloadCount = 0
      }
      batches[batches.count - 1].append(entry)
      bodyCount += size
      payloadCount += sumCount
    }
    let proofs = attestations.sorted { $0.key < $1.key }
      .map { SignatureEntry(index: $0.key, signature: $0.value) }
    return batches.enumerated().map { position, batch in
      let body = CatchUp(
        entries: batch, attestations: position == batches.count - 1 ? proofs : [])
      return .sendCatchUp(
        to: site, message: sealed(body, round: 0), rounds: batch.map(\.round))
    }
  }

  private mutating func completeConfirms() -> [AggregatorAction] {
    let different = members.filter { setupMessages[$0]?.confirm?.offersDigest != offersDigest }
    guard different.isEmpty else {
      return failEpoch(SecureAggregationError(.keysUnconfirmed, naming: different))
    }
    let messages = members.compactMap { setupMessages[$0]?.message }
    move(on: .confirmsComplete, to: .idle)
    setupMessages = [:]
    return [
      .send(to: members, message: sealed(ConfirmSet(confirmations: messages), round: 0)),
      .keyed(epoch: epoch ?? 0, members: members),
    ]
  }
}
