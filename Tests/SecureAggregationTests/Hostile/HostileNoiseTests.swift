import Cryptography
import DifferentialPrivacy
import FixedPoint
import Synchronization
import Testing

@testable import SecureAggregation

/// Lies about noise: a site that reveals another seed, an aggregator that takes off what it should
/// not. What stops them, and what their signatures show a third party.
@Suite struct HostileNoiseTests {
  /// Four sites and one layer, which comes off when all are in the sum.
  private struct Study {
    var federation: Federation
    let plan: NoiseTests.Plan
    let answers: [UInt16: [Int64]]

    init(layerNoise: @escaping LayerNoise = discreteGaussianNoise) throws {
      federation = try Federation.keyed(4, layerNoise: layerNoise)
      let schedule = try NoiseSchedule(
        siteCount: 4, colluderCount: 1, threshold: 3, variance: 3_000, vectorLength: 6)
      plan = try NoiseTests.Plan(
        federation, schedule: schedule, query: "query", length: 5, seed: 12)
      answers = federation.answers(length: 5)
    }

    mutating func open() throws {
      try federation.open(
        plan.binding, answers: try plan.noisy(answers), layerSeeds: plan.layerSeeds)
    }

    /// The sum with the noise that should be in it, given who left the layer in.
    func expected(keeping: [UInt16]) throws -> [Int64] {
      var total = Federation.sum(answers, over: federation.everyone)
      for site in federation.everyone {
        let noise = try plan.noise(
          of: site, without: keeping.contains(site) ? [] : [0], length: 5)
        for index in total.indices { total[index] += noise[index] }
      }
      return total
    }
  }

  @Test("A wrong seed names its site, and the noise stays in")
  func wrongSeed() throws {
    var study = try Study()
    study.federation.misbehave(Unmask.self, from: 3) { body in
      var seed = body.layerSeeds[0]
      seed[5] ^= 1
      return Unmask(
        selfSecret: body.selfSecret, selfShares: body.selfShares, maskShares: body.maskShares,
        prefetch: body.prefetch, layerSeeds: [seed], layerTag: body.layerTag)
    }
    try study.open()
    study.federation.settle()
    let federation = study.federation
    #expect(federation.blamed == [3: .layerCorrupt])
    let outcome = try #require(federation.outcomes.first)
    #expect(outcome.removedLayers == [1: [0], 2: [0], 4: [0]])
    #expect(outcome.total.signed == (try study.expected(keeping: [3])))
    #expect(federation.siteOutcomes.count == 4)
    let review = try EvidenceReview(federation.pieces(of: 0), layerNoise: federation.layerNoise)
    #expect(review.findings.map(\.offence) == [.wrongSecret], "\(review.findings)")
    #expect(review.findings.first?.accused == [0, 3])
  }

  @Test("A site's wrong tag of its own noise costs the others the drawing, and accuses nobody")
  func wrongLayerTag() throws {
    for lies in [false, true] {
      let drawn = Mutex(0)
      var study = try Study { seeds, variances, count in
        drawn.withLock { $0 += variances.count }
        return try discreteGaussianNoise(seeds, variances, count)
      }
      if lies {
        study.federation.misbehave(Unmask.self, from: 3) { body in
          Unmask(
            selfSecret: body.selfSecret, selfShares: body.selfShares,
            maskShares: body.maskShares, prefetch: body.prefetch, layerSeeds: body.layerSeeds,
            layerTag: body.layerTag ^ 1)
        }
      }
      try study.open()
      study.federation.settle()
      let outcome = try #require(study.federation.outcomes.first)
      #expect(outcome.total.signed == (try study.expected(keeping: [])))
      #expect(study.federation.siteOutcomes.count == 4)
      #expect(study.federation.halts.isEmpty && study.federation.blamed.isEmpty)
      // Every site draws its own layer, the aggregator all four; only after a lie do sites draw more.
      let more = lies ? 16 : 0
      #expect(drawn.withLock { $0 } == 8 + more)
    }
  }

  @Test("Unmask says the tag of the noise that comes off, sealed, and nothing of noise that stays")
  func tagsOfWhatComesOff() throws {
    for silentCount in 0...2 {
      var federation = try Federation.keyed(7)
      let schedule = try NoiseSchedule(
        siteCount: 7, colluderCount: 1, threshold: 5, variance: 9_000, vectorLength: 4)
      let plan = try NoiseTests.Plan(
        federation, schedule: schedule, query: "tags", length: 4, seed: 5)
      let silent = federation.everyone.suffix(silentCount)
      federation.isLost = {
        $0.kind == .result || ($0.kind == .masked && silent.contains($0.from))
      }
      try federation.run(
        plan.binding, answers: try plan.noisy(federation.answers(length: 4)),
        layerSeeds: plan.layerSeeds)
      let removed = schedule.layersToRemove(survivorCount: 7 - silentCount)
      #expect(removed.count == 2 - silentCount)
      for site in federation.everyone.dropLast(silentCount) {
        let packet = try #require(
          federation.sent.last { $0.kind == .unmask && $0.from == site })
        let body = try Unmask(Envelope(parsing: packet.message, naming: []).body)
        let seed = try #require(federation.sites[site]?.memory.pending?.alphaSeed)
        var tag: UInt64 = 0
        for layer in removed {
          let noise = try DiscreteGaussian(variance: schedule.layers[layer].variance).draws(
            count: 4, seed: try #require(plan.layerSeeds[site]).slot(layer) { Array($0) })
          tag = SumTag.add(
            tag,
            try SumTag.tag(of: RingVector(noise: noise, width: .bits32), alphaSeed: seed))
        }
        let pad = SumTag.layerPad(of: site, alphaSeed: seed)
        let sealed = removed.isEmpty ? 0 : SumTag.add(tag, pad)
        #expect(body.layerTag == sealed)
        #expect(body.layerSeeds.count == removed.count)
        #expect(federation.sites[site]?.round?.layerTags == nil)
      }
    }
  }

