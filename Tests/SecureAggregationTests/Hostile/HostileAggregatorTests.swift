import Cryptography
import FixedPoint
import Testing

@testable import SecureAggregation

/// An aggregator that misbehaves on purpose: what stops it, and what its own signatures then prove.
@Suite struct HostileAggregatorTests {
  // MARK: Questions

  @Test("A different query to one site: no vector leaves, and the two RoundOpens prove it")
  func differentQueryToOneSite() throws {
    var federation = try Federation.keyed(4)
    let binding = try Federation.binding("ours")
    let other = try Federation.binding("theirs")
    federation.misbehave(RoundOpen.self, from: 0, to: 3) {
      RoundOpen(
        mode: $0.mode, binding: other, prefetch: $0.prefetch, previousDigest: $0.previousDigest,
        members: $0.members)
    }
    try federation.run(binding, answers: federation.answers(length: 5))
    let fault = try #require(federation.aborts[3]?.first)
    #expect(fault == SecureAggregationError(.queryMismatch, naming: [0, 3]))
    #expect(fault.sides == .init(own: binding.queryDigest, received: other.queryDigest))
    #expect(federation.failures.map(\.code) == [.queryMismatch])
    #expect(!federation.sent.contains { $0.kind == .masked })
    // One site's word about its own query is no proof; beside what another site holds it is.
    #expect(
      try !EvidenceReview(federation.pieces(of: 3), layerNoise: discreteGaussianNoise)
        .provesMisbehaviour)
    try expectProof(
      of: .equivocation, by: [0], in: federation.pieces(of: 1, 3), of: federation)
  }

  @Test("Sites with different histories of a round: no vector leaves, their evidence proves it")
  func differentHistories() throws {
    var federation = try Federation.keyed(4)
    federation.misbehave(RoundOpen.self, from: 0, to: 2) {
      RoundOpen(
        mode: $0.mode, binding: $0.binding, prefetch: true, previousDigest: $0.previousDigest,
        members: $0.members)
    }
    try federation.run(Federation.binding(), answers: federation.answers(length: 5))
    #expect(federation.aborts[1]?.first == SecureAggregationError(.seedMismatch, naming: [2]))
    #expect(
      federation.aborts[2]?.first == SecureAggregationError(.seedMismatch, naming: [1, 3, 4]))
    #expect(federation.outcomes.isEmpty)
    #expect(!federation.sent.contains { $0.kind == .masked })
    try expectProof(
      of: .equivocation, by: [0], in: federation.pieces(of: 1, 2), of: federation)
  }

  // MARK: Sets

  @Test("A site both alive and dropped: told apart to two halves, no half can open anything")
  func aliveAndDropped() throws {
    // n = 5, t = 4. Sites 1 and 2 hear that 5 is dropped, the others that 1 is.
    var federation = try Federation.keyed(5)
    let honest = federation
    federation.tamper = { packet in
      guard packet.from == 0, packet.kind == .lock2 else { return nil }
      return try? honest.forged(packet, Lock2.self) { body in
        let range = packet.to <= 2 ? 0..<4 : 1..<5
        return Lock2(
          members: Array(body.members[range]), vectorDigests: Array(body.vectorDigests[range]),
          checks: [])
      }
    }
    try federation.open(Federation.binding(), answers: federation.answers(length: 5))
    while let packet = federation.network.first, packet.kind != .ack { federation.deliverNext() }
    // The aggregator now has two acknowledgements of one statement and three of the other; it asks
    // with what it has.
    let acks = try federation.sent.filter { $0.kind == .ack }.map { packet in
      (packet.from, try Ack(Envelope(parsing: packet.message, naming: []).body))
    }
    #expect(acks.count == 5)
    for (site, ack) in acks {
      let same = acks.filter { $0.1.statement == ack.statement }
      #expect(same.count < federation.manifest.manifest.threshold)
      let body = AckSet(
        statement: ack.statement,
        acknowledgements: same.map { SignatureEntry(index: $0.0, signature: $0.1.signature) })
      let message = Envelope.sealed(
        .ackSet, manifest: federation.manifest.digest, epoch: 1, round: 1, sender: 0,
        body: body.bytes, key: try #require(federation.keys[0]))
      federation.deliver(.init(from: 0, to: site, message: message, payload: []))
      #expect(
        federation.aborts[site]?.first == SecureAggregationError(.quorumMissing, naming: [0]))
    }
    #expect(!federation.sent.contains { $0.kind == .unmask })
    try expectProof(
      of: .falseAcknowledgement, by: [0], in: federation.pieces(of: 1), of: federation)
    try expectProof(
      of: .equivocation, by: [0], in: federation.pieces(of: 1, 4), of: federation)
  }

  @Test("A site twice in one list is no list")
  func listedTwice() throws {
    var federation = try Federation.keyed(5)
    let honest = federation
    federation.tamper = { packet in
      guard packet.from == 0, packet.kind == .lock2, packet.to == 1 else { return nil }
      return try? honest.forged(packet, Lock2.self) { body in
        Lock2(
          members: body.members + [5], vectorDigests: body.vectorDigests + [.zero], checks: [])
      }
    }
    try federation.run(Federation.binding(), answers: federation.answers(length: 5))
    #expect(federation.aborts[1]?.first == SecureAggregationError(.notCanonical, naming: [0]))
    try expectProof(of: .malformed, by: [0], in: federation.pieces(of: 1), of: federation)
  }

  @Test("A forged member, in the epoch or in the round, is refused by every site")
  func forgedMember() throws {
    var federation = try Federation(siteCount: 4)
    federation.misbehave(EpochOpen.self, from: 0, to: 1) {
      EpochOpen(
        members: $0.members + [5], baseRound: $0.baseRound, acceptedRound: $0.acceptedRound,
        acceptedDigest: $0.acceptedDigest)
    }
    try federation.openEpoch()
    #expect(federation.aborts[1]?.first == SecureAggregationError(.setInvalid, naming: [0]))
    #expect(!federation.sent.contains { $0.kind == .keyOffer && $0.from == 1 })
    try expectProof(of: .ruleBroken, by: [0], in: federation.pieces(of: 1), of: federation)

    var keyed = try Federation.keyed(4)
    keyed.misbehave(RoundOpen.self, from: 0) {
      RoundOpen(
        mode: $0.mode, binding: $0.binding, prefetch: $0.prefetch,
        previousDigest: $0.previousDigest, members: $0.members + [7])
    }
    try keyed.run(Federation.binding(), answers: keyed.answers(length: 5))
    #expect(keyed.aborts[2]?.first == SecureAggregationError(.setInvalid, naming: [0]))
    #expect(!keyed.sent.contains { $0.kind == .shares })
    try expectProof(of: .ruleBroken, by: [0], in: keyed.pieces(of: 2), of: keyed)

    var locking = try Federation.keyed(5)
    try locking.run(until: .lock1, Federation.binding())
    let lock = try #require(locking.network.first { $0.to == 3 && $0.kind == .lock1 })
    locking.deliver(
      try locking.forged(lock, Lock1.self) { body in
        guard let model = body.parcels.first else { return body }
        return Lock1(
          members: body.members + [6],
          parcels: body.parcels
            + [.init(sender: 6, parcel: model.parcel, check: model.check)])
      })
    #expect(locking.aborts[3]?.first == SecureAggregationError(.setInvalid, naming: [0]))
    try expectProof(of: .ruleBroken, by: [0], in: locking.pieces(of: 3), of: locking)
  }

  @Test("n−1 by announcing dropouts: below the quorum nothing is signed, at every step")
  func announcedDropouts() throws {
    // n = 5, quorum 4: a sum of three would be one site more than two colluders know.
    var federation = try Federation.keyed(5)
    federation.misbehave(Lock2.self, from: 0) {
      Lock2(
        members: Array($0.members.prefix(3)), vectorDigests: Array($0.vectorDigests.prefix(3)),
        checks: [])
    }
    try federation.run(Federation.binding(), answers: federation.answers(length: 5))
    #expect(federation.aborts[1]?.first == SecureAggregationError(.tooFew, naming: [0]))
    #expect(federation.sites[1]?.state == .aborted)
    #expect(!federation.sent.contains { $0.kind == .ack })
    try expectProof(of: .tooFew, by: [0], in: federation.pieces(of: 1), of: federation)

    var locking = try Federation.keyed(5)
    locking.misbehave(Lock1.self, from: 0) { body in
      let members = Array(body.members.prefix(3))
      return Lock1(
        members: members, parcels: body.parcels.filter { members.contains($0.sender) })
    }
    try locking.run(Federation.binding(), answers: locking.answers(length: 5))
    #expect(locking.aborts[2]?.first == SecureAggregationError(.tooFew, naming: [0]))
    #expect(!locking.sent.contains { $0.kind == .masked })
    try expectProof(of: .tooFew, by: [0], in: locking.pieces(of: 2), of: locking)

    var opening = try Federation.keyed(5)
    opening.misbehave(RoundOpen.self, from: 0) {
      RoundOpen(
        mode: $0.mode, binding: $0.binding, prefetch: $0.prefetch,
        previousDigest: $0.previousDigest, members: Array($0.members.prefix(3)))
    }
    try opening.run(Federation.binding(), answers: opening.answers(length: 5))
    #expect(opening.aborts[2]?.first == SecureAggregationError(.tooFew, naming: [0]))
    #expect(!opening.sent.contains { $0.kind == .shares })
    try expectProof(of: .tooFew, by: [0], in: opening.pieces(of: 2), of: opening)
  }

  @Test("The same question over one site fewer: differencing is refused, both openings prove it")
  func differencingBySites() throws {
    var federation = try Federation.keyed(5)
    let binding = try Federation.binding("same")
    let answers = federation.answers(length: 5)
    try federation.run(binding, answers: answers)
    #expect(federation.outcomes.count == 1)
    try expectSetChange(&federation, binding, answers)
    #expect(federation.sent.count { $0.kind == .ack } == 5)
    try expectProof(of: .differencing, by: [0], in: federation.pieces(of: 1), of: federation)
    // Another query over the smaller set is fine, once a new epoch has brought the sites back.
    try federation.openEpoch()
    try federation.run(Federation.binding("other"), answers: answers, members: [1, 2, 3, 4])
    #expect(federation.outcomes.count == 2)
  }

  @Test("A site that was restarted still knows what it opened")
  func differencingAfterARestart() throws {
    var federation = try Federation.keyed(5)
    let binding = try Federation.binding("same")
    let answers = federation.answers(length: 5)
    try federation.run(binding, answers: answers)
    for index in federation.everyone { try federation.restart(index) }
    try federation.openEpoch()
    try expectSetChange(&federation, binding, answers)
  }

  /// Asked over one site fewer than before, nothing is opened and the sites say why.
  private func expectSetChange(
    _ federation: inout Federation, _ binding: RoundBinding, _ answers: [UInt16: [Int64]]
  ) throws {
    try federation.run(binding, answers: answers, members: [1, 2, 3, 4])
    #expect(federation.outcomes.count == 1)
    #expect(federation.aborts[1]?.last == SecureAggregationError(.setChange, naming: [0]))
    #expect(federation.failures.last?.code == .setChange)
  }

  // MARK: Rounds

  @Test("The same round with another set: another RoundOpen, another Lock1")
  func sameRoundOtherSet() throws {
    var federation = try Federation.keyed(5)
    try federation.run(until: .lock1, Federation.binding())
    let open = try #require(federation.sent.first { $0.kind == .roundOpen && $0.to == 1 })
    let again = try federation.forged(open, RoundOpen.self) {
      RoundOpen(
        mode: $0.mode, binding: $0.binding, prefetch: $0.prefetch,
        previousDigest: $0.previousDigest, members: [1, 2, 3, 4])
    }
    federation.sent = []
    federation.deliver(again)
    #expect(federation.refusals.map(\.code) == [.roundReplayed])
    #expect(federation.sent.isEmpty)
    try expectProof(of: .equivocation, by: [0], in: federation.pieces(of: 1), of: federation)

    // Another U1 after the first.
    let lock = try #require(federation.network.first { $0.kind == .lock1 && $0.to == 2 })
    federation.deliver(lock)
    federation.sent = []
    federation.deliver(
      try federation.forged(lock, Lock1.self) { body in
        Lock1(
          members: [1, 2, 3, 4], parcels: body.parcels.filter { $0.sender <= 4 })
      })
    #expect(federation.aborts[2]?.first == SecureAggregationError(.secondStatement, naming: [0]))
    #expect(federation.sent.map(\.kind) == [.abort])
    try expectProof(of: .equivocation, by: [0], in: federation.pieces(of: 2), of: federation)
  }

  @Test("A second Lock2: nothing is signed twice, and the two of them prove it")
  func secondLock2() throws {
    var federation = try Federation.keyed(5)
    try federation.run(until: .lock2, Federation.binding())
    let packet = try #require(federation.network.first { $0.to == 1 })
    federation.deliver(packet)
    #expect(federation.sites[1]?.state == .acked)
    let other = try federation.forged(packet, Lock2.self) {
      Lock2(
        members: Array($0.members.prefix(4)), vectorDigests: Array($0.vectorDigests.prefix(4)),
        checks: [])
    }
    federation.sent = []
    federation.deliver(other)
    #expect(federation.aborts[1]?.first == SecureAggregationError(.secondStatement, naming: [0]))
    #expect(federation.sent.map(\.kind) == [.abort])
    try expectProof(of: .equivocation, by: [0], in: federation.pieces(of: 1), of: federation)
  }

  @Test("A replayed round: every old message is refused, sends nothing, and accuses nobody")
  func replayedRound() throws {
    var federation = try Federation.keyed(4)
    let answers = federation.answers(length: 5)
    try federation.run(Federation.binding("a"), answers: answers)
    let old = federation.sent.filter { $0.from == 0 && !($0.kind?.isSetup ?? true) }
    try federation.run(Federation.binding("b"), answers: answers)
    let states = federation.sites.mapValues { ($0.state, $0.lastRound, $0.accepted.round) }
    for index in federation.everyone {
      try federation.sites[index]?.expect(Federation.binding("a"))
    }
    federation.sent = []
    for packet in old { federation.deliver(packet) }
    #expect(federation.refusals.count == old.count)
    #expect(federation.sent.isEmpty)
    for (index, session) in federation.sites {
      let before = try #require(states[index])
      #expect(before == (session.state, session.lastRound, session.accepted.round))
    }
    #expect(federation.evidence.values.joined().isEmpty)
    // In the middle of a round they do not disturb it either.
    try federation.run(until: .lock1, Federation.binding("c"))
    for packet in old { federation.deliver(packet) }
    #expect(federation.refusals.count == 2 * old.count)
    federation.settle()
    #expect(federation.outcomes.count == 3)
    #expect(federation.evidence.values.joined().isEmpty)
    // The number of the round with another content is another matter: that is signed twice.
    let open = try #require(federation.sent.first { $0.kind == .roundOpen && $0.to == 1 })
    federation.deliver(
      try federation.forged(open, RoundOpen.self) {
        RoundOpen(
          mode: $0.mode, binding: $0.binding, prefetch: true, previousDigest: $0.previousDigest,
          members: $0.members)
      })
    #expect(federation.refusals.last?.code == .roundReplayed)
    try expectProof(of: .equivocation, by: [0], in: federation.pieces(of: 1), of: federation)
  }

  @Test("A statement that no site saw, and acknowledgements that nobody gave")
  func forgedAcknowledgements() throws {
    var federation = try Federation.keyed(4)
    try federation.run(until: .ackSet, Federation.binding())
    let packet = try #require(federation.network.first { $0.to == 2 })
    var forged = federation
    forged.deliver(
      try federation.forged(packet, AckSet.self) { body in
        var entries = body.acknowledgements
        entries[3] = SignatureEntry(index: 4, signature: entries[0].signature)
        return AckSet(statement: body.statement, acknowledgements: entries)
      })
    #expect(forged.aborts[2]?.first == SecureAggregationError(.ackInvalid, naming: [4]))
    try expectProof(of: .falseAcknowledgement, by: [0], in: forged.pieces(of: 2), of: forged)
    var other = federation
    other.deliver(
      try federation.forged(packet, AckSet.self) {
        AckSet(statement: .zero, acknowledgements: $0.acknowledgements)
      })
    #expect(other.aborts[2]?.first == SecureAggregationError(.resultMismatch, naming: [0]))
    try expectProof(of: .contradiction, by: [0], in: other.pieces(of: 2), of: other)
    #expect(!forged.sent.contains { $0.kind == .unmask && $0.from == 2 })
    #expect(!other.sent.contains { $0.kind == .unmask && $0.from == 2 })
  }
}
