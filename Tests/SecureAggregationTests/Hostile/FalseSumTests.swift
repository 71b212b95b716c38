import Cryptography
import FixedPoint
import Testing

@testable import SecureAggregation

/// A wrong published sum, to one site or to all: it is rejected, the site halts, and the signed
/// messages prove whose doing it was.
@Suite struct FalseSumTests {
  enum Change: String, CaseIterable {
    case changed, scaled, signFlipped, miscounted, tagChanged
  }

  /// A Result for a changed sum with everything recomputed that the aggregator can compute.
  private static func lie(
    _ change: Change, about packet: Federation.Packet, in federation: Federation
  ) throws -> Federation.Packet {
    let envelope = try Envelope(parsing: packet.message, naming: [])
    let body = try ResultMessage(envelope.body)
    let sum = try #require(RingVector(packet.payload, width: body.ringWidth))
    var values = sum.signed
    var tag = body.tag
    switch change {
    case .changed: values[3] ^= 1
    case .scaled:
      values = values.map { 2 * $0 }
      tag = SumTag.add(tag, tag)
    case .signFlipped:
      values = values.map { -$0 }
      tag = SumTag.subtract(0, tag)
    case .miscounted: values[0] += 1
    case .tagChanged: tag = SumTag.add(tag, 1)
    }
    let changed = try #require(RingVector(signed: values, width: body.ringWidth))
    let open = try #require(federation.sent.last { $0.kind == .roundOpen && $0.to == packet.to })
    let transcript = RoundOpen.binding(
      manifest: envelope.manifest, epoch: envelope.epoch, round: envelope.round,
      body: try Envelope(parsing: open.message, naming: []).body)
    let sumDigest = RoundDigests.vector(changed)
    let digest = RoundDigests.result(
      round: transcript, shareSet: RoundDigests.set(body.shareMembers),
      set: RoundDigests.set(body.members), list: body.listDigest, sum: sumDigest, tag: tag)
    let lie = ResultMessage(
      sumDigest: sumDigest, vectorLength: body.vectorLength, ringWidth: body.ringWidth, tag: tag,
      shareMembers: body.shareMembers, members: body.members, listDigest: body.listDigest,
      acknowledgements: body.acknowledgements, resultDigest: digest)
    let message = Envelope.sealed(
      .result, manifest: envelope.manifest, epoch: envelope.epoch, round: envelope.round,
      sender: 0, body: lie.bytes, key: try #require(federation.keys[0]))
    return .init(from: 0, to: packet.to, message: message, payload: changed.bytes)
  }

  /// A round whose Result is a lie to some of the sites.
  private func round(
    _ change: Change, to liedTo: Set<UInt16>, width: RingWidth = .bits32
  ) throws -> Federation {
    var federation = try Federation.keyed(4)
    let answers = federation.answers(length: 5)
    try federation.run(until: .result, Federation.binding(width: width))
    #expect(federation.network.count == 4)
    for packet in federation.network {
      let shown =
        liedTo.contains(packet.to) ? try Self.lie(change, about: packet, in: federation) : packet
      federation.deliver(shown)
    }
    for site in federation.everyone {
      let isLiedTo = liedTo.contains(site)
      #expect((federation.halts[site]?.code == .sumRejected) == isLiedTo)
      #expect((federation.siteOutcomes[site]?.count ?? 0) == (isLiedTo ? 0 : 1))
      if !isLiedTo {
        #expect(
          federation.siteOutcomes[site]?.first?.total.signed
            == Federation.sum(answers, over: federation.everyone))
      }
    }
    return federation
  }

  @Test("Scaled, sign-flipped, miscounted: the constant coordinate alone proves it")
  func constantCoordinate() throws {
    for change in [Change.scaled, .signFlipped, .miscounted] {
      for width in [RingWidth.bits32, .bits64] {
        let federation = try round(change, to: [2], width: width)
        try expectProof(of: .falseSum, by: [0], in: federation.pieces(of: 2), of: federation)
      }
    }
  }

  @Test("Changed for one site: its Result beside another site's proves it")
  func changedForOne() throws {
    for change in [Change.changed, .tagChanged] {
      let federation = try round(change, to: [2])
      // One site's word about the tag's seed is not enough.
      let alone = try EvidenceReview(federation.pieces(of: 2), layerNoise: discreteGaussianNoise)
      #expect(!alone.provesMisbehaviour, "\(alone.findings)")
      #expect(alone.remarks.contains { $0.contains("the word of 2 sites proves it") })
      let shown = try federation.shown(by: 3)
      try expectProof(
        of: .equivocation, by: [0], in: federation.pieces(of: 2) + [shown], of: federation)
    }
  }

