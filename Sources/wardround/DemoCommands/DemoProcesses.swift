import Foundation
import Synchronization

/// The processes of a demo: started from this same executable, with their output in log files, and
/// ended with the demo however it ends.
final class DemoProcesses: Sendable {
  struct Failure: Error, CustomStringConvertible {
    var description: String
  }

  private let running = Mutex<[String: Process]>([:])

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
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = handle
    process.standardError = handle
    try process.run()
    running.withLock { $0[name] = process }
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
      process.terminate()
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
    let ended = running.withLock { $0.filter { !$0.value.isRunning }.map(\.key).sorted() }
    if let name = ended.first {
      throw Failure(description: "the process of \(name) ended; see its log")
    }
  }

  /// Ends all services: politely, then after three seconds for good.
  func stop() {
    let processes = running.withLock { running in
      defer { running = [:] }
      return Array(running.values)
    }
    for process in processes where process.isRunning { process.terminate() }
    let end = Date().addingTimeInterval(3)
    while Date() < end, processes.contains(where: \.isRunning) {
      Thread.sleep(forTimeInterval: 0.02)
    }
    for process in processes where process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }
}
