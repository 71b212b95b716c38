import Cryptography
import FixedPoint
import Testing

@testable import SecureAggregation

/// An aggregator that shows sites other keys than their owners': who notices, and what is proven.
@Suite struct HostileKeysTests {
  @Test("Replaced keys: made up, of an old epoch, or another's")
  func replacedKeys() throws {
    // Made up: the aggregator signs an offer in the name of site 2.
    var source = SeededEntropy(seed: 77)
    let own = try KeyAgreementKey(from: &source).publicKey
    var federation = try Federation(siteCount: 4)
    let aggregatorKey = try #require(federation.keys[0])
    federation.replaceOffer(of: 2, to: 1, with: own, signedBy: aggregatorKey)
    try federation.openEpoch()
    #expect(federation.aborts[1]?.first == SecureAggregationError(.signatureInvalid, naming: [2]))
    #expect(federation.sites[1]?.state == .unkeyed)
    try expectProof(of: .keyReplaced, by: [0], in: federation.pieces(of: 1), of: federation)

    // Old: the offer of an earlier epoch, whose secret may be in other hands by now.
    var later = try Federation.keyed(4)
    let old = try #require(later.sent.first { $0.kind == .keyOffer && $0.from == 2 })
    later.misbehave(KeySet.self, from: 0) { set in
      KeySet(offers: [set.offers[0], old.message, set.offers[2], set.offers[3]])
    }
    try later.openEpoch()
    #expect(later.aborts[2]?.first == SecureAggregationError(.keyReplaced, naming: [0]))
    #expect(later.aborts[1]?.first == SecureAggregationError(.setInvalid, naming: [0]))
    try expectProof(of: .keyReplaced, by: [0], in: later.pieces(of: 1), of: later)
    try expectProof(of: .keyReplaced, by: [0], in: later.pieces(of: 2), of: later)
  }

  @Test("With a colluding site: two key sets, which the confirmations show, and both are proven")
  func twoKeySets() throws {
    // Site 2 signs a second offer for the aggregator to show to site 1 only.
    var source = SeededEntropy(seed: 78)
    let own = try KeyAgreementKey(from: &source).publicKey
    var federation = try Federation(siteCount: 4)
    let colluder = try #require(federation.keys[2])
    federation.replaceOffer(of: 2, to: 1, with: own, signedBy: colluder)
    // The aggregator goes on although site 1 confirms other keys.
    federation.isLost = { $0.from == 0 && $0.kind == .abort }
    try federation.openEpoch()
    #expect(federation.failures.first == SecureAggregationError(.keysUnconfirmed, naming: [1]))
    let confirmations = try #require(federation.confirmSet())
    federation.deliver(
      .init(from: 0, to: 3, message: confirmations, payload: []))
    federation.deliver(
      .init(from: 0, to: 1, message: confirmations, payload: []))
    #expect(federation.aborts[3] == [SecureAggregationError(.keysUnconfirmed, naming: [1])])
    #expect(
      federation.aborts[1]?.first == SecureAggregationError(.keysUnconfirmed, naming: [2, 3, 4]))
    #expect(federation.sites.values.allSatisfy { !$0.state.isKeyed })
    let shown = [try federation.shown(by: 1), try federation.shown(by: 3)]
    try expectProof(of: .equivocation, by: [0], in: shown, of: federation)
    try expectProof(of: .equivocation, by: [2], in: shown, of: federation)
  }
}

extension Federation {
  /// The aggregator shows one site another agreement key of another site, under somebody's signature.
  mutating func replaceOffer(
    of owner: UInt16, to receiver: UInt16, with agreementKey: [UInt8],
    signedBy key: SigningKey
  ) {
    misbehave(KeySet.self, from: 0, to: receiver) { set in
      var offers = set.offers
      guard let envelope = try? Envelope(parsing: offers[Int(owner) - 1], naming: []),
        let offer = try? KeyOffer(envelope.body)
      else { return set }
      offers[Int(owner) - 1] = Envelope.sealed(
        .keyOffer, manifest: envelope.manifest, epoch: envelope.epoch, round: 0, sender: owner,
        body: KeyOffer(
          agreementKey: agreementKey, lastRound: offer.lastRound, accepted: offer.accepted
        ).bytes, key: key)
      return KeySet(offers: offers)
    }
  }

  /// A ConfirmSet with the confirmations that were sent.
  func confirmSet() -> [UInt8]? {
    let confirmations = sent.filter { $0.kind == .keyConfirm }.sorted { $0.from < $1.from }
    return keys[0].map {
      Envelope.sealed(
        .confirmSet, manifest: manifest.digest, epoch: sites[1]?.epoch ?? 1, round: 0, sender: 0,
        body: ConfirmSet(confirmations: confirmations.map(\.message)).bytes, key: $0)
    }
  }
}
