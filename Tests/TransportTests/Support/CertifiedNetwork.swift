import Foundation
import Identity
import Transport

/// A network with its authority, in a temporary folder.
final class CertifiedNetwork: Sendable {
  let folder: String
  let desk: EnrolmentDesk<MemoryEnrolmentLedger>
  let name: MemberName

  init(_ name: String = "north", leafLifetime: Duration = .seconds(3600)) throws {
    folder = NSTemporaryDirectory() + "wardround-transport-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    self.name = try MemberName(name)
    desk = EnrolmentDesk(
      authority: try CertificateAuthority.create(
        in: folder + "/authority", network: self.name, leafLifetime: leafLifetime,
        at: Date(timeIntervalSinceNow: -86_400)),
      ledger: MemoryEnrolmentLedger())
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func principal(_ role: Role, _ name: String) throws -> Principal {
    Principal(network: self.name, role: role, name: try MemberName(name))
  }

  /// Keys and certificate of a member. `at` sets the start of validity.
  func credentials(
    _ role: Role, _ name: String, at now: Date = Date(), suffix: String = ""
  ) async throws -> CredentialFiles {
    let directory = KeyDirectory(path: folder + "/\(role.rawValue)-\(name)\(suffix)")
    let principal = try principal(role, name)
    let request = try directory.prepareRequest(for: principal)
    let issued = try await desk.certifyLocally(
      requestDER: request.requestDER, as: principal, signingPublicKey: request.signingPublicKey,
      hosts: role == .aggregator ? [ServerHost("127.0.0.1"), ServerHost("localhost")] : [], at: now)
    _ = try await directory.install(
      chainDER: issued.chainDER, pin: desk.authority.certificate.pin, principal: principal, at: now)
    return CredentialFiles(directory)
  }

  /// The aggregator's view of members.
  var memberCheck: PeerCheck {
    PeerCheck(desk.verifier(accepting: [.site, .researcher, .operator], clock: { Date() }))
  }

  /// A member's view of the aggregator.
  var aggregatorCheck: PeerCheck {
    PeerCheck(
      .ofAggregator(authority: desk.authority.certificate, clock: { Date() }),
      host: try? ServerHost("127.0.0.1"))
  }

  func serverConfiguration(
    port: Int = 0, enrolment: Bool = false, settings: ConnectionSettings = .fast
  ) async throws -> AggregatorServer.Configuration {
    let existing = folder + "/aggregator-hub/identity.pem"
    let credentials =
      FileManager.default.fileExists(atPath: existing)
      ? CredentialFiles(certificateChain: existing, privateKey: existing)
      : try await self.credentials(.aggregator, "hub")
    var configuration = AggregatorServer.Configuration(
      members: ListeningAddress(host: "127.0.0.1", port: port),
      enrolment: enrolment ? ListeningAddress(host: "127.0.0.1", port: 0) : nil,
      credentials: credentials, check: memberCheck, spool: SpoolFolder(path: folder))
    configuration.connection = settings
    configuration.shutdownLimit = .seconds(1)
    return configuration
  }

  func siteClient(
    _ name: String, port: Int, settings: ConnectionSettings = .fast,
    credentials: CredentialFiles? = nil
  ) async throws -> SiteClient {
    var configuration = SiteClient.Configuration(
      aggregator: ServiceAddress(host: "127.0.0.1", port: port),
      credentials: credentials != nil ? credentials! : try await self.credentials(.site, name),
      check: aggregatorCheck)
    configuration.connection = settings
    configuration.backoff.initial = .milliseconds(50)
    configuration.backoff.maximum = .milliseconds(200)
    return SiteClient(configuration)
  }
}

extension ConnectionSettings {
  /// Short times, for tests that wait for one of them; long enough for a loaded machine.
  static var fast: ConnectionSettings {
    var settings = ConnectionSettings()
    settings.heartbeatInterval = .milliseconds(400)
    settings.deadPeerAfter = .seconds(3)
    settings.sendDeadline = .seconds(5)
    settings.connectDeadline = .seconds(10)
    settings.closeLinger = .milliseconds(200)
    return settings
  }

  /// A changed copy.
  func with(_ change: (inout ConnectionSettings) -> Void) -> ConnectionSettings {
    var settings = self
    change(&settings)
    return settings
  }
}
