import CanonicalBytes
import Cryptography
import FixedPoint

/// The second half of a round: one statement, one opening, one result (protocol/README.md §8).
extension SiteSession {
  mutating func takeLock2(_ received: Received) throws(SecureAggregationError) -> [SiteAction] {
    guard var round, let lock = round.lock, let commitment = round.commitment,
      round.acknowledgement == nil
    else { throw SecureAggregationError(.secondStatement, naming: [0]) }
    let body = try Lock2(received.envelope.body, from: 0)
    let isFast = round.open.mode == .fast
    let peers = body.members.filter { $0 != index }
    let layerCount = round.open.layers.count
    guard let position = body.members.firstIndex(of: index),
      Set(body.members).isSubset(of: lock.members),
      body.vectorDigests.count == body.members.count,
      body.vectorDigests[position] == commitment.vectorDigest,
      body.checks.map(\.peer) == (isFast ? peers : []),
      body.commitments.count == body.members.count * layerCount,
      body.commitments.dropFirst(position * layerCount).prefix(layerCount)
        .elementsEqual(commitment.layers)
    else { throw SecureAggregationError(.setInvalid, naming: [0]) }
    guard body.members.count >= manifest.manifest.quorum else {
      throw SecureAggregationError(.tooFew, naming: [0])
    }
    let different = body.checks.filter { check in
      check.bytes != round.check(peer: check.peer, from: check.peer, to: index)
    }
    guard different.isEmpty else {
      throw SecureAggregationError(.seedMismatch, naming: different.map(\.peer))
    }
    guard commitment.companions.isSubset(of: body.members) else {
      throw SecureAggregationError(.siteMissing, naming: [0])
    }
    try checkDifferencing(body.members, query: round.open.queryDigest)
    let statement = RoundDigests.statement(
      round: round.transcript, shareSet: lock.setDigest, set: RoundDigests.set(body.members),
      list: RoundDigests.list(body.members, body.vectorDigests),
      layers: layerCount == 0 ? nil : NoiseLayer.digest(of: body.commitments))
    let signature = signingKey.signature(for: statement.bytes)
    let message = sealed(Ack(statement: statement, signature: signature), round: round.number)
    round.acknowledgement = SiteRound.Acknowledgement(
      message: received.message, members: body.members, statement: statement)
    self.round = round
    memory.pending?.statement = statement
    memory.pending?.acknowledgements = [SignatureEntry(index: index, signature: signature)]
    memory.replies[received.identity] = [.send(message)]
    move(on: .lock2, to: .acked)
    let record = JournalRecord.Content.acknowledged(
      statement: statement, members: body.members, request: received.identity, message: message)
    return [.journal(JournalRecord(round: round.number, record)), .send(message)]
  }

  /// Two openings of one query must be for the same set or for sets that differ by k_diff sites:
  /// their difference would be the answer of the few sites between them.
  private func checkDifferencing(
    _ set: [UInt16], query: Digest
  ) throws(SecureAggregationError) {
    for earlier in memory.released where earlier.queryDigest == query {
      let apart = Set(earlier.members).symmetricDifference(set).count
      guard apart == 0 || apart >= manifest.manifest.differencingFloor else {
        throw SecureAggregationError(.setChange, naming: [0])
      }
    }
  }

