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

  @Test("No AES key repeats over rounds and pairs")
  func uniqueKeys() throws {
    // Seed 5. Every round makes a new key for the pair, for two sets, and a fresh self key.
    var (keys, _) = try pair(seed: 5)
    var entropy = SeededEntropy(seed: 6)
    var seen: Set<Digest> = []
    let rounds = 3_000
    for round in 1...UInt64(rounds) {
      keys.advance(to: round)
      var hash = Blake2b(Labels.round)
      hash.update(integer: round)
      let transcript = hash.finish()
      var buffer = [UInt8](repeating: 0, count: 96)
      let selfSecret = try entropy.bytes(32)
      buffer.withUnsafeMutableBytes { buffer in
        let seed = buffer.slot(0)
        _ = keys.maskKey(with: 2, into: seed)
        let copy = Array(seed)
        copy.withUnsafeBytes { Derivations.seed(maskKey: $0, round: transcript, into: seed) }
        Derivations.pairKey(
          seed: UnsafeRawBufferPointer(seed), shareSet: RoundDigests.set([1, 2]),
          into: buffer.slot(1))
        Derivations.pairKey(
          seed: UnsafeRawBufferPointer(seed), shareSet: RoundDigests.set([1, 2, 3]),
          into: buffer.slot(2))
        selfSecret.withUnsafeBytes {
          Derivations.key(Labels.selfMask, from: $0, into: buffer.slot(0))
        }
      }
      for slot in 0..<3 {
        seen.insert(try Digest(Array(buffer[(32 * slot)..<(32 * slot + 32)])))
      }
    }
    #expect(seen.count == 3 * rounds)
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
