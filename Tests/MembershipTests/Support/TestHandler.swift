import Aggregator
import Foundation
import Identity
import Synchronization
import Transport

/// An aggregator with a membership and without studies: it keeps every site's connection open.
struct TestHandler: AggregatorHandler {
  let membership: Membership

  func siteConnected(_ connection: any SiteConnection) async {
    do { for try await frame in connection.frames { try await connection.send(frame) } } catch {}
  }

  func renew(_ caller: VerifiedPeer, requestDER: [UInt8]) async throws -> [[UInt8]] {
    try await membership.renew(caller, requestDER: requestDER)
  }

  func join(_ request: EnrolmentRequest) async throws -> EnrolmentAnswer {
    try await membership.join(request)
  }

  func propose(_ caller: Principal, name: String, document: String) async throws -> String {
    "\(caller.name)/\(name)"
  }

  func studies(_ caller: Principal) async throws -> [StudySummary] { [] }

  func watch(
    _ caller: Principal, study: String,
    event: @escaping @Sendable (ProgressEvent) async throws -> Void
  ) async throws {}

  func fetch(
    _ caller: Principal, study: String, artefact: String,
    piece: @escaping @Sendable ([UInt8]) async throws -> Void
  ) async throws {}

  func invite(_ caller: Principal, name: String, role: Role) async throws -> String {
    try await membership.invite(name, as: role, by: caller).revealedText()
  }

  func revoke(_ caller: Principal, name: String, role: Role) async throws -> Principal {
    try await membership.revoke(name, role: role, by: caller).principal
  }

  func sites(_ caller: Principal) async throws -> [SiteSummary] {
    try await membership.sites(connected: [])
  }
}

/// Something that tests wait for, with a limit: a test that would hang fails instead.
final class Record<Value: Sendable>: Sendable {
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
