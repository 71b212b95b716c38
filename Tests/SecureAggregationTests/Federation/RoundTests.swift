import Cryptography
import FixedPoint
import Testing

@testable import SecureAggregation

/// Whole rounds and what must not change their result.
@Suite struct RoundTests {
  @Test(
    "A normal round, both rings: everybody accepts the plain sum", arguments: RingWidth.allCases)
  func normalRound(width: RingWidth) throws {
    var federation = try Federation.keyed(5)
    let answers = federation.answers(length: 9)
    try federation.run(Federation.binding(length: 9, width: width), answers: answers)
    let outcome = try #require(federation.outcomes.first)
    #expect(outcome.total.signed == Federation.sum(answers, over: federation.everyone))
    #expect(outcome.participants == federation.everyone)
    for site in federation.everyone {
      #expect(federation.siteOutcomes[site] == [outcome])
      #expect(federation.sites[site]?.state == .done)
    }
  }

  @Test("Twenty rounds, fast from the second on; every result enters the next transcript")
  func manyRounds() throws {
    var federation = try Federation.keyed(4)
    var digests: Set<Digest> = []
    for round in 0..<20 {
      let answers = federation.answers(length: 4, seed: Int64(round))
      let isFast = federation.aggregator.canOpenFast(for: federation.everyone)
      #expect(isFast == (round > 0))
      try federation.run(
        Federation.binding("round \(round)", length: 4), answers: answers, prefetch: true)
      let outcome = try #require(federation.outcomes.last)
      #expect(outcome.total.signed == Federation.sum(answers, over: federation.everyone))
      #expect(federation.siteOutcomes[1]?.last == outcome)
      digests.insert(outcome.digest)
    }
    #expect(federation.outcomes.count == 20)
    #expect(digests.count == 20)
  }

  @Test("A fast round has three client messages and no Shares")
  func fastMessages() throws {
    var federation = try Federation.keyed(4)
    try federation.run(
      Federation.binding("a"), answers: federation.answers(length: 5), prefetch: true)
    federation.sent = []
    try federation.run(Federation.binding("b"), answers: federation.answers(length: 5))
    let kinds = federation.sent.filter { $0.from == 2 }.compactMap(\.kind)
    #expect(kinds == [.masked, .ack, .unmask])
    #expect(federation.outcomes.count == 2)
  }

