import Cryptography
import FixedPoint
import Testing

@testable import SecureAggregation

/// Group 1 of the protocol's tests: whoever drops out, the sum is the sum of those who are in it, or
/// nothing opens.
@Suite struct DropoutTests {
  /// When a site falls silent.
  enum Fate: Int, CaseIterable {
    case stays, noShares, noMasked, noAck, noUnmask

    var lastKind: UInt8 {
      switch self {
      case .stays: .max
      case .noShares: MessageKind.shares.rawValue
      case .noMasked: MessageKind.masked.rawValue
      case .noAck: MessageKind.ack.rawValue
      case .noUnmask: MessageKind.unmask.rawValue
      }
    }
  }

  private func check(_ start: Federation, fates: [Fate], mode: RoundMode = .normal) throws {
    var federation = start
    let binding = try Federation.binding("pattern", length: 3)
    let answers = federation.answers(length: 3)
    federation.isLost = { packet in
      guard packet.from != 0, let kind = packet.kind else { return false }
      return kind.rawValue >= fates[Int(packet.from) - 1].lastKind
    }
    try federation.run(binding, answers: answers, mode: mode)
    let names = Comment(rawValue: "\(fates.map(\.rawValue)) \(mode)")
    let everyone = federation.everyone
    let masked = everyone.filter {
      [.stays, .noAck, .noUnmask].contains(fates[Int($0) - 1])
    }
    let opened = everyone.filter { fates[Int($0) - 1] == .stays }
    let limits = federation.manifest.manifest
    if masked.count >= limits.quorum, opened.count >= limits.threshold {
      #expect(federation.failures.isEmpty, names)
      let outcome = try #require(federation.outcomes.last, names)
      #expect(outcome.participants == masked, names)
      #expect(outcome.total.signed == Federation.sum(answers, over: masked), names)
      for site in opened { #expect(federation.siteOutcomes[site]?.last == outcome, names) }
    } else {
      #expect(federation.outcomes.count == start.outcomes.count, names)
      let missing = Set(everyone).subtracting(opened)
      let named = try #require(federation.failures.first, names).named
      #expect(!named.isEmpty && Set(named).isSubset(of: missing), names)
    }
  }

  @Test("Every pattern of silence at each of a site's messages, normal mode", arguments: [3, 4])
  func everyPattern(siteCount: Int) throws {
    let start = try Federation.keyed(siteCount)
    for fates in Self.patterns(of: Fate.allCases, siteCount) { try check(start, fates: fates) }
  }

  /// Sites differ by nothing but their place, so how many fall silent at each step is what counts: every
  /// such count, at seeded places. Where far too few are left, only the first counts are tried.
  @Test("Every number of sites silent at Shares, Masked and Unmask", arguments: 5...12)
  func everyCount(siteCount: Int) throws {
    let start = try Federation.keyed(siteCount)
    let threshold = start.manifest.manifest.threshold
    var generator = SplitMix(state: UInt64(siteCount))
    for shares in 0...siteCount {
      for masked in 0...(siteCount - shares) {
        for unmask in 0...(siteCount - shares - masked) {
          let staying = siteCount - shares - masked - unmask
          guard staying >= threshold - 1 || generator.next() % 16 == 0 else { continue }
          let fates =
            [Fate](repeating: .noShares, count: shares) + .init(repeating: .noMasked, count: masked)
            + .init(repeating: .noUnmask, count: unmask) + .init(repeating: .stays, count: staying)
          try check(start, fates: fates.shuffled(using: &generator))
        }
      }
    }
  }

  /// All assignments of some fates to sites.
  private static func patterns(of fates: [Fate], _ siteCount: Int) -> [[Fate]] {
    (0..<siteCount).reduce([[]]) { patterns, _ in
      patterns.flatMap { pattern in fates.map { pattern + [$0] } }
    }
  }

  @Test("Fast mode: every pattern at Masked, Ack and Unmask", arguments: [3, 4])
  func fastPatterns(siteCount: Int) throws {
    var start = try Federation.keyed(siteCount)
    try start.run(
      Federation.binding("first"), answers: start.answers(length: 5), prefetch: true)
    #expect(start.aggregator.canOpenFast(for: start.everyone))
    for fates in Self.patterns(of: [.stays, .noMasked, .noAck, .noUnmask], siteCount) {
      try check(start, fates: fates, mode: .fast)
    }
  }

  @Test("Masks cancel for every set of survivors, n = 2…12", arguments: 2...12)
  func maskCancellation(siteCount: Int) throws {
    // Seed: the number of sites. Below the protocol, so that n = 2 and every subset can be tested.
    var entropy = SeededEntropy(seed: UInt64(siteCount))
    let members = (1...UInt16(siteCount)).map { $0 }
    let setDigest = RoundDigests.set(members)
    let alphaSeed = try SecretBytes(random: 32, from: &entropy)
    var seeds: [[UInt16]: SecretBytes] = [:]
    for first in members {
      for second in members where first < second {
        seeds[[first, second]] = try SecretBytes(random: 32, from: &entropy)
      }
    }
    func seed(_ one: UInt16, _ other: UInt16) -> SecretBytes? {
      seeds[[min(one, other), max(one, other)]]
    }
    var secrets: [UInt16: SecretBytes] = [:]
    var masked: [UInt16: MaskedVector] = [:]
    var plain: [UInt16: RingVector] = [:]
    for site in members {
      let secret = try Shamir.randomScalar(from: &entropy)
      let answer = try #require(
        RingVector(signed: [Int64(site) * 7, -Int64(site)], width: .bits64))
      secrets[site] = secret
      plain[site] = answer.withConstant
      masked[site] = try MaskedVector(
        answer: answer, index: site, members: members, setDigest: setDigest, selfSecret: secret,
        alphaSeed: alphaSeed
      ) { peer, body in
        seed(site, peer)?.withUnsafeBytes(body)
        return true
      }
    }
    for pattern in 1..<(1 << siteCount) {
      let survivors = members.filter { pattern >> (Int($0) - 1) & 1 == 1 }
      var sum = RingVector(zeros: 3, width: .bits64)
      var expected = RingVector(zeros: 3, width: .bits64)
      var tag: UInt64 = 0
      for site in survivors {
        sum.add(try #require(masked[site]).vector)
        expected.add(try #require(plain[site]))
        tag = SumTag.add(tag, try #require(masked[site]).tag)
      }
      var opening = Opening(tag: tag)
      for site in survivors {
        try opening.removeSelfMask(
          of: Scalar(revealing: try #require(secrets[site])), owner: site)
      }
      for owner in members where !survivors.contains(owner) {
        for survivor in survivors {
          try opening.removePairMask(
            seed: try #require(seed(owner, survivor)), owner: owner, survivor: survivor,
            setDigest: setDigest)
        }
      }
      let opened = opening.finish(sum)
      let expectedTag = try SumTag.tag(of: expected, alphaSeed: alphaSeed)
      let isRight = opened.0 == expected && opened.1 == expectedTag
      #expect(isRight, "survivors \(survivors)")
    }
  }
}

/// A small generator for test inputs (SplitMix64).
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
