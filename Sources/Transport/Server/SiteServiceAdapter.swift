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
    do { try await serve(request, response, context) } catch { throw error.asRPCError }
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
      await run(connection, request, response)
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

  private enum Part { case reader, writer, watch, body }

  private func run(
    _ connection: StreamConnection,
    _ request: RPCAsyncSequence<Wardround_V1_WireMessage, any Error>,
    _ response: RPCWriter<Wardround_V1_WireMessage>
  ) async {
    let software = software
    await withTaskGroup(of: Part.self) { group in
      group.addTask {
        await connection.readLoop(LinkMessages(base: request)) {
          (version, _) throws(TransportError) in
          guard version == LinkMessage.version else {
            throw TransportError(
              .protocolVersion,
              detail: "the site speaks \(version), the aggregator \(LinkMessage.version)")
          }
          connection.control(.welcome(version: LinkMessage.version, software: software))
          connection.accept()
        }
        return .reader
      }
      group.addTask {
        await connection.writeLoop { try await response.write($0.protobuf) }
        return .writer
      }
      group.addTask {
        await connection.watch()
        return .watch
      }
      group.addTask { [handler] in
        if (try? await connection.accepted()) != nil { await handler.siteConnected(connection) }
        connection.close(TransportError(.closed))
        return .body
      }
      for await part in group where part == .writer || part == .watch { group.cancelAll() }
    }
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
