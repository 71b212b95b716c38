import GRPCCore
import Identity

/// Lets a call through when its caller's certificate is (still) good and its role may call the
/// method. A method that is not in the table is refused.
struct AccessInterceptor: ServerInterceptor {
  let check: PeerCheck
  let registry: ConnectionRegistry

  /// Which roles may call a service.
  static let roles: [String: Set<Role>] = [
    Wardround_V1_SiteService.descriptor.fullyQualifiedService: [.site],
    Wardround_V1_ResearcherService.descriptor.fullyQualifiedService: [.researcher],
    Wardround_V1_OperatorService.descriptor.fullyQualifiedService: [.operator],
  ]

  func intercept<Input: Sendable, Output: Sendable>(
    request: StreamingServerRequest<Input>, context: ServerContext,
    next:
      @Sendable (StreamingServerRequest<Input>, ServerContext) async throws ->
      StreamingServerResponse<Output>
  ) async throws -> StreamingServerResponse<Output> {
    let principal: Principal
    do {
      principal = try await check.verify(Caller.chain(context)).principal
    } catch {
      throw TransportError(.certificateRefused, detail: Words.of(error)).rpcError
    }
    let service = context.descriptor.service.fullyQualifiedService
    guard Self.roles[service]?.contains(principal.role) == true else {
      throw TransportError(
        .permissionDenied, subject: principal.description, detail: context.descriptor.method
      ).rpcError
    }
    registry.note(principal, at: context.remotePeer)
    do { return try await next(request, context) } catch { throw error.asRPCError }
  }
}
