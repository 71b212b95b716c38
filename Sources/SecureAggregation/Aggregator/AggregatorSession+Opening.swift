import CanonicalBytes
import Cryptography
import FixedPoint

/// Taking the masks off the sum (protocol/README.md §6) and publishing it.
extension AggregatorSession {
  mutating func publish() -> [AggregatorAction] {
    guard let round else { return [] }
    var reconstruction = Reconstruction(threshold: manifest.manifest.threshold)
    let liars = Set(
      round.unmasks.filter { site, unmask in
        let commitment = unmask.selfSecret.bytes.withUnsafeBytes {
          Derivations.commitment(Labels.selfCommitment, to: $0)
        }
        return commitment != round.deals[site]?.selfCommitment
      }.keys)
    var blame: [AggregatorAction] = liars.sorted().map {
      .blamed(site: $0, fault: SecureAggregationError(.secretCorrupt, naming: [$0]))
    }
    let opened: (sum: RingVector, tag: UInt64)
    do throws(SecureAggregationError) {
      opened = try open(liars: liars, with: &reconstruction)
    } catch {
      return blame + failRound(error)
    }
    blame += reconstruction.wrongSigners.sorted().map {
      .blamed(site: $0, fault: SecureAggregationError(.shareCorrupt, naming: [$0]))
    }
    guard opened.sum.constant == Int64(round.members.count) else {
      return blame + failRound(SecureAggregationError(.sumRejected))
    }
    let (records, wrong) = round.layerRecords(liars: liars)
    blame += wrong.filter { !reconstruction.wrongSigners.contains($0) }.map {
      .blamed(site: $0, fault: SecureAggregationError(.layerCorrupt, naming: [$0]))
    }
    var sum = opened.sum
    let revealed = records.revealed(of: round.open.layers)
    if !revealed.isEmpty {
      guard let layerNoise,
        let noise = try? revealed.noise(layerNoise, count: sum.count - 1),
        sum.add(noise: noise, subtracting: true)
      else { return blame + failRound(SecureAggregationError(.refused, naming: [0])) }
    }
    return blame + publish(sum, tag: opened.tag, records: records)
  }

  private mutating func publish(
    _ sum: RingVector, tag: UInt64, records: LayerRecords
  ) -> [AggregatorAction] {
    guard let round, let epoch else { return [] }
    let sumDigest = RoundDigests.vector(sum)
    let layerTag = records.removed.keys.reduce(UInt64(0)) {
      SumTag.add($0, round.unmasks[$1]?.layerTag ?? 0)
    }
    let digest = RoundDigests.result(
      round: round.transcript, shareSet: RoundDigests.set(round.shareMembers),
      set: RoundDigests.set(round.members), list: round.listDigest, sum: sumDigest, tag: tag,
      layers: records.records, layerTag: layerTag)
    let body = ResultMessage(
      sumDigest: sumDigest, vectorLength: round.open.vectorLength,
      ringWidth: round.open.ringWidth, tag: tag, shareMembers: round.shareMembers,
      members: round.members, listDigest: round.listDigest,
      acknowledgements: round.acknowledgementList, resultDigest: digest,
      layers: records.records, layerTag: layerTag)
    let entry = TranscriptEntry(
      epoch: epoch, round: round.number, roundOpenBody: round.openBody, resultBody: body.bytes)
    entries.append(entry)
    accepted = (round.number, digest)
    attestations = [:]
    prefetchRound = round.number &+ 1
    prefetched = round.unmasks.compactMapValues { unmask in
      unmask.prefetch.map { prefetch in
        AggregatorRound.Deal(
          selfCommitment: prefetch.selfCommitment, maskCommitment: prefetch.maskCommitment,
          parcels: Dictionary(
            uniqueKeysWithValues: prefetch.parcels.map { ($0.peer, ($0.bytes, nil)) }),
          recovery: prefetch.recovery)
      }
    }
    active = round.members.filter { !round.dropped.contains($0) }
    let message = sealed(body, round: round.number)
    move(on: .sumOpened, to: .published)
    self.round?.deals = [:]
    self.round?.unmasks = [:]
    return [
      .journal(.published(entry, sum: sum)),
      .sendResult(to: round.shareMembers, message: message, sum: sum),
      .completed(
        RoundOutcome(
          epoch: epoch, round: round.number, binding: round.open.binding,
          sum: sum, participants: round.members, digest: digest,
          removedLayers: records.removed)),
    ]
  }

