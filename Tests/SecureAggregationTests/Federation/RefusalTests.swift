import Cryptography
import FixedPoint
import Testing

@testable import SecureAggregation

/// Groups 2, 4, 7, 8 and 9 of the protocol's tests: what must be refused, and who is named. What an
/// aggregator does on purpose, and what its signatures then prove (groups 2 to 4), is in
/// ``HostileAggregatorTests``.
@Suite struct RefusalTests {
  /// A federation in a round, run until the aggregator sends a kind for the first time.
  private func paused(
    before kind: MessageKind, siteCount: Int = 4, prepare: (inout Federation) -> Void = { _ in }
  ) throws -> Federation {
    var federation = try Federation.keyed(siteCount)
    prepare(&federation)
    try federation.run(until: kind, Federation.binding())
    return federation
  }

  // MARK: Manifest (group 2)

  @Test("A manifest with a missing, wrong or reordered signature is refused and names the site")
  func manifestSignatures() throws {
    let federation = try Federation(siteCount: 4)
    let manifest = federation.manifest.manifest
    let signatures = federation.manifest.signatures
    var swapped = signatures
    swapped.swapAt(1, 2)
    #expect(throws: SecureAggregationError(.manifestUnsigned, naming: [2, 3])) {
      try SignedManifest(manifest, signatures: swapped)
    }
    #expect(throws: SecureAggregationError(.manifestUnsigned, naming: [4])) {
      try SignedManifest(manifest, signatures: Array(signatures.dropLast()))
    }
    var reordered = manifest.roster
    reordered.swapAt(0, 1)
    let other = try Manifest(
      studyIdentifier: "test", purpose: "tests", aggregatorName: "aggregator",
      aggregatorKey: manifest.aggregatorKey, roster: reordered, programDigest: .zero)
    #expect(throws: SecureAggregationError(.manifestUnsigned, naming: [1, 2, 3, 4])) {
      try SignedManifest(other, signatures: signatures)
    }
  }

  @Test("Rosters of two, repeated names and keys, and the aggregator's own key are refused")
  func rosters() throws {
    let federation = try Federation(siteCount: 4)
    let manifest = federation.manifest.manifest
    func make(_ roster: [Manifest.Member], colluders: Int = 1) throws -> Manifest {
      try Manifest(
        studyIdentifier: "test", purpose: "", aggregatorName: "aggregator",
        aggregatorKey: manifest.aggregatorKey, roster: roster, maximumColluders: colluders,
        programDigest: .zero)
    }
    #expect(throws: SecureAggregationError(.rosterInvalid)) {
      try make(Array(manifest.roster.prefix(2)))
    }
    var roster = manifest.roster
    roster[2] = roster[1]
    #expect(throws: SecureAggregationError(.rosterInvalid, naming: [3])) { try make(roster) }
    roster = manifest.roster
    roster[0] = Manifest.Member(
      siteName: "x", legalEntity: "y", key: manifest.aggregatorKey)
    #expect(throws: SecureAggregationError(.rosterInvalid, naming: [1])) { try make(roster) }
    #expect(throws: SecureAggregationError(.manifestInvalid)) {
      try make(manifest.roster, colluders: 3)
    }
  }

  @Test(
    "The threshold table of the specification",
    arguments: [
      (3, 3, 0, 2), (4, 3, 1, 1), (5, 4, 1, 2), (7, 5, 2, 2), (10, 7, 3, 3), (20, 14, 6, 7),
      (50, 34, 16, 17), (100, 67, 33, 33), (200, 134, 66, 67),
    ])
  func thresholds(siteCount: Int, threshold: Int, dropouts: Int, colluders: Int) {
    #expect(Manifest.threshold(siteCount: siteCount) == threshold)
    #expect(siteCount - threshold == dropouts)
    #expect(2 * threshold - siteCount - 1 == colluders)
  }

  @Test("A site that claims an impossible last round is named; the numbers are not used up")
  func impossibleLastRound() throws {
    var federation = try Federation(siteCount: 4)
    federation.tamper = { [federation] packet in
      guard packet.from == 3, packet.kind == .keyOffer else { return nil }
      return try? federation.forged(packet, KeyOffer.self) {
        KeyOffer(agreementKey: $0.agreementKey, lastRound: .max, accepted: $0.accepted)
      }
    }
    try federation.openEpoch()
    #expect(federation.failures == [SecureAggregationError(.roundLimit, naming: [3])])
    #expect(federation.aggregator.highestRound == 0)
    federation.tamper = { _ in nil }
    try federation.openEpoch()
    try federation.run(Federation.binding(), answers: federation.answers(length: 5))
    #expect(federation.outcomes.first?.round == 1)
  }

  // MARK: Sets (group 2)

  @Test("An AckSet below the threshold opens nothing")
  func thinAckSet() throws {
    var federation = try paused(before: .ackSet, siteCount: 5)
    let packet = try #require(federation.network.first { $0.to == 2 })
    federation.deliver(
      try federation.forged(packet, AckSet.self) {
        AckSet(
          statement: $0.statement, acknowledgements: Array($0.acknowledgements.prefix(3)))
      })
    #expect(federation.aborts[2] == [SecureAggregationError(.quorumMissing, naming: [0])])
    #expect(federation.sites[2]?.round == nil)
  }

  @Test("Asking for both kinds of share of one site is impossible: the sets are disjoint")
  func bothShares() throws {
    var federation = try paused(before: .ackSet, siteCount: 5) {
      $0.isLost = { $0.from == 5 && $0.kind == .masked }
    }
    // The round waits for site 5's vector: its deadline drops it.
    federation.settle()
    let unmasks = federation.sent.filter { $0.kind == .unmask }
    #expect(unmasks.count == 4)
    for packet in unmasks {
      let body = try Unmask(Envelope(parsing: packet.message, naming: []).body)
      let selfOwners = Set(body.selfShares.map(\.owner))
      let maskOwners = Set(body.maskShares.map(\.owner))
      #expect(selfOwners.isDisjoint(with: maskOwners))
      #expect(maskOwners == [5])
    }
  }

  // MARK: Reopening (group 4)

  @Test("A round number is opened once: another RoundOpen is refused, also after a restart")
  func reopened() throws {
    var federation = try paused(before: .lock1)
    let opened = try #require(federation.sent.first { $0.kind == .roundOpen && $0.to == 1 })
    let other = try Federation.binding("other", length: 7)
    let again = try federation.forged(opened, RoundOpen.self) {
      RoundOpen(
        mode: $0.mode, binding: other, prefetch: false, previousDigest: $0.previousDigest,
        members: $0.members)
    }
    federation.sites[1]?.expect(other)
    federation.deliver(again)
    #expect(federation.refusals.map(\.code) == [.roundReplayed])
    try federation.restart(1)
    #expect(federation.sites[1]?.lastRound == 1)
    federation.sites[1]?.expect(other)
    federation.refusals = []
    federation.sent = []
    federation.deliver(again)
    federation.deliver(opened)
    #expect(federation.refusals.count == 2)
    #expect(federation.sent.isEmpty)
    // The journal's last word on the interrupted round.
    #expect(federation.journals[1]?.records.last?.type == 9)
  }

  @Test("After a restart the acknowledgement is the stored one, and another set is not signed")
  func noSecondAckAfterRestart() throws {
    var federation = try paused(before: .lock2, siteCount: 5)
    let packet = try #require(federation.network.first { $0.to == 1 })
    federation.deliver(packet)
    let first = try #require(federation.sent.last { $0.from == 1 })
    try federation.restart(1)
    federation.sent = []
    federation.deliver(packet)
    #expect(federation.sent.map(\.message) == [first.message])
    let other = try federation.forged(packet, Lock2.self) {
      Lock2(
        members: Array($0.members.prefix(4)), vectorDigests: Array($0.vectorDigests.prefix(4)),
        checks: [])
    }
    federation.sent = []
    federation.deliver(other)
    #expect(federation.sent.isEmpty)
    #expect(federation.refusals.map(\.code) == [.unexpectedMessage])
  }

  // MARK: The published sum (group 7)

  @Test(
    "A false sum is rejected and halts the site: bit, scale, sign, count, tag", arguments: 0..<5)
  func falseSum(change: Int) throws {
    var federation = try Federation.keyed(4)
    federation.tamper = { [federation] packet in
      guard packet.to == 2, packet.kind == .result,
        let sum = RingVector(packet.payload, width: .bits32),
        let envelope = try? Envelope(parsing: packet.message, naming: []),
        let body = try? ResultMessage(envelope.body)
      else { return nil }
      var values = sum.signed
      var tag = body.tag
      switch change {
      case 0: values[3] ^= 1
      case 1:
        values = values.map { 2 * $0 }
        tag = SumTag.add(tag, tag)
      case 2:
        values = values.map { -$0 }
        tag = SumTag.subtract(0, tag)
      case 3: values[0] += 1
      default: tag = SumTag.add(tag, 1)
      }
      guard let changed = RingVector(signed: values, width: .bits32) else { return nil }
      let sumDigest = RoundDigests.vector(changed)
      return .init(
        from: 0, to: 2,
        message: self.result(
          body, sumDigest: sumDigest, tag: tag, envelope: envelope, in: federation),
        payload: changed.bytes)
    }
    try federation.run(Federation.binding(), answers: federation.answers(length: 5))
    #expect(federation.halts[2] == SecureAggregationError(.sumRejected, naming: [0]))
    #expect(federation.sites[2]?.state == .halted)
    #expect(federation.siteOutcomes[2] == nil)
    #expect(federation.siteOutcomes[1]?.count == 1)
    try federation.restart(2)
    #expect(federation.sites[2]?.state == .halted)
  }

  /// A Result for a changed sum with everything recomputed that the aggregator can compute.
  private func result(
    _ body: ResultMessage, sumDigest: Digest, tag: UInt64, envelope: Envelope,
    in federation: Federation
  ) -> [UInt8] {
    // T_r of the one round these tests run.
    let open = RoundOpen(
      mode: .normal, binding: (try? Federation.binding()) ?? RoundBinding.none, prefetch: false,
      previousDigest: federation.manifest.genesis, members: federation.everyone)
    let transcript = RoundOpen.binding(
      manifest: federation.manifest.digest, epoch: envelope.epoch, round: envelope.round,
      body: open.bytes)
    let digest = RoundDigests.result(
      round: transcript, shareSet: RoundDigests.set(body.shareMembers),
      set: RoundDigests.set(body.members), list: body.listDigest, sum: sumDigest, tag: tag)
    let changed = ResultMessage(
      sumDigest: sumDigest, vectorLength: body.vectorLength, ringWidth: body.ringWidth, tag: tag,
      shareMembers: body.shareMembers, members: body.members, listDigest: body.listDigest,
      acknowledgements: body.acknowledgements, resultDigest: digest)
    guard let key = federation.keys[0] else { return [] }
    return Envelope.sealed(
      .result, manifest: envelope.manifest, epoch: envelope.epoch, round: envelope.round,
      sender: 0, body: changed.bytes, key: key)
  }

  // MARK: Wrong shares (group 8)

  @Test("A corrupted share is corrected with t + 2e shares and its signer named")
  func corruptedShare() throws {
    // n = 10, t = 7: site 10 falls silent before Masked, nine sites open, so e = 1.
    var federation = try Federation.keyed(10)
    federation.isLost = { $0.from == 10 && $0.kind == .masked }
    federation.tamper = { [federation] packet in
      guard packet.from == 2, packet.kind == .unmask else { return nil }
      return try? federation.forged(packet, Unmask.self) { body in
        Unmask(
          selfSecret: body.selfSecret, selfShares: body.selfShares,
          maskShares: body.maskShares.map {
            Unmask.OwnedShare(owner: $0.owner, share: $0.share + .one)
          },
          prefetch: nil)
      }
    }
    let answers = federation.answers(length: 5)
    try federation.run(Federation.binding(), answers: answers)
    #expect(federation.blamed == [2: .shareCorrupt])
    #expect(
      federation.outcomes.first?.total.signed
        == Federation.sum(answers, over: Array(federation.everyone.dropLast())))
    #expect(federation.siteOutcomes[1] == federation.outcomes)
  }

  @Test("A wrong own secret is replaced by the others' shares and its owner named")
  func corruptedSecret() throws {
    var federation = try Federation.keyed(5)
    federation.tamper = { [federation] packet in
      guard packet.from == 4, packet.kind == .unmask else { return nil }
      return try? federation.forged(packet, Unmask.self) {
        Unmask(
          selfSecret: $0.selfSecret + .one, selfShares: $0.selfShares, maskShares: $0.maskShares,
          prefetch: nil)
      }
    }
    let answers = federation.answers(length: 5)
    try federation.run(Federation.binding(), answers: answers)
    #expect(federation.blamed == [4: .secretCorrupt])
    #expect(
      federation.outcomes.first?.total.signed == Federation.sum(answers, over: federation.everyone))
  }

  // MARK: Sending again (group 9)

  @Test("A repeated request is answered with the same bytes, at every step")
  func repeats() throws {
    var federation = try Federation.keyed(4)
    federation.tamper = { _ in nil }
    try federation.open(Federation.binding(), answers: federation.answers(length: 5))
    var checked: Set<MessageKind> = []
    while let packet = federation.network.first {
      let before = federation.sent.count
      federation.deliverNext()
      guard packet.to == 2, let kind = packet.kind, kind != .result else { continue }
      let first = federation.sent[before...].map { ($0.message, $0.payload) }
      let mark = federation.sent.count
      federation.deliver(packet)
      let second = federation.sent[mark...].map { ($0.message, $0.payload) }
      #expect(first.elementsEqual(second, by: ==), "\(kind)")
      checked.insert(kind)
    }
    #expect(checked == [.roundOpen, .lock1, .lock2, .ackSet])
    #expect(federation.outcomes.count == 1)
    #expect(federation.refusals.isEmpty)
  }

  @Test("A restarted site resends its stored vector byte for byte")
  func resendAfterRestart() throws {
    var federation = try paused(before: .lock2)
    let lock = try #require(federation.sent.first { $0.kind == .lock1 && $0.to == 1 })
    let masked = try #require(federation.sent.first { $0.kind == .masked && $0.from == 1 })
    try federation.restart(1)
    federation.sent = []
    federation.deliver(lock)
    #expect(federation.sent.map(\.message) == [masked.message])
    #expect(federation.sent.map(\.payload) == [masked.payload])
  }
}

extension RoundBinding {
  /// A placeholder that fits no round.
  static let none = RoundBinding(
    purpose: "", queryDigest: .zero, ringWidth: .bits32, vectorLength: 2)
}
