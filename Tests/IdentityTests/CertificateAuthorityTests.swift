import Crypto
import Foundation
import SwiftASN1
import Testing
import X509

@testable import Identity

@Suite struct CertificateAuthorityTests {
  @Test func theLeafProfile() async throws {
    let network = try TrialAuthority()
    let identity = try await network.join("north")
    let leaf = try identity.certificate.leaf()
    #expect(leaf.version == .v3)
    #expect(leaf.signatureAlgorithm == .ecdsaWithSHA256)
    #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
    #expect(try leaf.extensions.keyUsage == KeyUsage(digitalSignature: true))
    #expect(try leaf.extensions.extendedKeyUsage == ExtendedKeyUsage([.clientAuth]))
    let names = try #require(try leaf.extensions.subjectAlternativeNames)
    #expect(Array(names) == [.uniformResourceIdentifier("wardround://trial/site/north")])
    let authority = network.authority.certificate.certificate
    #expect(
      try leaf.extensions.authorityKeyIdentifier?.keyIdentifier
        == authority.extensions.subjectKeyIdentifier?.keyIdentifier)
  }

  @Test func theAuthorityProfile() throws {
    let network = try TrialAuthority()
    let certificate = network.authority.certificate.certificate
    #expect(
      try certificate.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
    #expect(try certificate.extensions.keyUsage == KeyUsage(keyCertSign: true, cRLSign: true))
    #expect(
      certificate.notValidAfter == TrialAuthority.start.addingTimeInterval(10 * 365 * 86_400))
    #expect(network.authority.certificate.pin.description.count == 64)
  }

  @Test func serialsAreLongAndDiffer() throws {
    let serials = (0..<200).map { _ in CertificateAuthority.randomSerial() }
    #expect(Set(serials).count == 200)
    // Fewer than 15 of 16 bytes would need 16 leading zero bits: once in 65,536 serials.
    #expect(serials.allSatisfy { (13...17).contains($0.bytes.count) })
  }

  @Test func itIsLoadedAsItWasMade() async throws {
    let network = try TrialAuthority()
    let loaded = try CertificateAuthority.load(from: network.directory + "/ca")
    #expect(loaded.certificate == network.authority.certificate)
    let principal = try network.principal("north")
    let request = try network.keys("north").prepareRequest(for: principal)
    let issued = try loaded.issue(
      requestDER: request.requestDER, to: principal, at: network.now)
    let verifier = PeerVerifier(
      authority: network.authority.certificate, accepting: [.site], clock: { network.now }
    ) { _, _ in false }
    #expect(try await verifier.verify(presentedDER: issued.chainDER).principal == principal)
  }

  @Test func itIsNeverOverwritten() throws {
    let network = try TrialAuthority()
    #expect(throws: IdentityError(.fileExists)) {
      try CertificateAuthority.create(
        in: network.directory + "/ca", network: MemberName("trial"), at: network.now)
    }
    #expect(
      try CertificateAuthority.load(from: network.directory + "/ca").certificate
        == network.authority.certificate)
  }

  @Test func lifetimesHaveLimits() throws {
    for lifetime in [Duration.zero, .milliseconds(999), .seconds(11 * 365 * 86_400)] {
      #expect(throws: IdentityError(.lifetimeOutOfRange)) {
        try TrialAuthority(leafLifetime: lifetime)
      }
    }
    _ = try TrialAuthority(leafLifetime: .seconds(1))
  }

  @Test func everyFileFaultHasItsName() throws {
    let network = try TrialAuthority()
    let directory = network.directory + "/ca"
    func load() throws { _ = try CertificateAuthority.load(from: directory) }
    let key = try String(contentsOfFile: directory + "/ca.key", encoding: .utf8)

    try FileManager.default.removeItem(atPath: directory + "/ca.key")
    #expect(throws: IdentityError(.fileMissing)) { try load() }
    try write("not a key", directory + "/ca.key")
    #expect(throws: IdentityError(.fileCorrupted)) { try load() }
    try write(P256.Signing.PrivateKey().pemRepresentation, directory + "/ca.key")
    #expect(throws: IdentityError(.keyMismatch)) { try load() }
    try write(key, directory + "/ca.key", mode: 0o640)
    #expect(throws: IdentityError(.filePermissions)) { try load() }
    try write(key, directory + "/ca.key")
    try load()
    try write("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", directory + "/ca.pem")
    #expect(throws: IdentityError(.fileCorrupted)) { try load() }
  }

  @Test func aMembersCertificateIsNoAuthority() async throws {
    let network = try TrialAuthority()
    let leafDER = try await network.join("north").certificate.chainDER[0]
    #expect(throws: IdentityError(.malformedCertificate)) { try AuthorityCertificate(der: leafDER) }
  }

  @Test func requestsAreCheckedForKeySignatureAndExtras() throws {
    let network = try TrialAuthority()
    let principal = try network.principal("north")
    let uri = GeneralName.uniformResourceIdentifier(principal.uri)
    let key = P256.Signing.PrivateKey()
    func issue(
      _ names: [GeneralName]?, key: Certificate.PrivateKey = .init(key), isAuthority: Bool = false,
      algorithm: Certificate.SignatureAlgorithm = .ecdsaWithSHA256
    ) throws {
      let extensions = try Certificate.Extensions {
        if let names { SubjectAlternativeNames(names) }
        if isAuthority { BasicConstraints.isCertificateAuthority(maxPathLength: nil) }
      }
      let request = try CertificateSigningRequest(
        version: .v1, subject: DistinguishedName {}, privateKey: key,
        attributes: .init([.init(ExtensionRequest(extensions: extensions))]),
        signatureAlgorithm: algorithm)
      var serializer = DER.Serializer()
      try serializer.serialize(request)
      _ = try network.authority.issue(
        requestDER: serializer.serializedBytes, to: principal, at: network.now)
    }
    try issue([uri])
    #expect(throws: IdentityError(.requestExtension)) { try issue(nil) }
    #expect(throws: IdentityError(.requestExtension)) { try issue([]) }
    #expect(throws: IdentityError(.requestExtension)) { try issue([uri, .dnsName("hub.example")]) }
    #expect(throws: IdentityError(.requestExtension)) { try issue([uri], isAuthority: true) }
    #expect(throws: IdentityError(.requestName)) { try issue([.dnsName("hub.example")]) }
    #expect(throws: IdentityError(.requestName)) {
      try issue([.uniformResourceIdentifier("wardround://trial/site/south")])
    }
    #expect(throws: IdentityError(.requestName)) {
      try issue([.uniformResourceIdentifier("wardround://trial/operator/north")])
    }
    #expect(throws: IdentityError(.requestKey)) {
      try issue([uri], key: .init(P384.Signing.PrivateKey()), algorithm: .ecdsaWithSHA384)
    }
    #expect(throws: IdentityError(.requestKey)) {
      try issue([uri], key: .init(Curve25519.Signing.PrivateKey()), algorithm: .ed25519)
    }
  }

  @Test func aTamperedRequestIsNotSigned() throws {
    let network = try TrialAuthority()
    let principal = try network.principal("north")
    let good = try network.keys("north").prepareRequest(for: principal).requestDER
    func issue(_ der: [UInt8]) throws {
      _ = try network.authority.issue(requestDER: der, to: principal, at: network.now)
    }
    var renamed = good
    let name = Array("north".utf8)
    for index in renamed.indices where renamed[index...].starts(with: name) {
      renamed[index] = UInt8(ascii: "s")
    }
    #expect(throws: IdentityError(.requestSignature)) { try issue(renamed) }
    #expect(throws: IdentityError(.malformedRequest)) { try issue(Array(good.dropLast())) }
    #expect(throws: IdentityError(.malformedRequest)) { try issue([]) }
    #expect(throws: IdentityError(.malformedRequest)) {
      try issue(Array(repeating: 0x30, count: 9000))
    }
    try issue(good)
  }

  @Test func anotherNetworksNameAndHostsForMembersAreRefused() throws {
    let network = try TrialAuthority()
    let foreign = try Principal(uri: "wardround://other/site/north")
    let request = try network.keys("a").prepareRequest(for: foreign)
    #expect(throws: IdentityError(.wrongNetwork)) {
      try network.authority.issue(requestDER: request.requestDER, to: foreign, at: network.now)
    }
    let member = try network.principal("north")
    let own = try network.keys("b").prepareRequest(for: member)
    #expect(throws: IdentityError(.wrongRole)) {
      try network.authority.issue(
        requestDER: own.requestDER, to: member, hosts: [ServerHost("hub.example")],
        at: network.now)
    }
  }
}

/// Writes a text file with a mode, for tests that damage files.
func write(_ text: String, _ path: String, mode: Int = 0o600) throws {
  try text.write(toFile: path, atomically: true, encoding: .utf8)
  try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
}
