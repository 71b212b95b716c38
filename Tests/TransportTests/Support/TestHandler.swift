import Foundation
import Identity
import Synchronization
import Transport

/// An aggregator that does what a test tells it; by default it sends every frame back.
struct TestHandler: AggregatorHandler {
  var desk: EnrolmentDesk<MemoryEnrolmentLedger>
  var onConnected: @Sendable (any SiteConnection) async -> Void = { connection in
    do {
      for try await frame in connection.frames { try await connection.send(frame) }
    } catch {}
  }

  func siteConnected(_ connection: any SiteConnection) async { await onConnected(connection) }

  func renew(_ caller: VerifiedPeer, requestDER: [UInt8]) async throws -> [[UInt8]] {
    try await desk.renew(requestDER: requestDER, for: caller, at: Date()).chainDER
  }

  func join(_ request: EnrolmentRequest) async throws -> EnrolmentAnswer {
    EnrolmentAnswer(
      chainDER: try await desk.enrol(request, at: Date()).chainDER, network: [1, 2, 3])
  }

  func propose(_ caller: Principal, name: String, document: String) async throws -> String {
    guard document != "bad" else {
      throw TransportError(.refused, subject: name, detail: "line 1: unknown key")
    }
    return "\(caller.name)/\(name)"
  }

  func studies(_ caller: Principal) async throws -> [StudySummary] {
    [StudySummary(study: "s1", name: "first", state: "running", detail: "round 3")]
  }

  func watch(
    _ caller: Principal, study: String,
    event: @escaping @Sendable (ProgressEvent) async throws -> Void
  ) async throws {
    guard study == "s1" else { throw TransportError(.notFound, subject: study) }
    try await event(ProgressEvent(stage: "fit", fraction: 0.5, message: "half", secondsLeft: 2))
    try await event(ProgressEvent(stage: "report", fraction: 1, finalState: "finished"))
  }

  func fetch(
    _ caller: Principal, study: String, artefact: String,
    piece: @escaping @Sendable ([UInt8]) async throws -> Void
  ) async throws {
    guard artefact == "report.html" else { throw TransportError(.notFound, subject: artefact) }
    for index in 0..<3 { try await piece([UInt8](repeating: UInt8(index), count: 1 << 20)) }
  }

  func invite(_ caller: Principal, name: String, role: Role) async throws -> String {
    "invitation for \(role.rawValue) \(name)"
  }

  func revoke(_ caller: Principal, name: String, role: Role) async throws -> Principal {
    let member = try MemberName(name)
    _ = try await desk.revoke(member, role: role, at: Date())
    return Principal(network: caller.network, role: role, name: member)
  }

  func sites(_ caller: Principal) async throws -> [SiteSummary] {
    [SiteSummary(name: "alpha", state: "connected")]
  }
}

/// Something that tests wait for, with a limit: a test that would hang fails instead.
final class Eventually<Value: Sendable>: Sendable {
  private let values = Mutex<[Value]>([])

  func add(_ value: Value) { values.withLock { $0.append(value) } }
  var all: [Value] { values.withLock { $0 } }

  /// Waits for a value that satisfies a condition.
  func first(
    within limit: Duration = .seconds(15),
    where condition: @Sendable (Value) -> Bool = { _ in true }
  ) async throws -> Value {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
      if let value = all.first(where: condition) { return value }
      try await Task.sleep(for: .milliseconds(5))
    }
    throw NeverHappened()
  }
}

/// What a test waited for did not come.
struct NeverHappened: Error {}

/// Runs a server for the duration of a test.
func withServer<Result: Sendable>(
  _ network: CertifiedNetwork, port: Int = 0, enrolment: Bool = false,
  settings: ConnectionSettings = .fast, handler: TestHandler? = nil,
  onEvent: @escaping @Sendable (AggregatorServer.Event) -> Void = { _ in },
  _ body:
    @escaping @Sendable (AggregatorServer, _ port: Int, _ enrolment: Int?) async throws ->
    Result
) async throws -> Result {
  let server = AggregatorServer(
    try await network.serverConfiguration(port: port, enrolment: enrolment, settings: settings),
    handler: handler ?? TestHandler(desk: network.desk), onEvent: onEvent)
  let ports = Eventually<(Int, Int?)>()
  return try await withThrowingTaskGroup(of: Result?.self) { group in
    group.addTask {
      try await server.run { ports.add(($0, $1)) }
      return nil
    }
    group.addTask {
      let (port, enrolment) = try await ports.first()
      return try await body(server, port, enrolment)
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

/// Runs a site for the duration of a body; its connections and events are there to wait for.
func withSite<Result: Sendable>(
  _ client: SiteClient,
  onConnected: (@Sendable (any SiteConnection) async throws -> Void)? = nil,
  _ body: @escaping @Sendable (SiteProbe) async throws -> Result
) async throws -> Result {
  let probe = SiteProbe()
  return try await withThrowingTaskGroup(of: Result?.self) { group in
    group.addTask {
      await client.run(onEvent: { probe.events.add($0) }) { connection in
        probe.connections.add(connection)
        if let onConnected {
          try await onConnected(connection)
        } else {
          while connection.closeReason == nil { try await Task.sleep(for: .milliseconds(5)) }
          if let reason = connection.closeReason { throw reason }
        }
      }
      return nil
    }
    group.addTask { try await body(probe) }
    defer { group.cancelAll() }
    while let result = try await group.next() {
      if let result { return result }
    }
    throw NeverHappened()
  }
}

/// What happened to a site.
final class SiteProbe: Sendable {
  let connections = Eventually<any SiteConnection>()
  let events = Eventually<SiteClient.Event>()

  /// The first failure with a code.
  func failure(_ code: TransportError.Code, within limit: Duration = .seconds(15)) async throws
    -> TransportError
  {
    let event = try await events.first(within: limit) {
      if case .disconnected(let reason, _) = $0 { reason.code == code } else { false }
    }
    guard case .disconnected(let reason, _) = event else { throw NeverHappened() }
    return reason
  }
}

/// Waits for a condition, with a limit.
func eventually(
  within limit: Duration = .seconds(15), _ condition: @Sendable () async throws -> Bool
) async throws {
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if try await condition() { return }
    try await Task.sleep(for: .milliseconds(10))
  }
  throw NeverHappened()
}
