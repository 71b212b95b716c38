import Identity

/// A researcher's calls.
public struct ResearcherClient: Sendable {
  private let calls: MemberCalls

  /// Makes a client; nothing is connected.
  public init(aggregator: ServiceAddress, credentials: CredentialFiles, check: PeerCheck) {
    calls = MemberCalls(address: aggregator, credentials: credentials, check: check)
  }

  /// Submits a study and returns its id.
  ///
  /// - Parameter document: the text of study.yaml, at most 1 MiB.
  public func propose(
    name: String, document: String, deadline: Duration = .seconds(30)
  ) async throws -> String {
    try await calls.call(deadline) { client, options in
      var request = Wardround_V1_ProposeRequest()
      request.name = name
      request.document = document
      return try await Wardround_V1_ResearcherService.Client(wrapping: client)
        .propose(request, options: options).study
    }
  }

  /// The studies of the network.
  public func studies(deadline: Duration = .seconds(30)) async throws -> [StudySummary] {
    try await calls.call(deadline) { client, options in
      try await Wardround_V1_ResearcherService.Client(wrapping: client)
        .list(Wardround_V1_ListStudiesRequest(), options: options).studies
        .map { StudySummary($0) }
    }
  }

  /// Follows a study from its first event until it ends.
  ///
  /// - Returns: the state it ended in; nil when the aggregator did not say.
  /// - Throws: `connectionLost` when the aggregator goes away: call again, the events begin anew.
  public func watch(
    study: String, event: @escaping @Sendable (ProgressEvent) async throws -> Void
  ) async throws -> String? {
    try await calls.call(nil) { client, options in
      var request = Wardround_V1_WatchRequest()
      request.study = study
      return try await Wardround_V1_ResearcherService.Client(wrapping: client)
        .watch(request, options: options) { response in
          var finalState: String?
          for try await message in response.messages {
            let progress = ProgressEvent(message)
            finalState = progress.finalState ?? finalState
            try await event(progress)
          }
          return finalState
        }
    }
  }

  /// Reads a file of a study, piece by piece.
  public func fetch(
    study: String, artefact: String, deadline: Duration = .seconds(600),
    piece: @escaping @Sendable ([UInt8]) async throws -> Void
  ) async throws {
    try await calls.call(deadline) { client, options in
      var request = Wardround_V1_FetchRequest()
      request.study = study
      request.artefact = artefact
      try await Wardround_V1_ResearcherService.Client(wrapping: client)
        .fetch(request, options: options) { response in
          for try await message in response.messages { try await piece([UInt8](message.data)) }
        }
    }
  }
}
