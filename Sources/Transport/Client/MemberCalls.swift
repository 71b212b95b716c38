import GRPCCore

/// Calls of a member, each over a connection of its own with a deadline.
struct MemberCalls: Sendable {
  var address: ServiceAddress
  var credentials: CredentialFiles?
  var check: PeerCheck
  var settings = ConnectionSettings()

  /// Makes a call and explains its failure.
  ///
  /// - Parameter deadline: nil for a stream that may last.
  func call<Answer: Sendable>(
    _ deadline: Duration?,
    _ body:
      @escaping @Sendable (GRPCClient<ClientLink.Transport>, CallOptions) async throws ->
      Answer
  ) async throws -> Answer {
    let link = try ClientLink(
      to: address, credentials: credentials, check: check, settings: settings)
    defer { link.shutDown() }
    do {
      return try await withTaskCancellationHandler {
        try await body(link.client, ClientLink.options(deadline))
      } onCancel: {
        link.shutDown()
      }
    } catch {
      if Task.isCancelled { throw CancellationError() }
      throw link.explain(error)
    }
  }
}
