import CanonicalBytes
import Cryptography
import FixedPoint

/// A round up to the masked vector (protocol/README.md §8).
extension SiteSession {
  mutating func takeRoundOpen(
    _ received: Received, entropy: inout some EntropySource
  ) throws(SecureAggregationError) -> [SiteAction] {
    let number = received.envelope.round
    // From here on the number is burned whatever comes out.
    let ready = prefetched
    prefetched = nil
    round = nil
    memory.lastRound = number
    memory.pending = nil
    memory.replies = [received.identity: []]
    currentRound = number
    pairKeys?.advance(to: number)
    let open = try RoundOpen(received.envelope.body, from: 0)
    try check(open)
    guard let keys = pairKeys else {
      throw SecureAggregationError(.unexpectedMessage, naming: [0])
    }
    let transcript = RoundOpen.binding(
      manifest: manifest.digest, epoch: memory.epoch, round: number,
      body: received.envelope.body)
    var actions = [
      SiteAction.journal(
        JournalRecord(
          round: number,
          .opened(
            transcript: transcript, epoch: memory.epoch, queryDigest: open.queryDigest,
            body: received.envelope.body)))
    ]
    let seeds = seedTable(for: open.members, keys: keys, transcript: transcript)
    let secrets: DealtSecrets
    let associatedData: Digest
    switch open.mode {
    case .fast:
      guard let ready, ready.round == number,
        Set(open.members).isSubset(of: ready.secrets.recipients)
      else { throw SecureAggregationError(.prefetchMissing, naming: [index]) }
      secrets = ready.secrets
      associatedData = RoundDigests.prefetch(
        manifest: manifest.digest, epoch: memory.epoch, round: number)
    case .normal:
      associatedData = transcript
      secrets = try deal(
        to: open.members, keys: keys, associatedData: transcript, entropy: &entropy
      ) { peer, target in
        guard let position = open.members.firstIndex(of: peer) else { return false }
        seeds.slot(position) { target.copyMemory(from: $0) }
        return true
      }
    }
    eligible = open.members
    let round = SiteRound(
      number: number, open: open, openMessage: received.message, transcript: transcript,
      associatedData: associatedData, secrets: secrets, seeds: seeds)
    self.round = round
    switch open.mode {
    case .fast:
      move(on: .roundOpen, to: .opened)
    case .normal:
      actions.append(
        .journal(
          JournalRecord(
            round: number,
            .shared(
              selfCommitment: secrets.selfCommitment, maskCommitment: secrets.maskCommitment))))
      let message = sealed(shares(of: round), round: number)
      memory.replies[received.identity] = [.send(message)]
      actions.append(.send(message))
      move(on: .roundOpen, to: .shared)
    }
    actions.append(.needAnswer(round: number, binding: open.binding))
    return actions
  }

  private func check(_ open: RoundOpen) throws(SecureAggregationError) {
    guard let expectation, open.binding == expectation else {
      throw SecureAggregationError(
        .queryMismatch, naming: [0, index],
        sides: expectation.map { .init(own: $0.queryDigest, received: open.queryDigest) })
    }
    guard open.previousDigest == memory.acceptedDigest else {
      throw SecureAggregationError(
        .chainMismatch, naming: [0],
        sides: .init(own: memory.acceptedDigest, received: open.previousDigest))
    }
    guard open.members.contains(index), Set(open.members).isSubset(of: eligible ?? members) else {
      throw SecureAggregationError(.setInvalid, naming: [0])
    }
    guard open.members.count >= manifest.manifest.quorum else {
      throw SecureAggregationError(.tooFew, naming: [0])
    }
    // It could not check the sum.
    guard open.layers.isEmpty || layerNoise != nil else {
      throw SecureAggregationError(.refused, naming: [index])
    }
  }

  /// s_ij for every member, in their order.
  private func seedTable(
    for members: [UInt16], keys: PairKeys, transcript: Digest
  ) -> SecretBytes {
    SecretBytes(count: Digest.byteCount * members.count) { table in
      withSecretScratch(byteCount: Digest.byteCount) { maskKey in
        for (position, peer) in members.enumerated() where peer != index {
          // Members of a round are members of the epoch: checked before.
          guard keys.maskKey(with: peer, into: maskKey) else { continue }
          Derivations.seed(
            maskKey: UnsafeRawBufferPointer(maskKey), round: transcript,
            into: table.slot(position))
        }
      }
    }
  }

