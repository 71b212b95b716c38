import Foundation
import Synchronization

/// The processes of a demo: started from this same executable, with their output in log files, and
/// ended with the demo however it ends: each reads from a pipe that this process alone holds open, and
/// stops when it closes, also after SIGKILL.
final class DemoProcesses: Sendable {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private struct Service {
    var process: Process
    /// The write end of its standard input.
    var lifeline: Pipe
  }

  private let running = Mutex<[String: Service]>([:])

  private static var executable: URL {
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
  }

  /// Starts a service whose output goes to a log file.
  func start(_ name: String, _ arguments: [String], log: String) throws {
    guard FileManager.default.createFile(atPath: log, contents: nil),
      let handle = FileHandle(forWritingAtPath: log)
    else {
      throw Failure(description: "`\(log)` cannot be written")
    }
    let process = Process()
    process.executableURL = Self.executable
    process.arguments = arguments + ["--until-input-ends"]
    let lifeline = Pipe()
    process.standardInput = lifeline
    process.standardOutput = handle
    process.standardError = handle
    try process.run()
    running.withLock { $0[name] = Service(process: process, lifeline: lifeline) }
  }

  /// Ends all services and this process on SIGTERM and SIGINT, as long as the sources are kept.
  func stopOnSignals() -> [any DispatchSourceSignal] {
    [SIGTERM, SIGINT].map { number in
      Shutdown.source(of: number) {
        FileHandle.standardError.write(Data("\nstopping the processes of the demo\n".utf8))
        self.stop()
        exit(128 + number)
      }
    }
  }

  /// Lets the services go on without this process.
  func release() {
    // A service that has ended meanwhile reads nothing.
    signal(SIGPIPE, SIG_IGN)
    let services = running.withLock { running in
      defer { running = [:] }
      return Array(running.values)
    }
    for service in services {
      try? service.lifeline.fileHandleForWriting.write(contentsOf: Data([1]))
    }
  }

  /// Runs a command to its end and returns its standard output; throws its error text.
  static func command(
    _ arguments: [String], within limit: Duration = .seconds(60)
  ) async throws -> String {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    let output = Pipe()
    let errors = Pipe()
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let deadline = Task {
      try await Task.sleep(for: limit)
      // Not SIGTERM: a command inherits that this process looks after that one itself.
      kill(process.processIdentifier, SIGKILL)
    }
    defer { deadline.cancel() }
    async let text = reading(output)
    async let problem = reading(errors)
    let (out, problems) = await (text, problem)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(
        description: "wardround \(arguments.prefix(2).joined(separator: " ")): "
          + problems.trimmingCharacters(in: .whitespacesAndNewlines))
    }
    return out
  }

  private static func reading(_ pipe: Pipe) async -> String {
    await withCheckedContinuation { continuation in
      DispatchQueue.global().async {
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        continuation.resume(returning: String(decoding: data, as: UTF8.self))
      }
    }
  }

  /// Throws when a service has ended by itself, with the end of its log.
  func checkAlive() throws {
    let ended = running.withLock { $0.filter { !$0.value.process.isRunning }.map(\.key).sorted() }
    if let name = ended.first {
      throw Failure(description: "the process of \(name) ended; see its log")
    }
  }

  /// Ends all services: politely, then after three seconds for good.
  func stop() {
    let processes = running.withLock { running in
      defer { running = [:] }
      return running.values.map(\.process)
    }
    for process in processes where process.isRunning { process.terminate() }
    let end = Date().addingTimeInterval(3)
    while Date() < end, processes.contains(where: \.isRunning) {
      Thread.sleep(forTimeInterval: 0.02)
    }
    for process in processes where process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }
}
