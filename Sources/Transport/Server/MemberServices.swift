import Foundation
import GRPCCore
import Identity

/// Serves `ResearcherService`.
struct ResearcherServiceAdapter: Wardround_V1_ResearcherService.SimpleServiceProtocol {
  let handler: any AggregatorHandler

  func propose(
    request: Wardround_V1_ProposeRequest, context: ServerContext
  ) async throws -> Wardround_V1_ProposeResponse {
    guard request.document.utf8.count <= 1 << 20, request.name.utf8.count <= 256 else {
      throw TransportError(.bodyTooLarge, detail: "a study document has at most 1 MiB")
    }
    var answer = Wardround_V1_ProposeResponse()
    answer.study = try await handler.propose(
      Caller.principal(context), name: request.name, document: request.document)
    return answer
  }

  func list(
    request: Wardround_V1_ListStudiesRequest, context: ServerContext
  ) async throws -> Wardround_V1_ListStudiesResponse {
    var answer = Wardround_V1_ListStudiesResponse()
    answer.studies = try await handler.studies(Caller.principal(context)).map(\.protobuf)
    return answer
  }

  func watch(
    request: Wardround_V1_WatchRequest, response: RPCWriter<Wardround_V1_ProgressEvent>,
    context: ServerContext
  ) async throws {
    let caller = try Caller.principal(context)
    try await context.untilCancelled {
      try await handler.watch(caller, study: request.study) { event in
        try await response.write(event.protobuf)
      }
    }
  }

  func fetch(
    request: Wardround_V1_FetchRequest, response: RPCWriter<Wardround_V1_ArtefactChunk>,
    context: ServerContext
  ) async throws {
    let caller = try Caller.principal(context)
    try await context.untilCancelled {
      try await handler.fetch(caller, study: request.study, artefact: request.artefact) { piece in
        var chunk = Wardround_V1_ArtefactChunk()
        chunk.data = Data(piece)
        try await response.write(chunk)
      }
    }
  }
}

/// Serves `OperatorService`.
struct OperatorServiceAdapter: Wardround_V1_OperatorService.SimpleServiceProtocol {
  let handler: any AggregatorHandler
  let revoked: @Sendable (Principal) -> Void

  func invite(
    request: Wardround_V1_InviteRequest, context: ServerContext
  ) async throws -> Wardround_V1_InviteResponse {
    var answer = Wardround_V1_InviteResponse()
    answer.invitation = try await handler.invite(
      Caller.principal(context), name: request.name, role: Self.role(request.role))
    return answer
  }

  func revoke(
    request: Wardround_V1_RevokeRequest, context: ServerContext
  ) async throws -> Wardround_V1_RevokeResponse {
    let principal = try await handler.revoke(
      Caller.principal(context), name: request.name, role: Self.role(request.role))
    revoked(principal)
    return Wardround_V1_RevokeResponse()
  }

  func sites(
    request: Wardround_V1_SitesRequest, context: ServerContext
  ) async throws -> Wardround_V1_SitesResponse {
    var answer = Wardround_V1_SitesResponse()
    answer.sites = try await handler.sites(Caller.principal(context)).map(\.protobuf)
    return answer
  }

  func studies(
    request: Wardround_V1_ListStudiesRequest, context: ServerContext
  ) async throws -> Wardround_V1_ListStudiesResponse {
    var answer = Wardround_V1_ListStudiesResponse()
    answer.studies = try await handler.studies(Caller.principal(context)).map(\.protobuf)
    return answer
  }

  private static func role(_ text: String) throws(TransportError) -> Role {
    guard let role = Role(rawValue: text) else {
      throw TransportError(
        .refused, subject: String(text.prefix(32)),
        detail: "the roles are site, researcher and operator")
    }
    return role
  }
}

/// Serves `Enrolment`, on its own listener.
struct EnrolmentAdapter: Wardround_V1_Enrolment.SimpleServiceProtocol {
  let handler: any AggregatorHandler

  func join(
    request: Wardround_V1_JoinRequest, context: ServerContext
  ) async throws -> Wardround_V1_JoinResponse {
    do {
      let answer = try await handler.join(EnrolmentRequest(decoding: [UInt8](request.request)))
      var message = Wardround_V1_JoinResponse()
      message.chain = answer.chainDER.map { Data($0) }
      message.network = Data(answer.network)
      return message
    } catch { throw error.asRPCError }
  }
}

extension ServerContext {
  /// Runs an operation whose task is cancelled when the call is: gRPC itself does not do that.
  func untilCancelled(_ operation: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        try await operation()
        return true
      }
      group.addTask { [cancellation] in
        try await cancellation.cancelled
        return false
      }
      defer { group.cancelAll() }
      do {
        guard try await group.next() == true else { throw TransportError(.connectionLost) }
      } catch { throw error.asRPCError }
    }
  }
}
