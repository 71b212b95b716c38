import Crypto
import Foundation
import SwiftASN1
import Testing
import X509

@testable import Identity

@Suite struct PeerVerifierTests {
  @Test func anEnrolledSiteIsItsPrincipal() async throws {
    let network = try TrialAuthority()
    let identity = try await network.join("north")
    let peer = try await network.verifier().verify(presentedDER: identity.certificate.chainDER)
    #expect(peer.principal.uri == "wardround://trial/site/north")
    #expect(peer.serial == identity.certificate.serial)
    #expect(peer.chainDER == identity.certificate.chainDER)
    #expect(peer.notValidAfter == TrialAuthority.start.addingTimeInterval(90 * 86_400))
    // The clock may be five minutes behind the aggregator's.
    #expect(peer.notValidBefore == TrialAuthority.start.addingTimeInterval(-300))
  }

  @Test func theLeafAloneIsEnough() async throws {
    let network = try TrialAuthority()
    let identity = try await network.join("north")
    let peer = try await network.verifier().verify(
      presentedDER: [identity.certificate.chainDER[0]])
    #expect(peer.chainDER.count == 2)
  }

  @Test func validityHasBothEndsToTheSecond() async throws {
    let network = try TrialAuthority(leafLifetime: .seconds(100))
    let chain = try await network.join("north").certificate.chainDER
    network.advance(by: 100)
    _ = try await network.verifier().verify(presentedDER: chain)
    network.advance(by: 1)
    #expect(await code { _ = try await network.verifier().verify(presentedDER: chain) } == .expired)
    network.advance(by: -111)
    _ = try await network.verifier().verify(presentedDER: chain)
    network.advance(by: -1)
    #expect(
      await code { _ = try await network.verifier().verify(presentedDER: chain) } == .notYetValid)
  }

  @Test func aCertificateEndsWithItsAuthority() async throws {
    let network = try TrialAuthority()
    network.advance(by: 10 * 365 * 86_400 - 86_400)
    let identity = try await network.join("late")
    #expect(
      identity.certificate.notValidAfter
        == TrialAuthority.start.addingTimeInterval(10 * 365 * 86_400))
    network.advance(by: 86_401)
    let chain = identity.certificate.chainDER
    #expect(
      await code { _ = try await network.verifier().verify(presentedDER: chain) }
        == .authorityExpired)
    #expect(await code { try await network.join("later") } == .authorityExpired)
  }

  @Test func anotherNetworksCertificateIsForeignEvenUnderTheSameName() async throws {
    let network = try TrialAuthority()
    let other = try TrialAuthority()
    let stranger = try await other.join("north").certificate.chainDER
    #expect(
      await code { _ = try await network.verifier().verify(presentedDER: stranger) }
        == .foreignAuthority)
    // Expired as well, but that is not what is wrong with it.
    network.advance(by: 200 * 86_400)
    #expect(
      await code { _ = try await network.verifier().verify(presentedDER: stranger) }
        == .foreignAuthority)
  }

  @Test func aTamperedCertificateIsForeign() async throws {
    let network = try TrialAuthority()
    var leaf = try await network.join("north").certificate.chainDER[0]
    let name = Array("north".utf8)
    let found = leaf.indices.filter { leaf[$0...].starts(with: name) }
    #expect(found.count == 2)
    for index in found { leaf[index] = UInt8(ascii: "s") }
    #expect(
      await code { _ = try await network.verifier().verify(presentedDER: [leaf]) }
        == .foreignAuthority)
  }

  @Test func theAuthorityItselfIsNoMember() async throws {
    let network = try TrialAuthority()
    let der = network.authority.certificate.der
    #expect(
      await code { _ = try await network.verifier().verify(presentedDER: [der]) } == .noPrincipal)
  }

  @Test func rolesAreKeptApart() async throws {
    let network = try TrialAuthority()
    let site = try await network.join("north").certificate.chainDER
    let researcher = try await network.join("ada", as: .researcher).certificate.chainDER
    let operators = network.verifier(accepting: [.operator])
    #expect(await code { _ = try await operators.verify(presentedDER: site) } == .wrongRole)
    #expect(await code { _ = try await operators.verify(presentedDER: researcher) } == .wrongRole)
    let aggregator = PeerVerifier.ofAggregator(
      authority: network.authority.certificate, clock: { network.now })
    // A site that poses as the aggregator.
    #expect(await code { _ = try await aggregator.verify(presentedDER: site) } == .wrongRole)
  }

  @Test func theAggregatorIsCheckedForItsHost() async throws {
    let network = try TrialAuthority()
    let principal = try network.principal("hub", .aggregator)
    let request = try network.keys("server").prepareRequest(for: principal)
    let hosts = try ["Hub.Example", "192.0.2.7", "2001:db8::1"].map { try ServerHost($0) }
    let issued = try await network.desk.certifyLocally(
      requestDER: request.requestDER, as: principal, hosts: hosts, at: network.now)
    let verifier = PeerVerifier.ofAggregator(
      authority: network.authority.certificate, clock: { network.now })
    for host in ["hub.example", "192.0.2.7", "2001:DB8:0::1"] {
      let peer = try await verifier.verify(
        presentedDER: issued.chainDER, host: ServerHost(host))
      #expect(peer.principal == principal)
    }
    for host in ["example", "a.hub.example", "192.0.2.8", "2001:db8::2"] {
      #expect(
        await code {
          _ = try await verifier.verify(presentedDER: issued.chainDER, host: ServerHost(host))
        } == .wrongHost, "\(host)")
    }
  }

  @Test func revocationIsSeenByTheNextCheck() async throws {
    let network = try TrialAuthority()
    let identity = try await network.join("north")
    let south = try await network.join("south")
    let verifier = network.verifier()
    let peer = try await verifier.verify(presentedDER: identity.certificate.chainDER)
    try await verifier.recheck(peer)
    let count = try await network.desk.revoke(
      MemberName("north"), role: .site, at: network.now)
    #expect(count == 1)
    #expect(await code { try await verifier.recheck(peer) } == .revoked)
    #expect(
      await code { _ = try await verifier.verify(presentedDER: identity.certificate.chainDER) }
        == .revoked)
    _ = try await verifier.verify(presentedDER: south.certificate.chainDER)
  }

  @Test func aConnectionIsRecheckedForExpiry() async throws {
    let network = try TrialAuthority(leafLifetime: .seconds(60))
    let identity = try await network.join("north")
    let verifier = network.verifier()
    let peer = try await verifier.verify(presentedDER: identity.certificate.chainDER)
    network.advance(by: 61)
    #expect(await code { try await verifier.recheck(peer) } == .expired)
  }

  @Test func aCertificateThatTheLedgerNeverSawIsRefused() async throws {
    let network = try TrialAuthority()
    let principal = try network.principal("north")
    let request = try network.keys("north").prepareRequest(for: principal)
    let issued = try network.authority.issue(
      requestDER: request.requestDER, to: principal, at: network.now)
    #expect(
      await code { _ = try await network.verifier().verify(presentedDER: issued.chainDER) }
        == .revoked)
  }

  @Test func aLedgerThatFailsRefuses() async throws {
    struct Broken: Error {}
    let network = try TrialAuthority()
    let chain = try await network.join("north").certificate.chainDER
    let verifier = PeerVerifier(
      authority: network.authority.certificate, accepting: [.site], clock: { network.now }
    ) { _, _ in throw Broken() }
    #expect(
      await code { _ = try await verifier.verify(presentedDER: chain) } == .ledgerUnavailable)
  }

  @Test func randomBytesAreRefusedNotTrapped() async throws {
    let network = try TrialAuthority()
    let leaf = try await network.join("north").certificate.chainDER[0]
    let verifier = network.verifier()
    var random = SeededGenerator(seed: 11)
    for _ in 0..<300 {
      var bytes = leaf
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let index = Int.random(in: bytes.indices, using: &random)
        bytes[index] = UInt8.random(in: 0...255, using: &random)
      }
      guard bytes != leaf else { continue }
      #expect(
        await code { _ = try await verifier.verify(presentedDER: [bytes]) } != nil,
        "seed 11")
    }
    #expect(
      await code { _ = try await verifier.verify(presentedDER: []) } == .malformedCertificate)
    #expect(
      await code {
        _ = try await verifier.verify(presentedDER: Array(repeating: leaf, count: 5))
      } == .malformedCertificate)
  }

  /// Certificates that our authority would never write, signed by its key all the same.
  @Test(arguments: [
    ([GeneralName.dnsName("hub.example")], [ExtendedKeyUsage.Usage.clientAuth], "no-principal"),
    (
      [
        .uniformResourceIdentifier("wardround://trial/site/a"),
        .uniformResourceIdentifier("wardround://trial/site/b"),
      ], [.clientAuth], "no-principal"
    ),
    ([.uniformResourceIdentifier("https://trial/site/a")], [.clientAuth], "no-principal"),
    (
      [.uniformResourceIdentifier("wardround://other/site/a")], [.clientAuth], "wrong-network"
    ),
    ([.uniformResourceIdentifier("wardround://trial/site/a")], [.serverAuth], "wrong-usage"),
    ([.uniformResourceIdentifier("wardround://trial/site/a")], [], "wrong-usage"),
    (
      [.uniformResourceIdentifier("wardround://trial/aggregator/a")], [.clientAuth], "wrong-usage"
    ),
  ])
  func oddCertificates(names: [GeneralName], usages: [ExtendedKeyUsage.Usage], expected: String)
    async throws
  {
    let network = try TrialAuthority()
    let authority = network.authority
    let leaf = try Certificate(
      version: .v3, serialNumber: .init(),
      publicKey: .init(P256.Signing.PrivateKey().publicKey),
      notValidBefore: network.now, notValidAfter: network.now.addingTimeInterval(60),
      issuer: authority.certificate.certificate.subject,
      subject: DistinguishedName { CommonName("odd") }, signatureAlgorithm: .ecdsaWithSHA256,
      extensions: Certificate.Extensions {
        SubjectAlternativeNames(names)
        try ExtendedKeyUsage(usages)
      },
      issuerPrivateKey: .init(authority.key))
    let verifier = PeerVerifier(
      authority: authority.certificate, accepting: Set(Role.allCases), clock: { network.now }
    ) { _, _ in false }
    #expect(await code { _ = try await verifier.verify(leaf: leaf) }?.rawValue == expected)
  }
}

/// SplitMix64 (Steele, Lea and Flood 2014), so that a failing run can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
