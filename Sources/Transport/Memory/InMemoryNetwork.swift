import Identity
import Synchronization

/// Sites and an aggregator in one process: the same connections, limits and errors as over the
/// network, without sockets and certificates. For tests and for simulating a study.
public final class InMemoryNetwork: Sendable {
  private struct State {
    var isStopped = false
    var revoked: Set<Principal> = []
  }

  private let aggregator: Principal
  private let settings: ConnectionSettings
  private let backoff: Backoff
  private let faults: FaultPlan
  private let onSite: @Sendable (any SiteConnection) async -> Void
  private let registry = ConnectionRegistry()
  private let state = Mutex(State())

  /// Makes a network.
  ///
  /// - Parameters:
  ///   - aggregator: who the sites see at the other end.
  ///   - faults: what goes wrong on the way; nothing by default.
  ///   - siteConnected: the aggregator's handler, as in `AggregatorHandler`.
  public init(
    aggregator: Principal, settings: ConnectionSettings = ConnectionSettings(),
    backoff: Backoff = Backoff(), faults: FaultPlan = .none,
    siteConnected: @escaping @Sendable (any SiteConnection) async -> Void
  ) {
    self.aggregator = aggregator
    self.settings = settings
    self.backoff = backoff
    self.faults = faults
    onSite = siteConnected
  }

  /// Keeps a site connected until the task is cancelled; as `SiteClient.run`.
  public func runSite(
    _ site: Principal, onEvent: @escaping @Sendable (SiteClient.Event) -> Void = { _ in },
    onConnected: @escaping @Sendable (any SiteConnection) async throws -> Void
  ) async {
    await Reconnection(backoff: backoff, onEvent: onEvent).run {
      await self.attempt(site) { connection in
        onEvent(.connected(connection.peer))
        try await onConnected(connection)
      }
    }
  }

  /// Ends a site's connection and lets it in no more.
  public func revoke(_ site: Principal) {
    state.withLock { _ = $0.revoked.insert(site) }
    registry.revoke(site)
  }

  /// Ends all connections and refuses new ones.
  public func stop() {
    state.withLock { $0.isStopped = true }
    registry.closeAll(TransportError(.shuttingDown))
  }

  /// Lets sites in again after `stop`, as an aggregator that has been restarted.
  public func restart() {
    registry.reopen()
    state.withLock { $0.isStopped = false }
  }

  /// The sites that are connected.
  public var connectedSites: [Principal] { registry.connectedSites }

  private func attempt(
    _ site: Principal, _ body: @escaping @Sendable (any SiteConnection) async throws -> Void
  ) async -> (reason: TransportError, wasConnected: Bool) {
    let refusal = state.withLock { state -> TransportError? in
      if state.isStopped { return TransportError(.notReachable) }
      return state.revoked.contains(site)
        ? TransportError(.certificateRefused, detail: "revoked") : nil
    }
    if let refusal { return (refusal, false) }
    let near = StreamConnection(peer: aggregator, settings: settings, store: .memory)
    let far = StreamConnection(peer: site, settings: settings, store: .memory)
    do { try registry.insertIfAbsent(far) } catch { return (error, false) }
    defer { registry.remove(far) }
    near.control(.hello(version: LinkMessage.version, software: "memory"))
    let wasConnected = Mutex(false)
    await withTaskCancellationHandler {
      await run(near, far, onAccepted: { wasConnected.withLock { $0 = true } }, body)
    } onCancel: {
      near.close()
    }
    return (near.closeReason ?? TransportError(.closed), wasConnected.withLock { $0 })
  }

  private func run(
    _ near: StreamConnection, _ far: StreamConnection, onAccepted: @escaping @Sendable () -> Void,
    _ body: @escaping @Sendable (any SiteConnection) async throws -> Void
  ) async {
    let up = LinkPipe()
    let down = LinkPipe()
    let faults = faults
    let onSite = onSite
    await withDiscardingTaskGroup { group in
      group.addTask {
        await near.serve(
          .site, down, write: { for message in $0 { await up.push(message) } },
          onAccepted: onAccepted,
          body: { try await body(faults.applied(to: $0, direction: .toAggregator, site: far.peer)) }
        )
        up.finish()
        down.finish()
      }
      group.addTask {
        await far.serve(
          .aggregator(software: "memory"), up,
          write: { for message in $0 { await down.push(message) } },
          body: { await onSite(faults.applied(to: $0, direction: .toSite, site: far.peer)) })
        up.finish()
        down.finish()
      }
    }
  }
}

/// One direction of an in-memory stream.
private struct LinkPipe: AsyncSequence, Sendable {
  typealias Element = LinkMessage
  let queue = BoundedQueue<LinkMessage>(maximumCount: 8, maximumBytes: .max) { _ in 1 }

  func push(_ message: LinkMessage) async { await queue.push(message) }
  func finish() { queue.finish(TransportError(.closed), inOrder: true) }

  struct Iterator: AsyncIteratorProtocol {
    let queue: BoundedQueue<LinkMessage>
    mutating func next() async throws -> LinkMessage? { try await queue.next() }
  }

  func makeAsyncIterator() -> Iterator { Iterator(queue: queue) }
}