  @Test("The order in which messages arrive is irrelevant", arguments: 1...6)
  func order(seed: Int) throws {
    var federation = try Federation.keyed(5)
    let answers = federation.answers(length: 5)
    try federation.open(Federation.binding(), answers: answers)
    // Seed: the argument. Any message under way may be the next.
    var generator = SplitMix(state: UInt64(seed))
    while !federation.network.isEmpty {
      let position = Int.random(in: 0..<federation.network.count, using: &generator)
      federation.network.swapAt(0, position)
      federation.deliverNext()
    }
    #expect(
      federation.outcomes.first?.total.signed == Federation.sum(answers, over: federation.everyone))
    #expect(federation.refusals.isEmpty)
  }

  @Test("A dropped site comes back with a new epoch and catches up on what it missed")
  func comesBack() throws {
    var federation = try Federation.keyed(5)
    federation.isLost = { $0.from == 5 || $0.to == 5 }
    let answers = federation.answers(length: 5)
    try federation.run(Federation.binding("a"), answers: answers)
    try federation.run(
      Federation.binding("b"), answers: answers, members: federation.aggregator.active)
    #expect(federation.outcomes.map(\.participants) == [[1, 2, 3, 4], [1, 2, 3, 4]])
    federation.isLost = { _ in false }
    try federation.restart(5)
    try federation.openEpoch()
    #expect(federation.failures.isEmpty)
    #expect(federation.siteOutcomes[5] == federation.outcomes)
    try federation.run(Federation.binding("c"), answers: answers)
    #expect(federation.outcomes.last?.participants == federation.everyone)
    #expect(federation.siteOutcomes[5]?.last == federation.outcomes.last)
  }

  @Test("A malformed first answer drops its sender and nobody else", arguments: 0..<4)
  func malformedFirst(change: Int) throws {
    var federation = try Federation.keyed(4)
    let key = try #require(federation.keys[1])
    let manifest = federation.manifest
    let answers = federation.answers(length: 5)
    federation.tamper = { packet in
      guard packet.from == 1, packet.kind == .masked,
        let envelope = try? Envelope(parsing: packet.message, naming: [])
      else { return nil }
      var body = envelope.body
      var payload = packet.payload
      switch change {
      case 0: body.removeLast()  // one byte short
      case 1: payload += [0, 0, 0, 0]  // one number more
      case 2: payload[0] ^= 1  // another number
      default: payload = []  // none
      }
      let message = Envelope.sealed(
        .masked, manifest: manifest.digest, epoch: envelope.epoch, round: envelope.round,
        sender: 1, body: body, key: key)
      return .init(from: 1, to: 0, message: message, payload: payload)
    }
    try federation.run(Federation.binding(), answers: answers)
    let expected: [FaultCode] = [.truncated, .vectorLength, .vectorDigest, .vectorLength]
    #expect(federation.dropped == [1: expected[change]])
    #expect(federation.outcomes.first?.participants == [2, 3, 4])
    #expect(
      federation.outcomes.first?.total.signed == Federation.sum(answers, over: [2, 3, 4]))
  }

  @Test("An answer of the wrong length drops the site that gave it", arguments: [0, 1, 4, 6])
  func wrongAnswer(length: Int) throws {
    var federation = try Federation.keyed(4)
    var answers = federation.answers(length: 5)
    answers[3] = [Int64](repeating: 1, count: length)
    try federation.run(Federation.binding(), answers: answers)
    #expect(federation.aborts[3]?.map(\.code) == [.answerInvalid])
    #expect(federation.dropped == [3: .answerInvalid])
    #expect(federation.outcomes.first?.participants == [1, 2, 4])
  }

  @Test("An answer beyond the ring is refused by the site itself")
  func answerBeyondRing() throws {
    var federation = try Federation.keyed(4)
    var answers = federation.answers(length: 5)
    answers[2] = [0, 0, 0, 0, Int64(Int32.max) + 1]
    try federation.run(Federation.binding(), answers: answers)
    #expect(federation.aborts[2]?.map(\.code) == [.answerInvalid])
    #expect(federation.outcomes.first?.participants == [1, 3, 4])
  }

  @Test("The aggregator holds one vector, whatever the number of sites")
  func memory() throws {
    var federation = try Federation.keyed(8)
    let binding = try Federation.binding(length: 64)
    federation.isLost = { $0.from == 8 && $0.kind == .masked }
    try federation.open(binding, answers: federation.answers(length: 64))
    while !federation.network.isEmpty { federation.deliverNext() }
    #expect(federation.aggregator.state == .masked)
    #expect(federation.aggregator.accumulator.count == 65)
    federation.settle()
    #expect(federation.aggregator.accumulator.count == 0)
    #expect(federation.outcomes.count == 1)
  }

  @Test("A site that leaves after its vector counted stays in the sum")
  func leavesAfterMasked() throws {
    var federation = try Federation.keyed(4)
    let answers = federation.answers(length: 5)
    // Site 4's vector arrives last; site 1 gives up before.
    try federation.open(Federation.binding(), answers: answers)
    while let packet = federation.network.first, packet.from != 4 || packet.kind != .masked {
      federation.deliverNext()
    }
    #expect(federation.aggregator.awaitedSites == [4])
    let actions = federation.sites[1]?.stop(.refused) ?? []
    federation.apply(actions, of: 1)
    federation.settle()
    #expect(federation.dropped == [1: .refused])
    #expect(federation.outcomes.first?.participants == federation.everyone)
    #expect(
      federation.outcomes.first?.total.signed == Federation.sum(answers, over: federation.everyone))
    // It still learns the sum: its record of the round outlives the round.
    #expect(federation.siteOutcomes[1] == federation.outcomes)
    #expect(federation.aggregator.active == [2, 3, 4])
  }

  @Test("A site that says again and again why it left is heard once per reason")
  func repeatedAborts() throws {
    var federation = try Federation.keyed(5)
    try federation.open(Federation.binding(), answers: federation.answers(length: 5))
    let key = try #require(federation.keys[2])
    var heard = 0
    for attempt in 0..<12 {
      // The names differ, so that no two messages are the same.
      let fault = SecureAggregationError(
        attempt % 2 == 0 ? .refused : .stopped, naming: attempt < 6 ? [] : [UInt16(attempt % 5)])
      let abort = Envelope.sealed(
        .abort, manifest: federation.manifest.digest, epoch: 1, round: 1, sender: 2,
        body: AbortMessage(fault).bytes, key: key)
      heard += try federation.aggregator.receive(from: 2, abort).isEmpty ? 0 : 1
    }
    #expect(heard == 2)
    #expect(!federation.aggregator.active.contains(2))
  }

  @Test("An aggregator's Abort, whatever its reason, does not halt a site after a restart")
  func abortDoesNotHalt() throws {
    var federation = try Federation.keyed(4)
    try federation.open(Federation.binding(), answers: federation.answers(length: 5))
    federation.deliverNext()
    let key = try #require(federation.keys[0])
    let abort = Envelope.sealed(
      .abort, manifest: federation.manifest.digest, epoch: 1, round: 1, sender: 0,
      body: AbortMessage(SecureAggregationError(.sumRejected)).bytes, key: key)
    federation.deliver(.init(from: 0, to: 1, message: abort, payload: []))
    #expect(federation.sites[1]?.state == .aborted)
    try federation.restart(1)
    #expect(federation.sites[1]?.state == .unkeyed)
  }

  @Test("A payload hashed while it arrived is taken as hashed; another's digest is not")
  func hashedPayload() throws {
    var federation = try Federation.keyed(4)
    try federation.open(Federation.binding(), answers: federation.answers(length: 5))
    while let packet = federation.network.first, packet.kind != .masked {
      federation.deliverNext()
    }
    let packet = federation.network.removeFirst()
    func digest(_ bytes: [UInt8], announced: Int) -> PayloadDigest? {
      var digester = PayloadDigester(byteCount: announced)
      for byte in bytes { withUnsafeBytes(of: byte) { digester.update($0) } }
      return digester.finish()
    }
    let right = try #require(digest(packet.payload, announced: 24))
    #expect(right.digest == packet.payload.withUnsafeBytes { RoundDigests.vector($0) })
    #expect(digest(packet.payload, announced: 25) == nil)
    var other = packet.payload
    other[3] ^= 1
    let wrong = digest(other, announced: 24)
    var copy = federation.aggregator
    let refused = try packet.payload.withUnsafeBytes { bytes in
      Result { try copy.receive(from: packet.from, packet.message, payload: bytes, digest: wrong) }
    }.get()
    guard case .dropped(packet.from, let fault)? = refused.first else {
      Issue.record("the site is dropped")
      return
    }
    #expect(fault.code == .vectorDigest)
    let taken = try packet.payload.withUnsafeBytes { bytes in
      Result {
        try federation.aggregator.receive(
          from: packet.from, packet.message, payload: bytes, digest: right)
      }
    }.get()
    #expect(taken.isEmpty)
  }

  @Test("An aggregator that restarts mid-round burns it; the study goes on in a new epoch")
  func aggregatorRestart() throws {
    var federation = try Federation.keyed(4)
    let answers = federation.answers(length: 5)
    try federation.run(Federation.binding("a"), answers: answers)
    try federation.open(Federation.binding("b"), answers: answers)
    for _ in 0..<9 { federation.deliverNext() }
    federation.network = []
    try federation.restartAggregator()
    try federation.openEpoch()
    try federation.run(Federation.binding("b"), answers: answers)
    #expect(federation.outcomes.count == 2)
    #expect(federation.outcomes.last?.round == 3)
    #expect(federation.siteOutcomes[4]?.last == federation.outcomes.last)
  }

  @Test("An aggregator that dies with the only copy of a sum hands it out before the next epoch")
  func resultLostByAll() throws {
    var federation = try Federation.keyed(4)
    let answers = federation.answers(length: 5)
    federation.isLost = { $0.kind == .result }
    try federation.run(Federation.binding("a"), answers: answers)
    #expect(federation.siteOutcomes.isEmpty)
    federation.isLost = { _ in false }
    try federation.restartAggregator()
    try federation.restart(3)
    try federation.openEpoch()
    #expect(federation.failures.isEmpty)
    for site in federation.everyone {
      #expect(federation.siteOutcomes[site] == federation.outcomes)
    }
    try federation.run(Federation.binding("b"), answers: answers)
    #expect(federation.outcomes.count == 2)
  }

  @Test("A round that failed is asked again without a new expectation")
  func askedAgain() throws {
    var federation = try Federation.keyed(4)
    let binding = try Federation.binding()
    let answers = federation.answers(length: 5)
    federation.isLost = { $0.kind == .ack }
    try federation.run(binding, answers: answers)
    #expect(federation.failures.map(\.code) == [.quorumMissing])
    federation.isLost = { _ in false }
    try federation.openEpoch()
    // The sites' programs still wait for the same query; only the answer is handed in again.
    federation.apply(try federation.aggregator.openRound(binding))
    for index in federation.everyone {
      let actions = federation.sites[index]?.answer(answers[index] ?? []) ?? []
      federation.apply(actions, of: index)
    }
    federation.settle()
    #expect(
      federation.outcomes.last?.total.signed == Federation.sum(answers, over: federation.everyone))
  }

  @Test("A transcript can be checked by anyone who holds it")
  func transcript() throws {
    var federation = try Federation.keyed(4)
    for name in ["a", "b", "c"] {
      try federation.run(
        Federation.binding(name), answers: federation.answers(length: 5), prefetch: true)
    }
    var previous = federation.manifest.genesis
    for entry in federation.aggregator.entries {
      let sum = try #require(federation.sums[entry.round]).bytes
      let verified = try entry.verified(
        manifest: federation.manifest, after: previous, sum: sum)
      var changed = sum
      changed[4] ^= 1
      #expect(throws: SecureAggregationError(.resultMismatch, naming: [0])) {
        try entry.verified(manifest: federation.manifest, after: previous, sum: changed)
      }
      #expect(throws: SecureAggregationError(.chainMismatch, naming: [0])) {
        try entry.verified(manifest: federation.manifest, after: .zero, sum: sum)
      }
      previous = verified.digest
    }
    #expect(previous == federation.aggregator.accepted.digest)
  }
}
