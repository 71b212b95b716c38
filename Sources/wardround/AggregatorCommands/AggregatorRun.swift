import Aggregator
import ArgumentParser
import Cryptography
import Foundation
import Identity
import Store
import Synchronization
import Transport

/// `wardround aggregator run`
struct AggregatorRun: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Serve the network: sites, researchers and operators.",
    discussion: "Stops in order on SIGTERM and SIGINT; studies go on after the next start.")

  @OptionGroup var folder: AggregatorFolder
  @OptionGroup var service: ServiceOptions

  func run() async throws {
    try await CommandFailure.reporting {
      ServiceMemory.prepare()
      let directory = AggregatorDirectory(folder.path)
      let membership = try directory.openMembership()
      let lock = try RoleLock(storePath: directory.databaseFile)
      defer { withExtendedLifetime(lock) {} }
      let identity = try await membership.serverIdentity()
      let key = try identity.signingKey.withSeed {
        try Cryptography.SigningKey(seed: SecretBytes(copying: $0))
      }
      let board = StudyBoard(
        .init(
          store: membership.store, aggregatorName: membership.aggregator.name.text,
          signingKey: key, studiesFolder: membership.directory.studiesFolder,
          member: { site in
            let record = try await membership.siteRecord(site)
            return (record.legalEntity, try VerifyingKey(record.signingKey))
          }, log: ServiceLog.write))
      try await Self.serve(membership, board, service)
    }
  }

  private static func serve(
    _ membership: Membership, _ board: StudyBoard, _ options: ServiceOptions
  ) async throws {
    let shared = Shared()
    let service = AggregatorService(
      membership: membership, board: board,
      cut: { principal in shared.server?.revoke(principal) },
      connected: { shared.server?.connectedSites ?? [] })
    let server = AggregatorServer(
      try await membership.serverConfiguration(), handler: service,
      onEvent: { event in
        if case .certificateRefused(let reason) = event {
          ServiceLog.write("a certificate was refused: \(reason)")
        }
      })
    shared.server = server
    await board.resume()
    try await Shutdown.running(options) {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          await membership.watchStanding(
            onFailure: { ServiceLog.write("the store cannot be read: \($0)") },
            cut: { server.revoke($0) })
        }
        group.addTask { await board.watchProposals() }
        group.addTask {
          try await server.run { members, enrolment in
            ServiceLog.write(
              "listening for members on port \(members)"
                + (enrolment.map { " and for new ones on port \($0)" } ?? ""))
          }
        }
        try await group.next()
        group.cancelAll()
      }
      await board.stop()
    }
    ServiceLog.write("stopped")
  }

  /// The server that the service's calls refer to; set once before it serves.
  private final class Shared: Sendable {
    private let value = Mutex<AggregatorServer?>(nil)

    var server: AggregatorServer? {
      get { value.withLock { $0 } }
      set { value.withLock { $0 = newValue } }
    }
  }
}
