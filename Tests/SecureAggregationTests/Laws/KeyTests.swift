import Cryptography
import FixedPoint
import Testing

@testable import SecureAggregation

/// Groups 5 and 6 of the protocol's tests: keys never repeat and only go forward; masks look random.
@Suite struct KeyTests {
  private func pair(
    seed: UInt64, manifest: Digest = .zero, epoch: UInt32 = 1, base: UInt64 = 0
  ) throws -> (PairKeys, PairKeys) {
    var entropy = SeededEntropy(seed: seed)
    let one = try KeyAgreementKey(from: &entropy)
    let other = try KeyAgreementKey(from: &entropy)
    let keys = [one.publicKey, other.publicKey]
    func make(_ index: UInt16, _ own: KeyAgreementKey) throws -> PairKeys {
      try PairKeys(
        index: index, members: [1, 2], agreementKeys: keys, own: own, manifest: manifest,
        epoch: epoch, base: base)
    }
    return (try make(1, one), try make(2, other))
  }

  @Test("Both sides derive the same keys, and manifest, epoch and keys all matter")
  func agreement() throws {
    // Seed 1.
    let (one, other) = try pair(seed: 1)
    #expect(one.revealedKey(with: 2) == other.revealedKey(with: 1))
    let key = one.revealedKey(with: 2)
    let otherManifest = try pair(seed: 1, manifest: Blake2b.hash("test")).0
    let otherEpoch = try pair(seed: 1, epoch: 2).0
    let otherKeys = try pair(seed: 2).0
    for changed in [otherManifest, otherEpoch, otherKeys] {
      #expect(changed.revealedKey(with: 2) != key)
    }
  }

  @Test("The ratchet goes forward only, by one hash a round, and both sides stay together")
  func ratchet() throws {
    // Seed 3.
    var (one, other) = try pair(seed: 3, base: 7)
    var expected = try #require(one.revealedKey(with: 2))
    for round in UInt64(8)...20 {
      one.advance(to: round)
      let hash = Blake2b(Labels.next, key: secret(expected))
      expected = hash.finish().bytes
      #expect(one.revealedKey(with: 2) == expected)
      #expect(one.round == round)
    }
    one.advance(to: 9)
    #expect(one.round == 20)
    other.advance(to: 20)
    #expect(other.revealedKey(with: 1) == expected)
  }