  /// S and its tag: the accumulated vectors without the self masks of U2 and without the pair masks
  /// that the dropped sites of U1 left uncancelled.
  private mutating func open(
    liars: Set<UInt16>, with reconstruction: inout Reconstruction
  ) throws(SecureAggregationError) -> (RingVector, UInt64) {
    guard let round else { throw SecureAggregationError(.unexpectedMessage) }
    var opening = Opening(tag: round.masked.values.reduce(0) { SumTag.add($0, $1.tag) })
    for site in round.members {
      let secret: Scalar
      if let unmask = round.unmasks[site], !liars.contains(site) {
        secret = unmask.selfSecret
      } else {
        secret = try rebuild(
          site, in: round, from: \.selfShares, liars: liars, label: Labels.selfCommitment,
          with: &reconstruction)
      }
      try opening.removeSelfMask(of: secret, owner: site)
    }
    let setDigest = RoundDigests.set(round.shareMembers)
    for owner in round.shareMembers where !round.members.contains(owner) {
      let secret = try rebuild(
        owner, in: round, from: \.maskShares, liars: liars, label: Labels.maskCommitment,
        with: &reconstruction)
      try opening.removePairMasks(
        of: owner, secret: secret, survivors: round.members, setDigest: setDigest, round: round)
    }
    let sum = accumulator
    dropAccumulator()
    return opening.finish(sum)
  }

  private func rebuild(
    _ owner: UInt16, in round: AggregatorRound,
    from list: KeyPath<Unmask, [Unmask.OwnedShare]>, liars: Set<UInt16>, label: HashLabel,
    with reconstruction: inout Reconstruction
  ) throws(SecureAggregationError) -> Scalar {
    guard let deal = round.deals[owner] else {
      throw SecureAggregationError(.unrecoverable, naming: [owner])
    }
    let shares = round.unmasks.keys.sorted().filter { !liars.contains($0) }
      .compactMap { holder in
        round.unmasks[holder]?[keyPath: list].first { $0.owner == owner }
          .map { Shamir.Share(point: holder, value: $0.share) }
      }
    let holders = shares.map(\.point)
    return try reconstruction.secret(
      of: owner, from: shares,
      commitment: label == Labels.selfCommitment ? deal.selfCommitment : deal.maskCommitment,
      label: label, missing: round.members.filter { !holders.contains($0) })
  }
}

extension AggregatorRound {
  /// What Result says of every site and layer of U2: the seed where it was revealed and fits its
  /// commitment, otherwise the commitment, and the noise stays in. Also names the sites with a seed
  /// that does not fit. Nothing of a site in `liars` is used.
  func layerRecords(liars: Set<UInt16>) -> (records: LayerRecords, wrong: [UInt16]) {
    var wrong: [UInt16] = []
    var records: [LayerRecord] = []
    let removed = removedLayers
    for site in members {
      let commitments = masked[site]?.commitments ?? []
      let isUsed = acknowledgements[site] != nil && !liars.contains(site)
      let seeds = isUsed ? unmasks[site]?.layerSeeds ?? [] : []
      for (layer, commitment) in commitments.enumerated() {
        guard let position = removed.firstIndex(of: layer), seeds.indices.contains(position) else {
          records.append(LayerRecord(isRemoved: false, value: commitment.bytes))
          continue
        }
        let seed = seeds[position]
        let found = seed.withUnsafeBytes {
          NoiseLayer.commitment(to: $0, layer: layer, site: site, round: transcript)
        }
        let fits = found == commitment
        if !fits, wrong.last != site { wrong.append(site) }
        records.append(LayerRecord(isRemoved: fits, value: fits ? seed : commitment.bytes))
      }
    }
    let made = LayerRecords(records, members: members, layerCount: open.layers.count)
    // Every Masked that counts has one commitment per layer.
    return (made ?? LayerRecords(members: members, layerCount: 0), wrong)
  }
}
