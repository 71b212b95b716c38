import BenchmarkSupport
import Foundation
import Identity
import Synchronization
import Transport

extension Network {
  /// The real server, which gives every site's connection to `onSite`.
  func server(
    _ onSite: @escaping @Sendable (any SiteConnection) async -> Void
  ) throws -> AggregatorServer {
    let directory = directory("aggregator")
    let authority = try directory.load().authority
    let verifier = PeerVerifier(
      authority: authority, accepting: [.site], clock: { Date() }, isRevoked: { _, _ in false })
    return AggregatorServer(
      .init(
        members: ListeningAddress(host: "127.0.0.1", port: 0),
        credentials: CredentialFiles(directory), check: PeerCheck(verifier),
        spool: SpoolFolder(path: "\(folder)/spool")),
      handler: Handler(onSite: onSite))
  }

  /// The real client of a site.
  func client(of name: String) throws -> SiteClient {
    let directory = directory(name)
    let port = try String(contentsOfFile: portFile, encoding: .utf8)
    guard let port = Int(port) else { throw Problem("the aggregator's port is unknown") }
    return SiteClient(
      .init(
        aggregator: ServiceAddress(host: "127.0.0.1", port: port),
        credentials: CredentialFiles(directory),
        check: PeerCheck(
          .ofAggregator(authority: try directory.load().authority, clock: { Date() }),
          host: try ServerHost("127.0.0.1"))))
  }

  /// Serves until the server is stopped; the sites find its port in a file.
  func serve(_ server: AggregatorServer) async throws {
    try await server.run { port, _ in
      try? Data("\(port)".utf8).write(
        to: URL(fileURLWithPath: portFile), options: .atomic)
    }
  }
}

/// Which sites have left, as they do when they have all results.
final class Visitors: Sendable {
  private let gone = Mutex<Set<String>>([])

  func left(_ site: String) { gone.withLock { _ = $0.insert(site) } }

  /// Waits until so many have left. A server that stopped earlier would keep the last result from
  /// sites that are still reading it, and they would wait for it for ever.
  func departure(of count: Int, within seconds: Double) async throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while gone.withLock({ $0.count }) < count {
      guard .now < end else {
        let left = gone.withLock { $0.sorted().joined(separator: ", ") }
        throw Problem(
          "after the last round not all sites ended within \(Int(seconds)) s; those that did:"
            + " [\(left)]")
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}

/// Passes the sites' connections on; there is nothing else to serve.
private struct Handler: AggregatorHandler {
  let onSite: @Sendable (any SiteConnection) async -> Void

  func siteConnected(_ connection: any SiteConnection) async { await onSite(connection) }

  private var unavailable: TransportError { TransportError(.refused) }

  func renew(_ caller: VerifiedPeer, requestDER: [UInt8]) async throws -> [[UInt8]] {
    throw unavailable
  }
  func join(_ request: EnrolmentRequest) async throws -> EnrolmentAnswer { throw unavailable }
  func propose(_ caller: Principal, name: String, document: String) async throws -> String {
    throw unavailable
  }
  func studies(_ caller: Principal) async throws -> [StudySummary] { [] }
  func watch(
    _ caller: Principal, study: String,
    event: @escaping @Sendable (Transport.ProgressEvent) async throws -> Void
  ) async throws { throw unavailable }
  func fetch(
    _ caller: Principal, study: String, artefact: String,
    piece: @escaping @Sendable ([UInt8]) async throws -> Void
  ) async throws { throw unavailable }
  func invite(_ caller: Principal, name: String, role: Role) async throws -> String {
    throw unavailable
  }
  func revoke(_ caller: Principal, name: String, role: Role) async throws -> Principal {
    throw unavailable
  }
  func sites(_ caller: Principal) async throws -> [SiteSummary] { [] }
}
