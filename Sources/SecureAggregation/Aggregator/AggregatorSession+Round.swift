import CanonicalBytes
import Cryptography
import FixedPoint

/// Collecting a round (protocol/README.md §9).
extension AggregatorSession {
  /// Opens a round for a query over the given members, or over all that are active.
  ///
  /// - Parameters:
  ///   - mode: nil chooses fast mode when every member sent its shares in advance.
  ///   - prefetch: whether the sites are asked to send the next round's shares with Unmask.
  ///
  /// Throws `unexpectedMessage` (no epoch, or a round in progress), `setInvalid`, `tooFew` (naming
  /// the absent), `prefetchMissing` (naming who sent none), `roundLimit` (a new epoch is needed) or
  /// `refused` (layers without a sampler).
  public mutating func openRound(
    _ binding: RoundBinding, members present: [UInt16]? = nil, mode: RoundMode? = nil,
    prefetch: Bool = true
  ) throws(SecureAggregationError) -> [AggregatorAction] {
    let chosen = Array(Set(present ?? active)).sorted()
    let limits = manifest.manifest
    // Beyond every limit when the numbers are used up.
    let number = highestRound == .max ? highestRound : highestRound + 1
    guard !state.targets(of: .openRound).isEmpty, let epoch else {
      throw SecureAggregationError(.unexpectedMessage)
    }
    guard Set(chosen).isSubset(of: active) else { throw SecureAggregationError(.setInvalid) }
    guard chosen.count >= limits.quorum else {
      throw SecureAggregationError(.tooFew, naming: members.filter { !chosen.contains($0) })
    }
    let mode = mode ?? (canOpenFast(for: chosen) ? .fast : .normal)
    if mode == .fast, !canOpenFast(for: chosen) {
      let isNext = prefetchRound == number
      throw SecureAggregationError(
        .prefetchMissing, naming: chosen.filter { !isNext || prefetched[$0] == nil })
    }
    guard number <= limits.roundLimit, number > highestRound,
      number - baseRound <= UInt64(limits.epochRoundLimit)
    else {
      throw SecureAggregationError(.roundLimit)
    }
    guard binding.vectorLength >= 2, binding.vectorLength <= limits.maximumVectorLength,
      binding.purpose.utf8.count <= RoundOpen.purposeLimit
    else { throw SecureAggregationError(.vectorLength) }
    guard NoiseLayer.areValid(binding.layers) else { throw SecureAggregationError(.setInvalid) }
    guard binding.layers.isEmpty || layerNoise != nil else {
      throw SecureAggregationError(.refused, naming: [0])
    }
    let open = RoundOpen(
      mode: mode, binding: binding, prefetch: prefetch, previousDigest: accepted.digest,
      members: chosen)
    let body = open.bytes
    let transcript = RoundOpen.binding(
      manifest: manifest.digest, epoch: epoch, round: number, body: body)
    let associatedData =
      mode == .fast
      ? RoundDigests.prefetch(manifest: manifest.digest, epoch: epoch, round: number)
      : transcript
    highestRound = number
    var round = AggregatorRound(
      number: number, open: open, openBody: body, transcript: transcript,
      associatedData: associatedData)
    if mode == .fast { round.deals = prefetched.filter { chosen.contains($0.key) } }
    prefetched = [:]
    self.round = round
    accumulator = RingVector(zeros: Int(binding.vectorLength), width: binding.ringWidth)
    var actions: [AggregatorAction] = [
      .journal(.opened(round: number, epoch: epoch, body: body)),
      .send(to: chosen, message: sealed(open, round: number)),
    ]
    if mode == .fast {
      actions += lock(chosen, on: .openRound)
    } else {
      move(on: .openRound, to: .shares)
    }
    return actions
  }

  /// Takes a message of the kind that the state waits for; a fault drops its sender.
  mutating func take(
    _ envelope: Envelope, identity: Digest, payload: UnsafeRawBufferPointer,
    digest: PayloadDigest?
  ) -> [AggregatorAction] {
    var actions: [AggregatorAction] = []
    do throws(SecureAggregationError) {
      switch envelope.kind {
      case .shares: try takeShares(envelope)
      case .masked: try takeMasked(envelope, payload: payload, digest: digest)
      case .ack: try takeAck(envelope)
      case .unmask: try takeUnmask(envelope)
      default: throw SecureAggregationError(.unexpectedMessage, naming: [envelope.sender])
      }
      round?.taken[envelope.kind, default: [:]][envelope.sender] = identity
    } catch {
      actions += markDropped(envelope.sender, error)
    }
    return actions + advance()
  }

