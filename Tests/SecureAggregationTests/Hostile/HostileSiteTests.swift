import Cryptography
import FixedPoint
import Testing

@testable import SecureAggregation

/// Sites that misbehave on purpose: what the round makes of it, and what their signatures prove.
@Suite struct HostileSiteTests {
  // MARK: Vectors

  @Test("A vector of the wrong length, announced or not: the site is dropped, the others go on")
  func wrongLength() throws {
    var federation = try Federation.keyed(5)
    federation.misbehave(Masked.self, from: 4) {
      Masked(
        vectorDigest: $0.vectorDigest, vectorLength: $0.vectorLength + 1, ringWidth: $0.ringWidth,
        tag: $0.tag, checks: $0.checks, attestation: $0.attestation)
    }
    let answers = federation.answers(length: 5)
    try federation.run(Federation.binding(), answers: answers)
    #expect(federation.dropped == [4: .vectorLength])
    #expect(
      federation.outcomes.first?.total.signed == Federation.sum(answers, over: [1, 2, 3, 5]))
    // The header answers a RoundOpen that it does not name: at least one of the two lies.
    try expectProof(of: .contradiction, by: [0, 4], in: federation.pieces(of: 0), of: federation)

    // A payload shorter than announced: nobody signed the payload, so there is nothing to prove.
    var short = try Federation.keyed(5)
    short.tamper = { packet in
      guard packet.from == 4, packet.kind == .masked else { return nil }
      return .init(
        from: 4, to: 0, message: packet.message, payload: Array(packet.payload.dropLast(4)))
    }
    try short.run(Federation.binding(), answers: answers)
    #expect(short.dropped == [4: .vectorLength])
    #expect(short.outcomes.first?.participants == [1, 2, 3, 5])
    #expect(
      try !EvidenceReview(short.pieces(of: 0), layerNoise: discreteGaussianNoise).provesMisbehaviour
    )
  }

  @Test("NaN-shaped integers: outside the ring they never leave; inside they are integers only")
  func numbersShapedLikeNaN() throws {
    // The bits of a quiet NaN, a signalling NaN, infinities and the extremes.
    let shapes: [Int64] = [
      Int64(bitPattern: Double.nan.bitPattern),
      Int64(bitPattern: Double.signalingNaN.bitPattern),
      Int64(bitPattern: Double.infinity.bitPattern),
      Int64(bitPattern: (-Double.infinity).bitPattern), .max, .min,
    ]
    for shape in shapes {
      var narrow = try Federation.keyed(5)
      var answers = narrow.answers(length: 5)
      answers[2]?[1] = shape
      try narrow.run(Federation.binding(), answers: answers)
      #expect(narrow.aborts[2]?.first == SecureAggregationError(.answerInvalid, naming: [2]))
      #expect(narrow.dropped[2] == .answerInvalid)
      #expect(
        narrow.outcomes.first?.total.signed
          == Federation.sum(narrow.answers(length: 5), over: [1, 3, 4, 5]))
      // In the wide ring every pattern is an integer: the other coordinates stay exact.
      var wide = try Federation.keyed(5)
      try wide.run(Federation.binding(width: .bits64), answers: answers)
      let total = try #require(wide.outcomes.first?.total.signed)
      for coordinate in [0, 2, 3, 4] {
        #expect(
          total[coordinate] == wide.everyone.reduce(0) { $0 + (answers[$1]?[coordinate] ?? 0) })
      }
      #expect(total[1] == wide.everyone.reduce(0) { $0 &+ (answers[$1]?[1] ?? 0) })
    }
  }

  // MARK: Bytes and statements

  @Test("Garbage under a right signature: refused, dropped, proven")
  func garbageBodies() throws {
    for kind in [MessageKind.shares, .masked, .ack, .unmask] {
      var federation = try Federation.keyed(5)
      let honest = federation
      federation.tamper = { packet in
        guard packet.from == 3, packet.kind == kind else { return nil }
        return try? honest.forged(packet) { Array($0.dropLast(3)) }
      }
      let answers = federation.answers(length: 5)
      try federation.run(Federation.binding(), answers: answers)
      #expect(federation.dropped[3] == .truncated, "\(kind)")
      let outcome = try #require(federation.outcomes.first)
      #expect(outcome.total.signed == Federation.sum(answers, over: outcome.participants))
      try expectProof(of: .malformed, by: [3], in: federation.pieces(of: 0), of: federation)
    }
  }

  @Test("A second Masked, Ack or Unmask: the first one counts, the two of them are proof")
  func secondStatement() throws {
    for kind in [MessageKind.shares, .masked, .ack, .unmask] {
      var federation = try Federation.keyed(5)
      let answers = federation.answers(length: 5)
      try federation.open(Federation.binding(), answers: answers)
      var isDone = false
      while let packet = federation.network.first {
        federation.deliverNext()
        guard packet.from == 3, packet.kind == kind, !isDone else { continue }
        isDone = true
        federation.deliver(
          try federation.forged(packet) { body in
            var changed = body
            changed[0] ^= 1
            return changed
          })
      }
      federation.settle()
      #expect(federation.refusals.map(\.code) == [.secondStatement], "\(kind)")
      #expect(
        federation.outcomes.first?.total.signed
          == Federation.sum(answers, over: federation.everyone))
      try expectProof(of: .equivocation, by: [3], in: federation.pieces(of: 0), of: federation)
    }
  }

  // MARK: Shares

  @Test("Garbage shares for the peers: both ends are named before any vector leaves")
  func garbageParcels() throws {
    var federation = try Federation.keyed(4)
    federation.misbehave(Shares.self, from: 3) { body in
      Shares(
        selfCommitment: body.selfCommitment, maskCommitment: body.maskCommitment,
        parcels: body.parcels.map { entry in
          var parcel = entry.parcel
          parcel[50] ^= 1
          return CheckedParcel(peer: entry.peer, parcel: parcel, check: entry.check)
        }, recovery: body.recovery, attestation: body.attestation)
    }
    try federation.run(Federation.binding(), answers: federation.answers(length: 5))
    #expect(federation.aborts[1]?.first == SecureAggregationError(.shareUnreadable, naming: [3]))
    #expect(!federation.sent.contains { $0.kind == .masked && $0.from != 3 })
    #expect(federation.failures.first?.named.contains(3) == true)
    // Only the two ends of a pair can open a parcel: a third party cannot tell which of them lies.
    #expect(!federation.pieces(of: 1).isEmpty)
    #expect(
      try !EvidenceReview(federation.pieces(of: 1, 2, 4), layerNoise: discreteGaussianNoise)
        .provesMisbehaviour)
  }

  @Test("Garbage shares at the opening: corrected, and the signer or the dealer proven")
  func garbageShares() throws {
    // n = 10, t = 7: site 10 falls silent before Masked, nine sites open, so one lie is corrected.
    for isFast in [false, true] {
      var federation = try Federation.keyed(10)
      let answers = federation.answers(length: 5)
      if isFast {
        try federation.run(Federation.binding("first"), answers: answers, prefetch: true)
      }
      federation.isLost = { $0.from == 10 && $0.kind == .masked }
      federation.misbehave(Unmask.self, from: 2) { body in
        Unmask(
          selfSecret: body.selfSecret, selfShares: body.selfShares,
          maskShares: body.maskShares.map {
            Unmask.OwnedShare(owner: $0.owner, share: $0.share + .one)
          }, prefetch: body.prefetch)
      }
      try federation.run(Federation.binding("second"), answers: answers, prefetch: true)
      #expect(federation.blamed == [2: .shareCorrupt])
      let right = Federation.sum(answers, over: Array(federation.everyone.dropLast()))
      #expect(federation.outcomes.last?.total.signed == right)
      if isFast {
        // Site 10 never signed for the fast round, so nothing binds it to what it had committed to.
        #expect(
          try !EvidenceReview(federation.pieces(of: 0), layerNoise: discreteGaussianNoise)
            .provesMisbehaviour)
      } else {
        try expectProof(
          of: .wrongShare, by: [2, 10], in: federation.pieces(of: 0), of: federation)
      }
    }
  }

  @Test("A wrong own secret: replaced by the others' shares, its owner proven")
  func wrongSecret() throws {
    for isFast in [false, true] {
      var federation = try Federation.keyed(5)
      let answers = federation.answers(length: 5)
      if isFast {
        try federation.run(Federation.binding("first"), answers: answers, prefetch: true)
      }
      federation.misbehave(Unmask.self, from: 4) {
        Unmask(
          selfSecret: $0.selfSecret + .one, selfShares: $0.selfShares, maskShares: $0.maskShares,
          prefetch: $0.prefetch)
      }
      try federation.run(Federation.binding("second"), answers: answers, prefetch: true)
      #expect(federation.blamed == [4: .secretCorrupt])
      #expect(
        federation.outcomes.last?.total.signed
          == Federation.sum(answers, over: federation.everyone))
      try expectProof(of: .wrongSecret, by: [4], in: federation.pieces(of: 0), of: federation)
    }
  }

  // MARK: History

  @Test("A stale backup: it cannot answer a round twice, catches up, and its offer shows it")
  func staleBackup() throws {
    var federation = try Federation.keyed(4)
    let answers = federation.answers(length: 5)
    try federation.run(Federation.binding("a"), answers: answers)
    let backup = try #require(federation.journals[3])
    try federation.run(Federation.binding("b"), answers: answers)
    let old = federation.sent.filter { $0.to == 3 && $0.kind == .roundOpen }
    federation.journals[3] = backup
    try federation.restart(3)
    #expect(federation.sites[3]?.lastRound == 1)
    // Without keys the restored site answers nothing, whatever it is asked.
    federation.sites[3]?.expect(try Federation.binding("b"))
    federation.sent = []
    for packet in old { federation.deliver(packet) }
    #expect(federation.sent.isEmpty)
    try federation.openEpoch()
    #expect(federation.sites[3]?.lastRound == 2)
    #expect(federation.siteOutcomes[3]?.last == federation.outcomes.last)
    // Round 2 stays closed to it: the numbers of the new epoch begin above.
    try federation.run(Federation.binding("c"), answers: answers)
    #expect(federation.outcomes.last?.round == 3)
    try expectProof(of: .journalWentBack, by: [3], in: federation.pieces(of: 0), of: federation)
  }

  @Test("A site that attests two results of one round")
  func twoAttestations() throws {
    var federation = try Federation.keyed(4)
    let answers = federation.answers(length: 5)
    try federation.run(Federation.binding("a"), answers: answers)
    let key = try #require(federation.keys[2])
    let manifest = federation.manifest.digest
    federation.misbehave(Shares.self, from: 2) { body in
      Shares(
        selfCommitment: body.selfCommitment, maskCommitment: body.maskCommitment,
        parcels: body.parcels, recovery: body.recovery,
        attestation: Attestation.signed(manifest: manifest, round: 1, digest: .zero, key: key))
    }
    try federation.run(Federation.binding("b"), answers: answers)
    #expect(federation.dropped[2] == .chainMismatch)
    // Beside what it attested when the keys were renewed.
    federation.tamper = { _ in nil }
    let before = federation.pieces(of: 0)
    try federation.openEpoch()
    let after = try #require(federation.keepers[0]).evidence(
      of: SecureAggregationError(.chainMismatch, naming: [2]), round: 0,
      key: try #require(federation.keys[0]))
    try expectProof(
      of: .attestationConflict, by: [2], in: before + [after], of: federation)
  }
}
