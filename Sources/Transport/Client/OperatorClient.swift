import Identity

/// An operator's calls.
public struct OperatorClient: Sendable {
  private let calls: MemberCalls

  /// Makes a client; nothing is connected.
  public init(aggregator: ServiceAddress, credentials: CredentialFiles, check: PeerCheck) {
    calls = MemberCalls(address: aggregator, credentials: credentials, check: check)
  }

  /// Makes an invitation and returns its text, which is a secret.
  public func invite(
    name: String, role: Role, deadline: Duration = .seconds(30)
  ) async throws -> String {
    try await calls.call(deadline) { client, options in
      var request = Wardround_V1_InviteRequest()
      request.name = name
      request.role = role.rawValue
      return try await Wardround_V1_OperatorService.Client(wrapping: client)
        .invite(request, options: options).invitation
    }
  }

  /// Ends a member's membership; its connections are cut at once.
  public func revoke(name: String, role: Role, deadline: Duration = .seconds(30)) async throws {
    try await calls.call(deadline) { client, options in
      var request = Wardround_V1_RevokeRequest()
      request.name = name
      request.role = role.rawValue
      _ = try await Wardround_V1_OperatorService.Client(wrapping: client)
        .revoke(request, options: options)
    }
  }

  /// All sites of the network.
  public func sites(deadline: Duration = .seconds(30)) async throws -> [SiteSummary] {
    try await calls.call(deadline) { client, options in
      try await Wardround_V1_OperatorService.Client(wrapping: client)
        .sites(Wardround_V1_SitesRequest(), options: options).sites.map { SiteSummary($0) }
    }
  }

  /// All studies of the network.
  public func studies(deadline: Duration = .seconds(30)) async throws -> [StudySummary] {
    try await calls.call(deadline) { client, options in
      try await Wardround_V1_OperatorService.Client(wrapping: client)
        .studies(Wardround_V1_ListStudiesRequest(), options: options).studies
        .map { StudySummary($0) }
    }
  }
}