  private mutating func takeShares(_ envelope: Envelope) throws(SecureAggregationError) {
    let site = envelope.sender
    let body = try Shares(envelope.body, from: site)
    guard let round else { return }
    let peers = round.open.members.filter { $0 != site }
    guard body.parcels.map(\.peer) == peers,
      body.recovery.count == DealtSecrets.recoveryByteCount(peerCount: peers.count)
    else { throw SecureAggregationError(.setInvalid, naming: [site]) }
    try take(body.attestation, of: site)
    self.round?.deals[site] = AggregatorRound.Deal(
      selfCommitment: body.selfCommitment, maskCommitment: body.maskCommitment,
      parcels: Dictionary(
        uniqueKeysWithValues: body.parcels.map { ($0.peer, ($0.parcel, $0.check)) }),
      recovery: body.recovery)
  }

  private mutating func takeMasked(
    _ envelope: Envelope, payload: UnsafeRawBufferPointer, digest: PayloadDigest?
  ) throws(SecureAggregationError) {
    let site = envelope.sender
    let body = try Masked(envelope.body, from: site)
    guard let round else { return }
    let open = round.open
    guard body.ringWidth == open.ringWidth, body.vectorLength == open.vectorLength,
      payload.count == Int(open.vectorLength) * open.ringWidth.byteCount
    else { throw SecureAggregationError(.vectorLength, naming: [site]) }
    // The whole payload is hashed before any of it is added: a bad one never touches the sum.
    let known = digest.flatMap { $0.byteCount == payload.count ? $0.digest : nil }
    guard (known ?? RoundDigests.vector(payload)) == body.vectorDigest else {
      throw SecureAggregationError(.vectorDigest, naming: [site])
    }
    let isFast = open.mode == .fast
    guard body.checks.map(\.peer) == (isFast ? round.shareMembers.filter { $0 != site } : []),
      body.commitments.count == open.layers.count
    else { throw SecureAggregationError(.setInvalid, naming: [site]) }
    if isFast {
      try take(body.attestation, of: site)
    } else if body.attestation != nil {
      throw SecureAggregationError(.setInvalid, naming: [site])
    }
    guard accumulator.add(littleEndian: payload) else {
      throw SecureAggregationError(.vectorLength, naming: [site])
    }
    self.round?.masked[site] = body
  }

  private mutating func takeAck(_ envelope: Envelope) throws(SecureAggregationError) {
    let site = envelope.sender
    let body = try Ack(envelope.body, from: site)
    guard let round, let key = manifest.key(of: site),
      key.isValid(body.signature, for: body.statement.bytes)
    else { throw SecureAggregationError(.ackInvalid, naming: [site]) }
    guard body.statement == round.statement else {
      throw SecureAggregationError(
        .resultMismatch, naming: [site],
        sides: .init(own: round.statement, received: body.statement))
    }
    self.round?.acknowledgements[site] = body.signature
  }

  private mutating func takeUnmask(_ envelope: Envelope) throws(SecureAggregationError) {
    let site = envelope.sender
    let body = try Unmask(envelope.body, from: site)
    guard let round else { return }
    let peers = round.members.filter { $0 != site }
    let gone = round.shareMembers.filter { !round.members.contains($0) }
    guard body.selfShares.map(\.owner) == peers, body.maskShares.map(\.owner) == gone,
      body.layerSeeds.count == round.removedLayers.count
    else {
      throw SecureAggregationError(.setInvalid, naming: [site])
    }
    if let prefetch = body.prefetch {
      guard round.open.prefetch, prefetch.parcels.map(\.peer) == peers,
        prefetch.recovery.count == DealtSecrets.recoveryByteCount(peerCount: peers.count)
      else { throw SecureAggregationError(.setInvalid, naming: [site]) }
    }
    self.round?.unmasks[site] = body
  }

