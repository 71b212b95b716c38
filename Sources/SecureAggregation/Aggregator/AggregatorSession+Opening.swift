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
    return blame + publish(opened.sum, tag: opened.tag)
  }

  private mutating func publish(_ sum: RingVector, tag: UInt64) -> [AggregatorAction] {
    guard let round, let epoch else { return [] }
    let sumDigest = RoundDigests.vector(sum)
    let digest = RoundDigests.result(
      round: round.transcript, shareSet: RoundDigests.set(round.shareMembers),
      set: RoundDigests.set(round.members), list: round.listDigest, sum: sumDigest, tag: tag)
    let body = ResultMessage(
      sumDigest: sumDigest, vectorLength: round.open.vectorLength,
      ringWidth: round.open.ringWidth, tag: tag, shareMembers: round.shareMembers,
      members: round.members, listDigest: round.listDigest,
      acknowledgements: round.acknowledgementList, resultDigest: digest)
    let entry = TranscriptEntry(
      epoch: epoch, round: round.number, roundOpenBody: round.openBody, resultBody: body.bytes)
    entries.append(entry)
    accepted = (round.number, digest)
    attestations = [:]
    prefetchRound = round.number + 1
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
          total: sum.withoutConstant, participants: round.members, digest: digest)),
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

/// The masks to take off a sum, collected key by key and applied in one pass.
struct Opening: ~Copyable {
  private var masks = MaskSet()
  private var tag: UInt64

  init(tag: UInt64) {
    self.tag = tag
  }

  mutating func removeSelfMask(
    of secret: Scalar, owner: UInt16
  ) throws(SecureAggregationError) {
    let key = SecretBytes(count: 32) { key in
      secret.bytes.withUnsafeBytes { Derivations.key(Labels.selfMask, from: $0, into: key) }
    }
    try take(key, adding: false, owner: owner)
  }

  /// Opens the owner's recovery box and removes its masks with every survivor.
  mutating func removePairMasks(
    of owner: UInt16, secret: Scalar, survivors: [UInt16], setDigest: Digest,
    round: borrowing AggregatorRound
  ) throws(SecureAggregationError) {
    let unrecoverable = SecureAggregationError(.unrecoverable, naming: [owner])
    let width = DealtSecrets.recoveryEntryByteCount
    let nonceCount = XChaCha20Poly1305.nonceByteCount
    guard let box = round.deals[owner]?.recovery, box.count >= nonceCount else {
      throw unrecoverable
    }
    let boxKey = SecretBytes(count: 32) { key in
      secret.bytes.withUnsafeBytes { Derivations.key(Labels.recovery, from: $0, into: key) }
    }
    let entries: SecretBytes
    do throws(CryptographyError) {
      let associatedData = round.associatedData.bytes
      entries = try boxKey.withUnsafeBytes { (key) throws(CryptographyError) in
        try XChaCha20Poly1305.open(
          Array(box[nonceCount...]), associatedData: associatedData,
          nonce: Array(box[..<nonceCount]), key: key)
      }
    } catch {
      throw unrecoverable
    }
    guard entries.count % width == 0 else { throw unrecoverable }
    var positions: [UInt16: Int] = [:]
    for position in 0..<(entries.count / width) {
      let peer = entries.slot(position, width: width) { UInt16($0[0]) | UInt16($0[1]) << 8 }
      positions[peer] = position
    }
    let isFast = round.open.mode == .fast
    let transcript = round.transcript
    for survivor in survivors {
      guard let position = positions[survivor] else { throw unrecoverable }
      let key = SecretBytes(count: 32) { key in
        entries.slot(position, width: width) { entry in
          let value = UnsafeRawBufferPointer(rebasing: entry[2...])
          guard isFast else {
            Derivations.pairKey(seed: value, shareSet: setDigest, into: key)
            return
          }
          withSecretScratch(byteCount: 32) { seed in
            Derivations.seed(maskKey: value, round: transcript, into: seed)
            Derivations.pairKey(
              seed: UnsafeRawBufferPointer(seed), shareSet: setDigest, into: key)
          }
        }
      }
      // The survivor added the mask towards higher indices: take it off again.
      try take(key, adding: survivor > owner, owner: owner)
    }
  }

  private mutating func take(
    _ key: SecretBytes, adding: Bool, owner: UInt16
  ) throws(SecureAggregationError) {
    let tagMask = key.withUnsafeBytes { SumTag.mask(key: $0) }
    do throws(CryptographyError) {
      if adding {
        try masks.add(key: key)
        tag = SumTag.add(tag, tagMask)
      } else {
        try masks.subtract(key: key)
        tag = SumTag.subtract(tag, tagMask)
      }
    } catch {
      throw SecureAggregationError(.unrecoverable, naming: [owner])
    }
  }

  consuming func finish(_ accumulator: consuming RingVector) -> (RingVector, UInt64) {
    let tag = tag
    return (accumulator.masked(by: masks), tag)
  }
}