  @Test("Changed for all: the seeds of more sites than may collude prove it, all of them who")
  func changedForAll() throws {
    for change in [Change.changed, .tagChanged] {
      let federation = try round(change, to: [1, 2, 3, 4])
      try expectProof(
        of: .falseSum, by: [0, 1, 2, 3, 4], in: federation.pieces(of: 1, 2), of: federation)
      // With the vectors and openings of all sites the round is added up again.
      try expectProof(
        of: .falseSum, by: [0], in: federation.pieces(of: 1, 2, 3, 4), of: federation)
      #expect(try federation.restarted(2).sites[2]?.state == .halted)
    }
  }

  @Test("A site with a wrong tag stops the round; the addition clears the aggregator")
  func wrongTagOfASite() throws {
    var federation = try Federation.keyed(4)
    federation.misbehave(Masked.self, from: 3) {
      Masked(
        vectorDigest: $0.vectorDigest, vectorLength: $0.vectorLength, ringWidth: $0.ringWidth,
        tag: SumTag.add($0.tag, 5), checks: $0.checks, attestation: $0.attestation)
    }
    try federation.run(Federation.binding(), answers: federation.answers(length: 5))
    #expect(federation.halts.count == 4)
    // The liar's own evidence has the message that it meant to send; the aggregator's has the other.
    let forged = try #require(
      try federation.sent.first { $0.kind == .masked && $0.from == 3 }.map { packet in
        try federation.forged(packet, Masked.self) {
          Masked(
            vectorDigest: $0.vectorDigest, vectorLength: $0.vectorLength,
            ringWidth: $0.ringWidth, tag: SumTag.add($0.tag, 5), checks: $0.checks,
            attestation: $0.attestation)
        }
      })
    let pieces = try federation.pieces(of: 1, 2, 3, 4).map { piece in
      let exhibits = try piece.exhibits.map { exhibit in
        let envelope = try Envelope(parsing: exhibit.message, naming: [])
        return envelope.kind == .masked && envelope.sender == 3
          ? Exhibit(message: forged.message, payload: exhibit.payload) : exhibit
      }
      return Evidence(
        keeper: piece.keeper, fault: SecureAggregationError(.sumRejected, naming: [0]),
        manifest: piece.manifest, exhibits: exhibits, tagSeeds: piece.tagSeeds,
        key: try #require(federation.keys[piece.keeper]))
    }
    let review = try EvidenceReview(pieces, layerNoise: discreteGaussianNoise)
    #expect(review.findings.contains { $0.offence == .falseSum && $0.accused == [1, 2, 3, 4] })
    #expect(!review.findings.contains { $0.accused == [0] }, "\(review.findings)")
  }

  @Test("Everybody honest: the evidence of all parties together accuses nobody", arguments: 1...3)
  func honestRoundsAccuseNobody(seed: Int) throws {
    // Seed: the argument. Normal and fast rounds, a dropout, a second epoch, a caught-up site.
    var federation = try Federation.keyed(5, seed: UInt64(seed))
    let answers = federation.answers(length: 5)
    try federation.run(Federation.binding("a"), answers: answers, prefetch: true)
    try federation.run(Federation.binding("b"), answers: answers, prefetch: true)
    var shown: [Evidence] = try federation.everyone.map { try federation.shown(by: $0) }
    federation.isLost = { $0.from == 5 && $0.kind == .masked }
    try federation.run(Federation.binding("c"), answers: answers, prefetch: true)
    federation.isLost = { _ in false }
    shown += try federation.everyone.map { try federation.shown(by: $0) }
    try federation.restart(5)
    try federation.openEpoch()
    shown += try federation.everyone.map { try federation.shown(by: $0) }
    try federation.run(Federation.binding("d"), answers: answers, prefetch: true)
    shown += try federation.everyone.map { try federation.shown(by: $0) }
    #expect(federation.outcomes.count == 4)
    let everything = federation.sent.map {
      Exhibit(message: $0.message, payload: $0.payload)
    }
    for keeper in [UInt16(0), 1] {
      shown.append(
        Evidence(
          keeper: keeper, fault: SecureAggregationError(.stopped), manifest: federation.manifest,
          exhibits: everything, tagSeeds: [], key: try #require(federation.keys[keeper])))
    }
    let review = try EvidenceReview(shown, layerNoise: discreteGaussianNoise)
    #expect(review.messageCount > 100)
    #expect(review.ignoredCount == 0)
    #expect(review.findings.isEmpty, "seed \(seed): \(review.findings)")
  }
}

extension Federation {
  func restarted(_ index: UInt16) throws -> Federation {
    var copy = self
    try copy.restart(index)
    return copy
  }
}