  func deal(
    to recipients: [UInt16], keys: PairKeys, associatedData: Digest,
    entropy: inout some EntropySource,
    recoveryValue: (UInt16, UnsafeMutableRawBufferPointer) -> Bool
  ) throws(SecureAggregationError) -> DealtSecrets {
    do {
      return try DealtSecrets(
        recipients: recipients, threshold: manifest.manifest.threshold, keys: keys,
        associatedData: associatedData, entropy: &entropy, recoveryValue: recoveryValue)
    } catch {
      // Fewer recipients than the threshold, or no randomness left: the site cannot take part.
      throw SecureAggregationError(.refused, naming: [index])
    }
  }

  private func shares(of round: SiteRound) -> Shares {
    let parcels = round.secrets.parcels.map { parcel in
      CheckedParcel(
        peer: parcel.peer, parcel: parcel.bytes,
        check: round.check(peer: parcel.peer, from: index, to: parcel.peer) ?? [])
    }
    return Shares(
      selfCommitment: round.secrets.selfCommitment,
      maskCommitment: round.secrets.maskCommitment, parcels: parcels,
      recovery: round.secrets.recovery,
      attestation: memory.acceptedRound > 0 ? attestation() : nil)
  }

  mutating func takeLock1(_ received: Received) throws(SecureAggregationError) -> [SiteAction] {
    guard var round, round.lock == nil else {
      throw SecureAggregationError(.secondStatement, naming: [0])
    }
    let body = try Lock1(received.envelope.body, from: 0)
    let isFast = round.open.mode == .fast
    let peers = body.members.filter { $0 != index }
    guard body.members.contains(index),
      isFast
        ? body.members == round.open.members
        : Set(body.members).isSubset(of: round.open.members),
      body.parcels.map(\.sender) == peers,
      body.parcels.allSatisfy({ ($0.check == nil) == isFast })
    else { throw SecureAggregationError(.setInvalid, naming: [0]) }
    guard body.members.count >= manifest.manifest.quorum else {
      throw SecureAggregationError(.tooFew, naming: [0])
    }
    if !isFast {
      let different = body.parcels.filter { entry in
        entry.check != round.check(peer: entry.sender, from: entry.sender, to: index)
      }
      guard different.isEmpty else {
        throw SecureAggregationError(.seedMismatch, naming: different.map(\.sender))
      }
    }
    let received96 = try openParcels(body, round: round)
    let setDigest = RoundDigests.set(body.members)
    var alpha = Blake2b(Labels.alpha)
    alpha.part(round.transcript)
    alpha.part(setDigest)
    for position in body.members.indices {
      received96.slot(position, width: Parcel.plainByteCount) {
        alpha.part(UnsafeRawBufferPointer(rebasing: $0[64...]))
      }
    }
    round.lock = SiteRound.Lock(
      request: received.identity, message: received.message, members: body.members,
      setDigest: setDigest, received: received96, alphaSeed: alpha.finishSecret())
    self.round = round
    memory.replies[received.identity] = []
    move(on: .lock1, to: .locked)
    var actions = [
      SiteAction.journal(JournalRecord(round: round.number, .locked(members: body.members)))
    ]
    if answer != nil {
      actions += guarded(evidence: []) { (session) throws(SecureAggregationError) in
        try session.commit()
      }
    }
    return actions
  }

  /// Opens every parcel into one table; names all peers whose parcel does not open or holds no
  /// scalars.
  private func openParcels(
    _ body: Lock1, round: SiteRound
  ) throws(SecureAggregationError) -> SecretBytes {
    var unreadable: [UInt16] = []
    let width = Parcel.plainByteCount
    let table = SecretBytes(count: width * body.members.count) { table in
      for (position, member) in body.members.enumerated() {
        let target = table.slot(position, width: width)
        guard member != index else {
          round.secrets.tagNonce.withUnsafeBytes { target.slot(2).copyMemory(from: $0) }
          continue
        }
        guard let entry = body.parcels.first(where: { $0.sender == member }),
          open(entry.parcel, from: member, round: round, into: target),
          Scalar.isReduced(UnsafeRawBufferPointer(target.slot(0))),
          Scalar.isReduced(UnsafeRawBufferPointer(target.slot(1)))
        else {
          unreadable.append(member)
          continue
        }
      }
    }
    guard unreadable.isEmpty else {
      throw SecureAggregationError(.shareUnreadable, naming: unreadable)
    }
    return table
  }