  mutating func takeAckSet(
    _ received: Received, entropy: inout some EntropySource
  ) throws(SecureAggregationError) -> [SiteAction] {
    guard var round, let lock = round.lock, let acknowledgement = round.acknowledgement else {
      throw SecureAggregationError(.unexpectedMessage, naming: [0])
    }
    if let message = round.unmaskMessage { return [.send(message)] }
    let body = try AckSet(received.envelope.body, from: 0)
    guard body.statement == acknowledgement.statement else {
      throw SecureAggregationError(
        .resultMismatch, naming: [0],
        sides: .init(own: acknowledgement.statement, received: body.statement))
    }
    try Quorum.check(
      body.acknowledgements, of: acknowledgement.members, statement: body.statement,
      manifest: manifest, known: memory.pending?.acknowledgements ?? [])
    memory.pending?.acknowledgements = body.acknowledgements
    let prefetch =
      round.open.prefetch
      ? try makePrefetch(for: acknowledgement.members, after: round.number, entropy: &entropy)
      : nil
    let revealed = round.seedsToReveal(survivorCount: acknowledgement.members.count)
    let unmask = Unmask(
      selfSecret: Scalar(revealing: round.secrets.selfSecret),
      selfShares: acknowledgement.members.filter { $0 != index }
        .compactMap { lock.share(of: $0, part: 0) },
      maskShares: lock.members.filter { !acknowledgement.members.contains($0) }
        .compactMap { lock.share(of: $0, part: 1) },
      prefetch: prefetch,
      layerSeeds: revealed.seeds,
      layerTag: SumTag.add(
        revealed.tag, SumTag.layerPad(of: index, alphaSeed: lock.alphaSeed)))
    let message = sealed(unmask, round: round.number)
    round.unmaskMessage = message
    round.layerSeeds = nil
    round.layerTags = nil
    self.round = round
    let query = round.open.queryDigest
    memory.released.append(ReleasedSet(queryDigest: query, members: acknowledgement.members))
    memory.replies[received.identity] = [.send(message)]
    move(on: .ackSet, to: .released)
    let record = JournalRecord.Content.released(
      statement: body.statement, queryDigest: query, members: acknowledgement.members,
      request: received.identity, message: message)
    return [.journal(JournalRecord(round: round.number, record)), .send(message)]
  }

  /// Draws the secrets of the next round and shares them among the members of this one.
  private mutating func makePrefetch(
    for recipients: [UInt16], after number: UInt64, entropy: inout some EntropySource
  ) throws(SecureAggregationError) -> Prefetch? {
    guard var keys = pairKeys else { return nil }
    keys.advance(to: number &+ 1)
    let associatedData = RoundDigests.prefetch(
      manifest: manifest.digest, epoch: memory.epoch, round: number &+ 1)
    let secrets = try deal(
      to: recipients, keys: keys, associatedData: associatedData, entropy: &entropy
    ) { peer, target in
      keys.maskKey(with: peer, into: target)
    }
    prefetched = (number &+ 1, secrets)
    return Prefetch(
      selfCommitment: secrets.selfCommitment, maskCommitment: secrets.maskCommitment,
      parcels: secrets.parcels, recovery: secrets.recovery)
  }

  mutating func takeResult(_ received: Received) throws(SecureAggregationError) -> [SiteAction] {
    guard let pending = memory.pending else {
      throw SecureAggregationError(.unexpectedMessage, naming: [0])
    }
    let (body, sum, removed) = try check(received, against: pending)
    memory.acceptedRound = pending.round
    memory.acceptedDigest = body.resultDigest
    memory.pending = nil
    memory.replies = [received.identity: []]
    // The query is answered; until now it could be asked again under another number.
    if expectation == pending.binding { expectation = nil }
    if state.isKeyed, currentRound == pending.round {
      move(on: .result, to: .done)
      eligible = body.members
      dropRound(next: pending.round &+ 1)
    } else {
      move(on: .result, to: state)
    }
    return [
      .completed(
        RoundOutcome(
          epoch: pending.epoch, round: pending.round, binding: pending.binding,
          sum: sum, participants: body.members, digest: body.resultDigest,
          removedLayers: removed.removed)),
      .journal(JournalRecord(round: pending.round, .done(digest: body.resultDigest))),
    ]
  }