  /// Goes on as long as nobody is waited for.
  mutating func advance() -> [AggregatorAction] {
    var actions: [AggregatorAction] = []
    while state.awaited != nil, awaitedSites.isEmpty {
      switch state {
      case .shares: actions += completeShares()
      case .masked: actions += completeMasked()
      case .acks: actions += completeAcks()
      case .unmask: actions += completeUnmask()
      default: return actions
      }
    }
    return actions
  }

  private mutating func completeShares() -> [AggregatorAction] {
    guard let round else { return [] }
    let senders = round.deals.keys.filter { !round.dropped.contains($0) }.sorted()
    guard senders.count >= manifest.manifest.quorum else {
      return failRound(
        SecureAggregationError(
          .tooFew, naming: round.open.members.filter { !senders.contains($0) }))
    }
    return lock(senders, on: .sharesComplete)
  }

  /// Fixes U1 and tells its members.
  private mutating func lock(
    _ senders: [UInt16], on event: AggregatorState.Event
  ) -> [AggregatorAction] {
    guard let round else { return [] }
    self.round?.shareMembers = senders
    move(on: event, to: .masked)
    var actions: [AggregatorAction] = [
      .journal(.locked(round: round.number, members: senders))
    ]
    for recipient in senders {
      let parcels = senders.filter { $0 != recipient }.compactMap { sender in
        round.deals[sender]?.parcels[recipient].map {
          Lock1.Entry(sender: sender, parcel: $0.parcel, check: $0.check)
        }
      }
      let message = sealed(Lock1(members: senders, parcels: parcels), round: round.number)
      actions.append(.send(to: [recipient], message: message))
    }
    return actions
  }

  private mutating func completeMasked() -> [AggregatorAction] {
    guard let round else { return [] }
    let senders = round.masked.keys.sorted()
    guard senders.count >= manifest.manifest.quorum else {
      return failRound(
        SecureAggregationError(
          .tooFew, naming: round.open.members.filter { !senders.contains($0) }))
    }
    let digests = senders.compactMap { round.masked[$0]?.vectorDigest }
    let commitments = senders.flatMap { round.masked[$0]?.commitments ?? [] }
    let listDigest = RoundDigests.list(senders, digests)
    let statement = RoundDigests.statement(
      round: round.transcript, shareSet: RoundDigests.set(round.shareMembers),
      set: RoundDigests.set(senders), list: listDigest,
      layers: commitments.isEmpty ? nil : NoiseLayer.digest(of: commitments))
    self.round?.members = senders
    self.round?.listDigest = listDigest
    self.round?.statement = statement
    move(on: .maskedComplete, to: .acks)
    var actions: [AggregatorAction] = [
      .journal(.stated(round: round.number, members: senders, statement: statement))
    ]
    for recipient in senders {
      var checks: [PeerBytes] = []
      if round.open.mode == .fast {
        checks = senders.filter { $0 != recipient }.compactMap { sender in
          round.masked[sender]?.checks.first { $0.peer == recipient }
            .map { PeerBytes(peer: sender, bytes: $0.bytes) }
        }
      }
      let body = Lock2(
        members: senders, vectorDigests: digests, checks: checks, commitments: commitments)
      actions.append(.send(to: [recipient], message: sealed(body, round: round.number)))
    }
    return actions
  }

  private mutating func completeAcks() -> [AggregatorAction] {
    guard let round else { return [] }
    guard round.acknowledgements.count >= manifest.manifest.threshold else {
      return failRound(
        SecureAggregationError(
          .quorumMissing, naming: round.members.filter { round.acknowledgements[$0] == nil }))
    }
    move(on: .acksComplete, to: .unmask)
    let body = AckSet(statement: round.statement, acknowledgements: round.acknowledgementList)
    return [
      .send(
        to: round.members.filter { !round.dropped.contains($0) },
        message: sealed(body, round: round.number))
    ]
  }

  private mutating func completeUnmask() -> [AggregatorAction] {
    guard let round else { return [] }
    guard round.unmasks.count >= manifest.manifest.threshold else {
      return failRound(
        SecureAggregationError(
          .quorumMissing, naming: round.members.filter { round.unmasks[$0] == nil }))
    }
    return publish()
  }
}

extension AggregatorRound {
  /// Ascending by index.
  var acknowledgementList: [SignatureEntry] {
    acknowledgements.sorted { $0.key < $1.key }
      .map { SignatureEntry(index: $0.key, signature: $0.value) }
  }
}