  @Test("A withheld or an extra seed costs the site its Unmask, and its noise stays in")
  func otherCounts() throws {
    for seeds in [[], [[UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32)]] {
      var study = try Study()
      study.federation.misbehave(Unmask.self, from: 2) { body in
        Unmask(
          selfSecret: body.selfSecret, selfShares: body.selfShares, maskShares: body.maskShares,
          prefetch: body.prefetch, layerSeeds: seeds, layerTag: body.layerTag)
      }
      try study.open()
      study.federation.settle()
      #expect(study.federation.dropped == [2: .setInvalid])
      let outcome = try #require(study.federation.outcomes.first)
      #expect(outcome.removedLayers[2] == nil)
      #expect(outcome.total.signed == (try study.expected(keeping: [2])))
    }
  }

  /// The Result of a finished round with other records or another sum.
  private func lie(
    _ packet: Federation.Packet, in federation: Federation, adding change: Int64 = 0,
    _ records: ([LayerRecord]) -> [LayerRecord]
  ) throws -> Federation.Packet {
    let envelope = try Envelope(parsing: packet.message, naming: [])
    let body = try ResultMessage(envelope.body)
    var values = try #require(RingVector(packet.payload, width: body.ringWidth)).signed
    values[2] += change
    let sum = try #require(RingVector(signed: values, width: body.ringWidth))
    let open = try #require(federation.sent.last { $0.kind == .roundOpen && $0.to == packet.to })
    let transcript = RoundOpen.binding(
      manifest: envelope.manifest, epoch: envelope.epoch, round: envelope.round,
      body: try Envelope(parsing: open.message, naming: []).body)
    let sumDigest = RoundDigests.vector(sum)
    let layers = records(body.layers)
    let result = ResultMessage(
      sumDigest: sumDigest, vectorLength: body.vectorLength, ringWidth: body.ringWidth,
      tag: body.tag, shareMembers: body.shareMembers, members: body.members,
      listDigest: body.listDigest, acknowledgements: body.acknowledgements,
      resultDigest: RoundDigests.result(
        round: transcript, shareSet: RoundDigests.set(body.shareMembers),
        set: RoundDigests.set(body.members), list: body.listDigest, sum: sumDigest, tag: body.tag,
        layers: layers, layerTag: body.layerTag), layers: layers, layerTag: body.layerTag)
    let message = Envelope.sealed(
      .result, manifest: envelope.manifest, epoch: envelope.epoch, round: envelope.round,
      sender: 0, body: result.bytes, key: try #require(federation.keys[0]))
    return .init(from: 0, to: packet.to, message: message, payload: sum.bytes)
  }

  private func published() throws -> Federation {
    var study = try Study()
    try study.open()
    while let next = study.federation.network.first, next.kind != .result {
      study.federation.deliverNext()
    }
    #expect(study.federation.network.count == 4)
    return study.federation
  }

  @Test("Noise that is said to be off but is not, or the other way: the tag finds it")
  func falseRemoval() throws {
    var federation = try published()
    for packet in federation.network {
      federation.deliver(try lie(packet, in: federation, adding: 1) { $0 })
    }
    #expect(federation.halts.values.allSatisfy { $0.code == .sumRejected })
    #expect(federation.halts.count == 4)
    let pieces = federation.pieces(of: 1, 2, 3, 4)
    let review = try EvidenceReview(pieces, layerNoise: federation.layerNoise)
    #expect(review.findings.contains { $0.offence == .falseSum && $0.accused == [0] })
    // Without the sampler nothing is claimed about the addition.
    let blind = try EvidenceReview(pieces, layerNoise: nil)
    #expect(!blind.findings.contains { $0.offence == .falseSum })
    #expect(blind.remarks.contains { $0.contains("takes the RoundOpen and the sampler") })
  }

  @Test("An invented seed, or a record left out, does not fit what was acknowledged")
  func inventedSeed() throws {
    for change in 0..<3 {
      var federation = try published()
      let packet = try #require(federation.network.first { $0.to == 2 })
      let shown = try lie(packet, in: federation) { records in
        var records = records
        switch change {
        case 0: records[1] = LayerRecord(isRemoved: true, value: [UInt8](repeating: 7, count: 32))
        case 1: records[1] = LayerRecord(isRemoved: false, value: records[1].value)
        default: records.removeLast()
        }
        return records
      }
      federation.deliver(shown)
      // Case 1 states a seed as the commitment, which nobody acknowledged either.
      #expect(federation.aborts[2]?.map(\.code).first != nil, "change \(change)")
      #expect(
        [.resultMismatch, .ackInvalid].contains(federation.aborts[2]?.first?.code),
        "change \(change)")
      #expect(federation.siteOutcomes[2] == nil)
    }
  }

  @Test("An honest round with noise proves nothing against anybody")
  func honest() throws {
    var study = try Study()
    try study.open()
    study.federation.settle()
    #expect(study.federation.outcomes.count == 1)
    #expect(study.federation.pieces(of: 0, 1, 2, 3, 4).isEmpty)
    // Everything that everybody sent, shown by everybody.
    let shown = try study.federation.everyone.map { try study.federation.shown(by: $0) }
    for noise in [study.federation.layerNoise, nil] {
      let review = try EvidenceReview(shown, layerNoise: noise)
      #expect(!review.provesMisbehaviour, "\(review.findings)")
      #expect(review.messageCount > 0)
    }
  }
}
