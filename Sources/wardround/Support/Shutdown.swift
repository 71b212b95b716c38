import Dispatch
import Foundation

/// Runs a service until it ends or the process is asked to stop (SIGTERM, SIGINT): the work is
/// cancelled then, and given `grace` to put things in order before the process leaves anyway.
enum Shutdown {
  static func running(
    grace: Duration = .seconds(8), _ work: @escaping @Sendable () async throws -> Void
  ) async throws {
    let task = Task { try await work() }
    let sources = [SIGTERM, SIGINT].map { signal(on: $0, task: task, grace: grace) }
    defer { for source in sources { source.cancel() } }
    do { try await task.value } catch is CancellationError {}
  }

  private static func signal(
    on number: Int32, task: Task<Void, any Error>, grace: Duration
  ) -> any DispatchSourceSignal {
    Foundation.signal(number, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler {
      task.cancel()
      let seconds = Double(grace.components.seconds)
      DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { exit(0) }
    }
    source.resume()
    return source
  }
}