  /// All checks of a Result, in the order of §8.
  private func check(
    _ received: Received, against pending: PendingRound
  ) throws(SecureAggregationError) -> (ResultMessage, RingVector, LayerRecords) {
    let mismatch = SecureAggregationError(.resultMismatch, naming: [0])
    let width = pending.binding.ringWidth
    let body = try ResultMessage(received.envelope.body, from: 0)
    guard received.payload.count == Int(pending.binding.vectorLength) * width.byteCount,
      let sum = RingVector(received.payload, width: width)
    else { throw SecureAggregationError(.vectorLength, naming: [0]) }
    guard body.shareMembers == pending.shareMembers, body.ringWidth == width,
      body.vectorLength == pending.binding.vectorLength,
      Set(body.members).isSubset(of: body.shareMembers),
      let records = body.records(of: pending.binding.layers)
    else { throw mismatch }
    let statement = body.statement(round: pending.transcript)
    if let own = pending.statement, own != statement { throw mismatch }
    try Quorum.check(
      body.acknowledgements, of: body.members, statement: statement, manifest: manifest,
      known: pending.statement == statement ? pending.acknowledgements : [])
    guard received.payload.withUnsafeBytes({ RoundDigests.vector($0) }) == body.sumDigest,
      body.digest(round: pending.transcript) == body.resultDigest
    else { throw mismatch }
    guard sum.constant == Int64(body.members.count),
      try hasItsTag(sum, body: body, records: records, of: pending)
    else { throw SecureAggregationError(.sumRejected, naming: [0]) }
    return (body, sum, records)
  }

  /// Whether the sum with the noise that was taken off has the tag that the sites' vectors add up to:
  /// by the sites' own tags of that noise, or, where these do not fit (a site may have given a wrong
  /// one), by drawing the noise again (decision 0010).
  private func hasItsTag(
    _ sum: RingVector, body: ResultMessage, records: LayerRecords, of pending: PendingRound
  ) throws(SecureAggregationError) -> Bool {
    func tag(of vector: RingVector) -> UInt64? {
      try? SumTag.tag(of: vector, alphaSeed: pending.alphaSeed)
    }
    let removed = records.removed.keys
    guard !removed.isEmpty else { return tag(of: sum) == body.tag }
    let pads = removed.reduce(UInt64(0)) {
      SumTag.add($0, SumTag.layerPad(of: $1, alphaSeed: pending.alphaSeed))
    }
    if let own = tag(of: sum),
      SumTag.add(own, SumTag.subtract(body.layerTag, pads)) == body.tag
    {
      return true
    }
    return tag(of: try withRemovedNoise(sum, records: records, layers: pending.binding.layers))
      == body.tag
  }

  /// The sum as the sites' tags are of it: with the noise that was taken off.
  private func withRemovedNoise(
    _ sum: RingVector, records: LayerRecords, layers: [NoiseLayer]
  ) throws(SecureAggregationError) -> RingVector {
    var whole = sum
    guard let layerNoise,
      let noise = try? records.revealed(of: layers).noise(layerNoise, count: sum.count - 1),
      whole.add(noise: noise, subtracting: false)
    else { throw SecureAggregationError(.refused, naming: [index]) }
    return whole
  }
}

extension SiteRound {
  /// The seeds of exactly the layers that come off with so many sites, and the tag of their noise.
  func seedsToReveal(survivorCount: Int) -> (seeds: [[UInt8]], tag: UInt64) {
    var seeds: [[UInt8]] = []
    var tag: UInt64 = 0
    for (layer, description) in open.layers.enumerated()
    where description.isRemoved(survivorCount: survivorCount) {
      guard let layerSeeds, let layerTags else { continue }
      seeds.append(layerSeeds.slot(layer) { Array($0) })
      tag = SumTag.add(tag, layerTags.slot(layer, width: 8) { $0.load(as: UInt64.self) })
    }
    return (seeds, tag)
  }
}

extension SiteRound.Lock {
  /// The share of a member's b (part 0) or K (part 1) that this site received.
  func share(of owner: UInt16, part: Int) -> Unmask.OwnedShare? {
    guard let position = members.firstIndex(of: owner) else { return nil }
    let bytes = received.slot(position, width: Parcel.plainByteCount) {
      Array($0[(32 * part)..<(32 * part + 32)])
    }
    guard let share = try? Scalar(bytes) else { return nil }
    return Unmask.OwnedShare(owner: owner, share: share)
  }
}

extension Scalar {
  /// A secret scalar that its owner opens now.
  init(revealing secret: SecretBytes) {
    self = (try? Scalar(secret.revealed())) ?? .zero
  }
}
