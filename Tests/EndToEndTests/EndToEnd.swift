import Testing

/// Tests over real processes; one network at a time.
@Suite(.serialized, .enabled(if: Program.path != nil, "`wardround` is not built"))
enum EndToEnd {
  /// The result of the study when nothing happens to it.
  static let undisturbed = Task {
    try await TestNetwork.running { network in
      try await network.startAll()
      _ = try await network.propose()
      return try await network.finishing()
    }
  }
}

extension EndToEnd {
  @Test static func undisturbedStudy() async throws {
    let finished = try await undisturbed.value
    #expect(finished.participants.allSatisfy { $0 == TestNetwork.sites })
  }
}
