/// Tries again and again, with growing delays, until the task is cancelled.
struct Reconnection: Sendable {
  var backoff: Backoff
  var onEvent: @Sendable (SiteClient.Event) -> Void

  /// - Parameter attempt: one connection, from making it to its end.
  func run(
    _ attempt: @Sendable () async -> (reason: TransportError, wasConnected: Bool)
  ) async {
    var failures = 0
    while !Task.isCancelled {
      let outcome = await attempt()
      if Task.isCancelled { return }
      failures = outcome.wasConnected ? 0 : failures + 1
      let delay = backoff.delay(afterFailures: failures, random: Double.random(in: 0..<1))
      onEvent(.disconnected(reason: outcome.reason, retryIn: delay))
      do { try await Task.sleep(for: delay) } catch { return }
    }
  }
}