  private func open(
    _ parcel: [UInt8], from sender: UInt16, round: SiteRound,
    into target: UnsafeMutableRawBufferPointer
  ) -> Bool {
    let nonceCount = XChaCha20Poly1305.nonceByteCount
    guard let pairKeys, parcel.count == Parcel.byteCount else { return false }
    return withSecretScratch(byteCount: 32) { key in
      guard pairKeys.channelKey(from: sender, to: index, into: key) else { return false }
      return XChaCha20Poly1305.open(
        Array(parcel[nonceCount...]), associatedData: round.associatedData.bytes,
        nonce: Array(parcel[..<nonceCount]), key: UnsafeRawBufferPointer(key), into: target)
    }
  }

  /// The answer with the noise of all layers, whose tags are kept for Unmask. Each is drawn once.
  private func withLayers(
    _ answer: RingVector, of round: inout SiteRound, alphaSeed: SecretBytes
  ) throws -> RingVector {
    guard let seeds = round.layerSeeds, let layerNoise, !round.open.layers.isEmpty else {
      return answer
    }
    let width = round.open.ringWidth
    let layers = round.open.layers
    var total = answer.withConstant
    round.layerTags = try SecretBytes(count: 8 * layers.count) { tags throws in
      for (position, layer) in layers.enumerated() {
        let seed = seeds.slot(position) { SecretBytes(copying: $0) }
        let noise = RingVector(
          noise: try layerNoise(seed, [layer.variance], answer.count), width: width)
        guard total.add(noise) else {
          throw SecureAggregationError(.answerInvalid, naming: [index])
        }
        tags.storeBytes(
          of: try SumTag.tag(of: noise, alphaSeed: alphaSeed), toByteOffset: 8 * position,
          as: UInt64.self)
      }
    }
    return total.withoutConstant
  }

  /// LOCKED → COMMITTED: masks the answer.
  mutating func commit() throws(SecureAggregationError) -> [SiteAction] {
    guard var round, let lock = round.lock, let answer else {
      throw SecureAggregationError(.unexpectedMessage, naming: [0])
    }
    guard answer.width == round.open.ringWidth,
      answer.count + 1 == Int(round.open.vectorLength)
    else { throw SecureAggregationError(.answerInvalid, naming: [index]) }
    let layerCount = round.open.layers.count
    guard (answerSeeds?.count ?? 0) == NoiseLayer.seedByteCount * layerCount else {
      throw SecureAggregationError(.answerInvalid, naming: [index])
    }
    round.layerSeeds = answerSeeds
    let commitments = (0..<layerCount).compactMap { layer in
      round.layerSeeds?.slot(layer) {
        NoiseLayer.commitment(to: $0, layer: layer, site: index, round: round.transcript)
      }
    }
    self.answer = nil
    answerSeeds = nil
    let isWhole = companions.isSubset(of: lock.members)
    let isOne = companions.isEmpty || companions.contains(index)
    let masked: MaskedVector
    do {
      let noisy = try withLayers(
        isWhole && isOne ? answer : RingVector(zeros: answer.count, width: answer.width),
        of: &round, alphaSeed: lock.alphaSeed)
      masked = try MaskedVector(
        answer: noisy, index: index, members: lock.members, setDigest: lock.setDigest,
        selfSecret: round.secrets.selfSecret, alphaSeed: lock.alphaSeed,
        seed: { round.seed(with: $0, $1) != nil })
    } catch {
      throw SecureAggregationError(.refused, naming: [index])
    }
    let digest = RoundDigests.vector(masked.vector)
    let isFast = round.open.mode == .fast
    let checks = isFast ? lock.members.filter { $0 != index } : []
    let body = Masked(
      vectorDigest: digest, vectorLength: round.open.vectorLength,
      ringWidth: round.open.ringWidth, tag: masked.tag,
      checks: checks.map { peer in
        PeerBytes(peer: peer, bytes: round.check(peer: peer, from: index, to: peer) ?? [])
      },
      attestation: isFast && memory.acceptedRound > 0 ? attestation() : nil,
      commitments: commitments)
    let message = sealed(body, round: round.number)
    let reply = SiteAction.sendMasked(message: message, vector: masked.vector)
    round.commitment = SiteRound.Commitment(
      vectorDigest: digest, layers: commitments, companions: isWhole ? companions : [])
    self.round = round
    memory.pending = PendingRound(
      epoch: memory.epoch, round: round.number, transcript: round.transcript,
      binding: round.open.binding, shareMembers: lock.members, alphaSeed: lock.alphaSeed)
    memory.replies[lock.request] = [reply]
    move(on: .answer, to: .committed)
    return [
      .keep(vector: masked.vector, digest: digest),
      .journal(
        JournalRecord(
          round: round.number,
          .committed(
            transcript: round.transcript, shareSet: lock.setDigest, alphaSeed: lock.alphaSeed,
            request: lock.request, message: message))),
      reply,
    ]
  }
}
