import ArgumentParser
import Dispatch
import Foundation

/// What a service takes from a program that starts it.
struct ServiceOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Stop when standard input ends: for a program that starts this one and must not leave it behind.",
      discussion: "A byte on standard input lets the service go on for good."))
  var untilInputEnds = false
}

/// Runs a service until it ends or is asked to stop (SIGTERM, SIGINT, and the end of standard input where
/// that is asked for): the work is cancelled then, and given `grace` to put things in order before the
/// process leaves anyway.
enum Shutdown {
  static func running(
    grace: Duration = .seconds(8), _ options: ServiceOptions,
    _ work: @escaping @Sendable () async throws -> Void
  ) async throws {
    let task = Task { try await work() }
    let stop: @Sendable () -> Void = {
      task.cancel()
      let seconds = Double(grace.components.seconds)
      DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { exit(0) }
    }
    let sources = [SIGTERM, SIGINT].map { source(of: $0, stop) }
    defer { for source in sources { source.cancel() } }
    if options.untilInputEnds {
      Thread.detachNewThread { if inputEnds() { stop() } }
    }
    do { try await task.value } catch is CancellationError {}
  }

  /// Calls `stop` on a signal, which no longer ends the process by itself.
  static func source(
    of number: Int32, _ stop: @escaping @Sendable () -> Void
  ) -> any DispatchSourceSignal {
    Foundation.signal(number, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler(handler: stop)
    source.resume()
    return source
  }

  /// Waits for standard input: whether it ended, and not a byte came.
  private static func inputEnds() -> Bool {
    var byte: UInt8 = 0
    while true {
      let count = read(STDIN_FILENO, &byte, 1)
      if count < 0, errno == EINTR { continue }
      return count <= 0
    }
  }
}
