import BenchmarkSupport
import Dispatch
import Foundation
import Synchronization

/// The processes of one measurement: this executable again, as aggregator and as sites.
struct Group {
  let siteCount: Int
  let length: Int
  let rounds: Int
  var pause = 0.0
  /// Sums in clear instead of secure ones.
  var isPlain = false
  var environment = ProcessInfo.processInfo.environment

  func run() async throws -> AggregatorProcess.Outcome {
    let folder =
      FileManager.default.temporaryDirectory.path + "/wardround-round-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let network = Network(folder: folder, siteCount: siteCount, length: length)
    try await network.create()
    var processes: [Process] = []
    defer {
      for process in processes where process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }
    let output = Pipe()
    processes.append(try start(["--part", "aggregator"], folder, output: output))
    let end = Date(timeIntervalSinceNow: 60)
    while !FileManager.default.fileExists(atPath: network.portFile) {
      guard processes[0].isRunning, Date() < end else {
        throw Problem("the aggregator did not start")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
    var siteOutputs: [Pipe] = []
    for name in network.siteNames {
      let pipe = Pipe()
      siteOutputs.append(pipe)
      processes.append(try start(["--part", "site", "--name", name], folder, output: pipe))
    }
    let watchdog = Watchdog(processes.map(\.processIdentifier), limitSeconds: limitSeconds)
    defer { watchdog.stop() }
    let data = output.fileHandleForReading.readDataToEndOfFile()
    guard var outcome = try? JSONDecoder().decode(AggregatorProcess.Outcome.self, from: data) else {
      throw problem(watchdog)
    }
    outcome.siteProcessorSeconds =
      siteOutputs.map { pipe in
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return Double(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
      }.median
    if watchdog.hasFired { throw problem(watchdog) }
    return outcome
  }

  /// What a measurement may take in all before its processes are killed: the deadlines of the rounds
  /// are far shorter, so more than this means that one of them did not fire.
  private var limitSeconds: Double { 120 + Double(rounds) * (pause + Double(length) * 5e-6 + 0.5) }

  private func problem(_ watchdog: Watchdog) -> Problem {
    watchdog.hasFired
      ? Problem("the rounds did not end within \(Int(limitSeconds)) s; their processes were killed")
      : Problem("the rounds did not end: see above")
  }

  private func start(_ role: [String], _ folder: String, output: Pipe) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments =
      role + [
        "--folder", folder, "--sites", "\(siteCount)", "--lengths", "\(length)", "--rounds",
        "\(rounds)", "--pause", "\(pause)",
      ] + (isPlain ? ["--plain"] : [])
    process.environment = environment
    // Its end tells the process that this one is gone.
    process.standardInput = Pipe()
    process.standardOutput = output
    try process.run()
    return process
  }
}

/// Kills processes that take too long, so that a benchmark never hangs.
private final class Watchdog: Sendable {
  private enum State { case waiting, stopped, fired }
  private let state = Mutex(State.waiting)

  init(_ processes: [Int32], limitSeconds: Double) {
    DispatchQueue.global().asyncAfter(deadline: .now() + limitSeconds) { [self] in
      let fires = state.withLock { state in
        guard state == .waiting else { return false }
        state = .fired
        return true
      }
      guard fires else { return }
      for process in processes { kill(process, SIGKILL) }
    }
  }

  var hasFired: Bool { state.withLock { $0 == .fired } }

  func stop() {
    state.withLock { if $0 == .waiting { $0 = .stopped } }
  }
}
