import Aggregator
import Foundation
import Identity
import StrictYAML
import Testing

/// The aggregator's folder and its settings.
struct DirectoryTests {
  @Test func initMakesTheFolderAndNeverOverwrites() async throws {
    let network = try await EnrolledNetwork()
    let directory = network.directory
    for folder in ["", "/ca", "/identity", "/operator", "/spool", "/studies"] {
      #expect(mode(directory.path + folder) == 0o700, "\(folder)")
    }
    for file in ["/ca/ca.key", "/identity/identity.pem", "/aggregator.sqlite"] {
      #expect(mode(directory.path + file) == 0o600, "\(file)")
    }
    let pin = try directory.openMembership().authority.pin
    await #expect(throws: MembershipError(.alreadyInitialised)) {
      try await AggregatorDirectory.create(at: directory.path, network.configuration)
    }
    #expect(try directory.openMembership().authority.pin == pin)
  }

  @Test func anInterruptedInitIsTakenUp() async throws {
    let network = try await EnrolledNetwork()
    let directory = network.directory
    let key = try directory.openMembership().protocolKey
    try FileManager.default.removeItem(atPath: directory.configurationFile)
    #expect(throws: MembershipError(.notInitialised)) { try directory.openMembership() }
    var other = network.configuration
    other.network = try MemberName("south")
    await #expect(throws: MembershipError(.otherNetwork)) {
      try await AggregatorDirectory.create(at: directory.path, other)
    }
    try await AggregatorDirectory.create(at: directory.path, network.configuration)
    #expect(try directory.openMembership().protocolKey == key)
  }

  @Test func theServersCertificateFollowsTheHosts() async throws {
    let network = try await EnrolledNetwork()
    let before = try await network.directory.openMembership().serverIdentity()
    #expect(
      try await network.directory.openMembership().serverIdentity().certificate
        == before.certificate)
    var configuration = network.configuration
    configuration.otherHosts = [try ServerHost("aggregator.example.org")]
    try network.directory.write(configuration)
    let after = try await network.directory.openMembership().serverIdentity()
    #expect(after.certificate.serial != before.certificate.serial)
    #expect(after.signingKey.publicKey == before.signingKey.publicKey)
  }

  @Test func settingsSurviveBeingWritten() throws {
    for configuration in [
      AggregatorConfiguration(
        network: try MemberName("north"), host: try ServerHost("aggregator.example.org")),
      AggregatorConfiguration(
        network: try MemberName("no"), host: try ServerHost("2001:db8::1"),
        otherHosts: [try ServerHost("10.0.0.7"), try ServerHost("a.example")], listen: "::",
        servicePort: 1, enrolmentPort: 65_535, certificateLifetime: .seconds(6)),
    ] {
      let text = configuration.yaml()
      #expect(try AggregatorConfiguration.decode(text, file: "aggregator.yaml") == configuration)
    }
  }

  @Test func wrongSettingsAreNamed() {
    let good = "network: north\nhost: a.example\n"
    #expect(throws: Never.self) { try AggregatorConfiguration.decode(good, file: "f") }
    for (text, code) in [
      (good + "servce_port: 1\n", YAMLProblem.Code.unknownKey),
      (good + "service_port: 70000\n", .outOfRange), (good + "listen: a.example\n", .outOfRange),
      (good + "certificate_days: 0\n", .outOfRange), ("network: North\nhost: a\n", .outOfRange),
      ("network: north\n", .missingKey), ("network: north\nhost: a b\n", .outOfRange),
      ("", .missingKey), ("[", .syntax),
    ] {
      let problem = #expect(throws: YAMLProblem.self, "\(text)") {
        try AggregatorConfiguration.decode(text, file: "f")
      }
      #expect(problem?.code == code, "\(text)")
    }
  }
}
