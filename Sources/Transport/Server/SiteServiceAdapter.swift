import Foundation
import GRPCCore
import Identity

/// Serves `SiteService`: runs a `StreamConnection` over each stream.
struct SiteServiceAdapter: Wardround_V1_SiteService.SimpleServiceProtocol {
  let handler: any AggregatorHandler
  let registry: ConnectionRegistry
  let settings: ConnectionSettings
  let store: PayloadStore
  let software: String
  let check: PeerCheck

  func connect(
    request: RPCAsyncSequence<Wardround_V1_WireMessage, any Error>,
    response: RPCWriter<Wardround_V1_WireMessage>, context: ServerContext
  ) async throws {
    let executor = registry.channels.eventLoop(of: context.remotePeer).map { LoopExecutor($0) }
    do {
      try await withTaskExecutorPreference(executor) {
        try await serve(request, response, context)
      }
    } catch { throw error.asRPCError }
  }

  private func serve(
    _ request: RPCAsyncSequence<Wardround_V1_WireMessage, any Error>,
    _ response: RPCWriter<Wardround_V1_WireMessage>, _ context: ServerContext
  ) async throws {
    let connection = StreamConnection(
      peer: try Caller.principal(context), settings: settings, store: store)
    try registry.insertIfAbsent(connection)
    defer { registry.remove(connection) }
    // Once more, now that a revocation would find the connection: none can fall in between.
    do { _ = try await check.verify(Caller.chain(context)) } catch {
      throw TransportError(.certificateRefused, detail: Words.of(error))
    }
    await withRPCCancellationHandler {
      await connection.serve(
        .aggregator(software: software), LinkMessages(base: request),
        write: { try await response.write(messages: $0) },
        body: { [handler] in await handler.siteConnected($0) })
    } onCancelRPC: {
      connection.end(
        TransportError(.connectionLost, subject: connection.peer.description), inOrder: false,
        goodbye: nil)
    }
    let reason = connection.closeReason ?? TransportError(.closed)
    if reason.code == .peerSilent || reason.code == .peerStalled {
      registry.channels.cut(context.remotePeer)
    }
    if reason.code != .closed { throw reason }
  }

  func renew(
    request: Wardround_V1_RenewRequest, context: ServerContext
  ) async throws -> Wardround_V1_RenewResponse {
    do {
      let peer = try await check.verify(Caller.chain(context))
      var answer = Wardround_V1_RenewResponse()
      answer.chain = try await handler.renew(
        peer, requestDER: [UInt8](request.certificateSigningRequest)
      ).map { Data($0) }
      return answer
    } catch { throw error.asRPCError }
  }
}
