import GRPCCore
import Synchronization

/// One attempt at a site's stream, from the call to its end.
final class SiteCall: Sendable {
  private struct State {
    var connection: StreamConnection?
    var wasConnected = false
    var isCancelled = false
  }

  private let link: ClientLink
  private let configuration: SiteClient.Configuration
  private let state = Mutex(State())

  init(link: ClientLink, configuration: SiteClient.Configuration) {
    self.link = link
    self.configuration = configuration
  }

  /// Whether the aggregator had accepted the stream.
  var wasConnected: Bool { state.withLock { $0.wasConnected } }

  /// Closes in order what there is.
  func cancel() {
    let connection = state.withLock { state in
      state.isCancelled = true
      return state.connection
    }
    connection?.close(TransportError(.closed))
  }

  /// Runs the call to its end and says why it ended.
  func run(
    _ body: @escaping @Sendable (any SiteConnection) async throws -> Void
  ) async -> TransportError {
    await withTaskGroup(of: TransportError?.self) { group in
      group.addTask { await self.call(body) }
      group.addTask { [configuration] in
        do { try await Task.sleep(for: configuration.connection.connectDeadline) } catch {
          return nil
        }
        guard !self.wasConnected else { return nil }
        return self.link.explain(
          RPCError(code: .deadlineExceeded, message: "no answer to the greeting"))
      }
      var reason: TransportError?
      for await result in group {
        guard let result else { continue }
        reason = result
        group.cancelAll()
        self.link.shutDown()
        break
      }
      return reason ?? TransportError(.closed)
    }
  }

  /// The connection, made at the first use: before that the peer is not known.
  private func connection() throws -> StreamConnection {
    try state.withLock { state in
      if let connection = state.connection { return connection }
      guard let peer = link.diary.peer, !state.isCancelled else {
        throw TransportError(.connectionLost)
      }
      let connection = StreamConnection(
        peer: peer, settings: configuration.connection, store: .memory)
      connection.control(
        .hello(version: LinkMessage.version, software: configuration.software))
      state.connection = connection
      return connection
    }
  }

  private func call(
    _ body: @escaping @Sendable (any SiteConnection) async throws -> Void
  ) async -> TransportError {
    await withTaskExecutorPreference(link.executor) { await callOnLoop(body) }
  }

  private func callOnLoop(
    _ body: @escaping @Sendable (any SiteConnection) async throws -> Void
  ) async -> TransportError {
    var failure: TransportError?
    do {
      try await Wardround_V1_SiteService.Client(wrapping: link.client).connect(
        options: ClientLink.options(nil)
      ) { writer in
        await (try self.connection()).writeLoop {
          try await writer.write(messages: $0)
        }
      } onResponse: { response in
        let connection = try self.connection()
        if case .failure(let error) = response.accepted {
          connection.end(self.link.explain(error), inOrder: false, goodbye: nil)
          throw error
        }
        await connection.serve(
          .site, LinkMessages(base: response.messages), write: nil,
          onAccepted: { self.state.withLock { $0.wasConnected = true } }, body: body)
        // The last words have left or had their time. gRPC would go on waiting for a write that a
        // frozen server does not take.
        self.link.shutDown()
      }
    } catch {
      failure = link.explain(error)
    }
    let connection = state.withLock { $0.connection }
    let ended = connection?.closeReason
    if let ended, wasConnected || failure == nil || ended.code != .connectionLost { return ended }
    return failure ?? ended ?? TransportError(.connectionLost)
  }
}
