import Foundation
import Synchronization

/// The built program, beside the test bundle.
enum Program {
  static let path: String? = {
    let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path
    let path = folder + "/wardround"
    return FileManager.default.isExecutableFile(atPath: path) ? path : nil
  }()

  static func url() throws -> URL {
    guard let path else { throw Failure("`wardround` is not built") }
    return URL(fileURLWithPath: path)
  }
}

/// A long-running process whose output goes to the end of a log file.
final class Service: Sendable {
  private let process: Mutex<Process>
  let identifier: Int32

  init(_ arguments: [String], log: String, environment: [String: String]) throws {
    if !FileManager.default.fileExists(atPath: log) {
      _ = FileManager.default.createFile(atPath: log, contents: nil)
    }
    guard let handle = FileHandle(forWritingAtPath: log) else {
      throw Failure("`\(log)` cannot be written")
    }
    try handle.seekToEnd()
    let process = Process()
    process.executableURL = try Program.url()
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = handle
    process.standardError = handle
    try process.run()
    identifier = process.processIdentifier
    self.process = Mutex(process)
  }

  var isRunning: Bool { process.withLock { $0.isRunning } }

  /// The exit code, or the number of the signal that ended it.
  var status: Int32 { process.withLock { $0.terminationStatus } }

  func signal(_ number: Int32) { _ = Foundation.kill(identifier, number) }

  /// Whether the process has been stopped by SIGSTOP.
  var isFrozen: Bool {
    let text = (try? String(contentsOfFile: "/proc/\(identifier)/stat", encoding: .utf8)) ?? ""
    return text.split(separator: ")").last?.split(separator: " ").first == "T"
  }

  /// Ends the process for good, frozen or not.
  func kill() {
    guard isRunning else { return }
    signal(SIGKILL)
    let end = Date().addingTimeInterval(5)
    while isRunning, Date() < end { Thread.sleep(forTimeInterval: 0.005) }
  }
}

/// A command that is run to its end.
enum Command {
  struct Outcome: Sendable {
    var status: Int32
    var output: String
    var error: String
  }

  static func run(
    _ arguments: [String], within seconds: Double = 60, directory: String? = nil
  ) async throws -> Outcome {
    try await run(try Program.url(), arguments, within: seconds, directory: directory)
  }

  static func run(
    _ program: URL, _ arguments: [String], within seconds: Double = 60, directory: String? = nil
  ) async throws -> Outcome {
    // A thread of its own may block.
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async {
        continuation.resume(
          with: Result { try runBlocking(program, arguments, within: seconds, directory) })
      }
    }
  }

  private static func runBlocking(
    _ program: URL, _ arguments: [String], within seconds: Double, _ directory: String?
  ) throws -> Outcome {
    let files = NSTemporaryDirectory() + "wardround-command-\(UUID().uuidString)"
    defer {
      try? FileManager.default.removeItem(atPath: files + ".out")
      try? FileManager.default.removeItem(atPath: files + ".err")
    }
    for ending in [".out", ".err"] {
      _ = FileManager.default.createFile(atPath: files + ending, contents: nil)
    }
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    if let directory { process.currentDirectoryURL = URL(fileURLWithPath: directory) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle(forWritingAtPath: files + ".out")
    process.standardError = FileHandle(forWritingAtPath: files + ".err")
    try process.run()
    let end = Date().addingTimeInterval(seconds)
    while process.isRunning, Date() < end { Thread.sleep(forTimeInterval: 0.005) }
    if process.isRunning {
      kill(process.processIdentifier, SIGKILL)
      throw Failure("`\(arguments.prefix(2).joined(separator: " "))` took more than \(seconds) s")
    }
    func text(_ ending: String) -> String {
      String(
        decoding: FileManager.default.contents(atPath: files + ending) ?? Data(), as: UTF8.self)
    }
    return Outcome(
      status: process.terminationStatus, output: text(".out"), error: text(".err"))
  }
}

/// Ports of the loopback interface.
enum Port {
  /// Two ports that nobody listened on a moment ago.
  static func pair() throws -> (service: Int, enrolment: Int) {
    let sockets = [bound(to: 0), bound(to: 0)]
    defer { for entry in sockets { close(entry.descriptor) } }
    guard sockets.allSatisfy({ $0.port > 0 }) else { throw Failure("no free port") }
    return (sockets[0].port, sockets[1].port)
  }

  private static func address(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    address.sin_port = UInt16(port).bigEndian
    return address
  }

  private static func bound(to port: Int) -> (descriptor: Int32, port: Int) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = address(port)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    return (descriptor, isBound ? Int(UInt16(bigEndian: address.sin_port)) : 0)
  }

  static func isOpen(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = address(port)
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
