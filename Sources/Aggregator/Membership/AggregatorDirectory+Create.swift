import Foundation
import Identity

extension AggregatorDirectory {
  /// Makes a network: its authority, the server's keys and certificate, the identity of the operator
  /// on this machine, the store and the settings.
  ///
  /// The settings are written last. A run that was interrupted before is taken up where it stopped:
  /// until then nothing has left the folder.
  ///
  /// - Throws: `MembershipError.alreadyInitialised`, `otherNetwork`, `fileUnwritable`;
  ///   `IdentityError`, `StoreError`.
  @discardableResult
  public static func create(
    at path: String, _ configuration: AggregatorConfiguration,
    clock: @escaping @Sendable () -> Date = { Date() }
  ) async throws -> AggregatorDirectory {
    let directory = AggregatorDirectory(path)
    guard !directory.isInitialised else {
      throw MembershipError(.alreadyInitialised, subject: path)
    }
    guard configuration.servicePort != configuration.enrolmentPort else {
      throw MembershipError(
        .invalidValue, subject: "enrolment port", detail: "it must differ from the service port")
    }
    for folder in [directory.path, directory.spool.path, directory.studiesFolder] {
      try makeFolder(folder)
    }
    try directory.makeAuthority(configuration, at: clock())
    let store = try directory.openStore(clock: clock)
    defer { try? store.close() }
    try await directory.makeIdentities(
      Membership.desks(directory, configuration, store: store, clock: clock), at: clock())
    try directory.write(configuration)
    return directory
  }

  /// Writes the settings anew, such as another host; the network's name has to stay.
  ///
  /// - Throws: `MembershipError.fileUnwritable`.
  public func write(_ configuration: AggregatorConfiguration) throws(MembershipError) {
    do {
      try Data(configuration.yaml().utf8).write(
        to: URL(fileURLWithPath: configurationFile), options: .atomic)
    } catch {
      throw MembershipError(.fileUnwritable, subject: configurationFile)
    }
  }

  private func makeAuthority(_ configuration: AggregatorConfiguration, at now: Date) throws {
    guard FileManager.default.fileExists(atPath: "\(authorityFolder)/ca.pem") else {
      _ = try CertificateAuthority.create(
        in: authorityFolder, network: configuration.network,
        leafLifetime: configuration.certificateLifetime, at: now)
      return
    }
    let present = try CertificateAuthority.load(from: authorityFolder)
    guard present.network == configuration.network else {
      throw MembershipError(.otherNetwork, subject: path, detail: present.network.text)
    }
  }

  private func makeIdentities(_ desks: Membership.Desks, at now: Date) async throws {
    _ = try await desks.server.localIdentity(
      in: identity, as: desks.aggregator, hosts: desks.hosts, at: now)
    _ = try await desks.members.localIdentity(
      in: operatorIdentity, as: desks.localOperator, at: now)
  }
}
