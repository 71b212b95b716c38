import Aggregator
import Foundation
import Identity
import Site
import SiteData
import Store
import Transport

/// A network in a temporary folder, with two free ports.
final class EnrolledNetwork: Sendable {
  let folder: String
  let configuration: AggregatorConfiguration
  var directory: AggregatorDirectory { AggregatorDirectory(folder + "/aggregator") }

  /// Makes the network, as `wardround aggregator init` does.
  init(_ name: String = "north", certificateLifetime: Duration = .seconds(86_400)) async throws {
    folder = NSTemporaryDirectory() + "wardround-membership-\(UUID().uuidString)"
    let ports = try Self.freePorts()
    configuration = AggregatorConfiguration(
      network: try MemberName(name), host: try ServerHost("127.0.0.1"), listen: "127.0.0.1",
      servicePort: ports.0, enrolmentPort: ports.1, certificateLifetime: certificateLifetime)
    try await AggregatorDirectory.create(at: folder + "/aggregator", configuration)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func site(_ name: String) -> String { folder + "/\(name)" }

  /// Two ports that nobody listened on a moment ago.
  private static func freePorts() throws -> (UInt16, UInt16) {
    let sockets = [openSocket(), openSocket()]
    defer { for entry in sockets { close(entry.descriptor) } }
    guard sockets.allSatisfy({ $0.port > 0 }) else { throw NeverHappened() }
    return (sockets[0].port, sockets[1].port)
  }

  private static func openSocket() -> (descriptor: Int32, port: UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let done = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    return (descriptor, done ? UInt16(bigEndian: address.sin_port) : 0)
  }

  /// Runs the server of this network for the duration of a body.
  func withServer<Result: Sendable>(
    _ body: @escaping @Sendable (Membership, AggregatorServer) async throws -> Result
  ) async throws -> Result {
    let membership = try directory.openMembership()
    var configuration = try await membership.serverConfiguration()
    configuration.shutdownLimit = .seconds(1)
    let server = AggregatorServer(configuration, handler: TestHandler(membership: membership))
    let isListening = Record<Bool>()
    return try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask {
        try await server.run { _, _ in isListening.add(true) }
        return nil
      }
      group.addTask {
        await membership.watchStanding { server.revoke($0) }
        return nil
      }
      group.addTask {
        _ = try await isListening.first()
        return try await body(membership, server)
      }
      defer {
        server.stop()
        group.cancelAll()
      }
      while let result = try await group.next() {
        if let result { return result }
      }
      throw NeverHappened()
    }
  }
}

/// An agent without studies: it connects as the site in a folder and keeps the connection.
struct TestAgent: Sendable {
  let connections = Record<any SiteConnection>()
  let events = Record<SiteClient.Event>()

  /// Runs the agent for the duration of a body.
  func running<Result: Sendable>(
    _ path: String, _ body: @escaping @Sendable (SiteClient) async throws -> Result
  ) async throws -> Result {
    let configuration = try SiteConfiguration.read(path: SiteDirectory(path).configurationFile)
    var settings = try SiteDirectory(path, configuration).clientConfiguration(configuration)
    settings.backoff.initial = .milliseconds(50)
    settings.backoff.maximum = .milliseconds(300)
    let client = SiteClient(settings)
    return try await withThrowingTaskGroup(of: Result?.self) { group in
      group.addTask {
        await client.run(onEvent: { events.add($0) }) { connection in
          connections.add(connection)
          while connection.closeReason == nil { try await Task.sleep(for: .milliseconds(5)) }
        }
        return nil
      }
      group.addTask { try await body(client) }
      defer { group.cancelAll() }
      while let result = try await group.next() {
        if let result { return result }
      }
      throw NeverHappened()
    }
  }
}