  @Test("No AES key repeats over 100,000 rounds and all pairs of four sites")
  func uniqueKeys() throws {
    // Seed 5. Every round makes a key for each of the six pairs; one pair's also for another set of
    // sites, and one self key from the very secret that its pair key comes from.
    let members: [UInt16] = [1, 2, 3, 4]
    var entropy = SeededEntropy(seed: 5)
    let own = try members.map { _ in try KeyAgreementKey(from: &entropy) }
    var tables = try members.dropLast().map { index in
      try PairKeys(
        index: index, members: members, agreementKeys: own.map(\.publicKey),
        own: own[Int(index) - 1], manifest: .zero, epoch: 1, base: 0)
    }
    let set = RoundDigests.set(members)
    let otherSet = RoundDigests.set([1, 2, 3])
    let rounds: UInt64 = 100_000
    let seed = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 8)
    defer { seed.deallocate() }
    let key = seed.slot(1)
    // Keys whose first 64 bits differ differ. Of 800,000 different keys some pair would agree in them
    // with probability 2·10^-8; the seed is fixed, so this run is not one of those.
    var seen: Set<UInt64> = []
    seen.reserveCapacity(8 * Int(rounds))
    for round in 1...rounds {
      var hash = Blake2b(Labels.round)
      hash.update(integer: round)
      let transcript = hash.finish()
      for position in tables.indices {
        tables[position].advance(to: round)
        for peer in members where peer > tables[position].index {
          _ = tables[position].maskKey(with: peer, into: key)
          let maskKey = UnsafeRawBufferPointer(key)
          Derivations.seed(maskKey: maskKey, round: transcript, into: seed.slot(0))
          let readable = UnsafeRawBufferPointer(seed.slot(0))
          Derivations.pairKey(seed: readable, shareSet: set, into: key)
          seen.insert(key.load(as: UInt64.self))
          guard position == 2 else { continue }
          Derivations.pairKey(seed: readable, shareSet: otherSet, into: key)
          seen.insert(key.load(as: UInt64.self))
          Derivations.key(Labels.selfMask, from: readable, into: key)
          seen.insert(key.load(as: UInt64.self))
        }
      }
    }
    #expect(seen.count == 8 * Int(rounds))
  }

  @Test("A masked vector of zeros cannot be told from random bytes", arguments: RingWidth.allCases)
  func masksLookRandom(width: RingWidth) throws {
    // Seed 8. χ² over 256 byte values with 40,000 bytes: mean 255, deviation 22.6. The bounds are
    // more than 5 deviations away: false alarm below 10^-6.
    var entropy = SeededEntropy(seed: 8)
    let selfSecret = try Shamir.randomScalar(from: &entropy)
    let alphaSeed = try SecretBytes(random: 32, from: &entropy)
    let pairSeed = try SecretBytes(random: 32, from: &entropy)
    let count = 40_000 / width.byteCount
    let masked = try MaskedVector(
      answer: RingVector(zeros: count - 1, width: width), index: 2, members: [1, 2, 3],
      setDigest: RoundDigests.set([1, 2, 3]), selfSecret: selfSecret, alphaSeed: alphaSeed
    ) { _, body in
      pairSeed.withUnsafeBytes(body)
      return true
    }
    var counts = [Int](repeating: 0, count: 256)
    for byte in masked.vector.bytes { counts[Int(byte)] += 1 }
    let expected = Double(40_000) / 256
    let statistic = counts.reduce(0.0) {
      $0 + (Double($1) - expected) * (Double($1) - expected) / expected
    }
    #expect(statistic > 140 && statistic < 380)
  }

  @Test("Checks are directional: a site's own check is not its peer's")
  func directionalChecks() throws {
    // Seed 9.
    var entropy = SeededEntropy(seed: 9)
    let seed = try entropy.bytes(32)
    let there = seed.withUnsafeBytes { Derivations.check(seed: $0, from: 1, to: 2) }
    let back = seed.withUnsafeBytes { Derivations.check(seed: $0, from: 2, to: 1) }
    #expect(there.count == 16)
    #expect(there != back)
  }

  @Test("A low-order key in the set names its owner")
  func lowOrderKey() throws {
    // Seed 10.
    var entropy = SeededEntropy(seed: 10)
    let own = try KeyAgreementKey(from: &entropy)
    #expect(throws: SecureAggregationError(.keyInvalid, naming: [2])) {
      try PairKeys(
        index: 1, members: [1, 2],
        agreementKeys: [own.publicKey, [UInt8](repeating: 0, count: 32)], own: own,
        manifest: .zero, epoch: 1, base: 0)
    }
  }

  @Test("When a round ends, its secrets are gone and the keys are those of the next round")
  func erasure() throws {
    var federation = try Federation.keyed(4)
    try federation.run(Federation.binding(), answers: federation.answers(length: 5))
    let site = try #require(federation.sites[2])
    #expect(site.round == nil)
    #expect(site.answer == nil)
    #expect(site.agreementKey == nil)
    #expect(site.memory.pending == nil)
    #expect(site.pairKeys?.round == 2)
    // The journal holds no key: neither the ratchet's nor the secrets of the round.
    let next = try #require(site.pairKeys?.revealedKey(with: 1))
    for record in federation.journals[2]?.records ?? [] {
      #expect(!contains(record.bytes, next))
    }
  }

  private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
    guard bytes.count >= part.count else { return false }
    return (0...(bytes.count - part.count)).contains { start in
      bytes[start..<(start + part.count)].elementsEqual(part)
    }
  }
}
