import BenchmarkSupport
import Foundation

/// The processes of one measurement: this executable again, as aggregator and as sites.
struct Group {
  let siteCount: Int
  let length: Int
  let rounds: Int
  var pause = 0.0
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
    let data = output.fileHandleForReading.readDataToEndOfFile()
    guard var outcome = try? JSONDecoder().decode(AggregatorProcess.Outcome.self, from: data) else {
      throw Problem("the rounds did not end: see above")
    }
    outcome.siteProcessorSeconds =
      siteOutputs.map { pipe in
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        return Double(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
      }.median
    return outcome
  }

  private func start(_ role: [String], _ folder: String, output: Pipe) throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments =
      role + [
        "--folder", folder, "--sites", "\(siteCount)", "--lengths", "\(length)", "--rounds",
        "\(rounds)", "--pause", "\(pause)",
      ]
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    try process.run()
    return process
  }
}
