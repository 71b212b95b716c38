import ArgumentParser
import Cryptography
import Foundation
import Identity
import Site
import SiteData
import Store
import Transport

/// `wardround site run`
struct SiteRunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run the agent: connect to the aggregator and stay connected.",
    discussion: "Only dials out. Stops in order on SIGTERM and SIGINT.")

  @OptionGroup var folder: SiteFolder
  @OptionGroup var service: ServiceOptions

  func run() async throws {
    try await CommandFailure.reporting {
      let configuration = try folder.configuration()
      let directory = SiteDirectory(folder.path, configuration)
      let network = try directory.member.network()
      let key = try folder.signingKey(configuration)
      let store = try folder.store(configuration)
      let lock = try RoleLock(storePath: store.path)
      defer { withExtendedLifetime(lock) {} }
      let agent = SiteAgent(
        .init(
          site: configuration.site, legalEntity: configuration.legalEntity, signingKey: key,
          aggregatorKey: try VerifyingKey(network.protocolKey),
          policy: SitePolicy(configuration.policy), store: store,
          loadCohort: {
            try await SiteData.loading(configuration, cohort: $0.cohort, recipe: $0.records)
          },
          log: ServiceLog.write))
      let client = SiteClient(try directory.clientConfiguration(configuration))
      let renewal = CertificateRenewal(of: directory.identity, over: client)
      try await Shutdown.running(service) {
        await withTaskGroup(of: Void.self) { group in
          group.addTask { await agent.run() }
          group.addTask {
            await renewal.run(
              onEvent: { ServiceLog.write("certificate: \($0)") },
              reconnect: { await agent.reconnect() })
          }
          group.addTask {
            await client.run(
              onEvent: { event in
                switch event {
                case .connected(let peer): ServiceLog.write("connected to \(peer.name)")
                case .disconnected(let reason, let delay):
                  ServiceLog.write("not connected: \(reason); next attempt in \(delay)")
                }
              },
              onConnected: { try await agent.serve($0) })
          }
          await group.waitForAll()
        }
      }
      let anchor = try await store.audit.anchor { key.signature(for: $0).bytes }
      try AuditAnchorFile.write(anchor, to: directory.auditAnchorFile)
      ServiceLog.write("stopped; audit log anchored at entry \(anchor.entryCount)")
    }
  }
}
