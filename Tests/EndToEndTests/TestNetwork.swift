import Foundation
import Site
import Study
import Synchronization
import Transport

/// A network of real processes over loopback TLS: one aggregator, its hospitals and a researcher, in
/// a folder of its own. Every wait has a deadline, and nothing outlives `running`.
final class TestNetwork: Sendable {
  /// The hospitals, in roster order.
  static let sites = ["alder", "birch", "cedar", "dogwood"]

  let folder: String
  let ports: (service: Int, enrolment: Int)
  private let services = Mutex<[String: Service]>([:])

  init(folder: String, ports: (service: Int, enrolment: Int)) {
    self.folder = folder
    self.ports = ports
  }

  var aggregator: String { "\(folder)/aggregator" }
  var researcher: String { "\(folder)/researcher" }
  func site(_ name: String) -> String { "\(folder)/\(name)" }
  func logFile(_ name: String) -> String { "\(folder)/\(name).log" }

  /// What a service has written so far, over all its starts.
  func log(_ name: String) -> String {
    (try? String(contentsOfFile: logFile(name), encoding: .utf8)) ?? ""
  }

  /// A copy of the joined network, for the duration of a body; all processes end with it.
  static func running<Value: Sendable>(
    _ body: @Sendable (TestNetwork) async throws -> Value
  ) async throws -> Value {
    let template = try await JoinedNetwork.shared.value
    let folder = NSTemporaryDirectory() + "wardround-e2e-\(UUID().uuidString.prefix(8))"
    try FileManager.default.copyItem(atPath: template.folder, toPath: folder)
    return try await TestNetwork(folder: folder, ports: template.ports).whole(body)
  }

  /// Runs a body, ends all processes and removes the folder, unless an error makes it worth a look.
  func whole<Value: Sendable>(
    _ body: @Sendable (TestNetwork) async throws -> Value
  ) async throws -> Value {
    defer { stopAll() }
    let value = try await body(self)
    stopAll()
    try? FileManager.default.removeItem(atPath: folder)
    return value
  }

  // MARK: - Services

  /// Starts the aggregator and waits until it listens.
  func startAggregator() async throws {
    try start("aggregator", ["aggregator", "run", "--directory", aggregator])
    try await wait("the aggregator's ports", within: 20) {
      Port.isOpen(ports.service) && Port.isOpen(ports.enrolment)
    }
  }

  /// Starts a hospital's agent.
  ///
  /// - Parameter fault: what `WARDROUND_TEST_FAULT` says, see `TestFaults`.
  func startSite(_ name: String, fault: String? = nil, directory: String? = nil) throws {
    try start(
      name, ["site", "run", "--directory", directory ?? site(name)],
      environment: fault.map { ["WARDROUND_TEST_FAULT": $0] } ?? [:])
  }

  /// Starts the aggregator and every hospital, one of them faulty.
  func startAll(faults: [String: String] = [:]) async throws {
    try await startAggregator()
    for name in Self.sites { try startSite(name, fault: faults[name]) }
  }

  func start(
    _ name: String, _ arguments: [String], environment: [String: String] = [:]
  ) throws {
    let service = try Service(arguments, log: logFile(name), environment: environment)
    let earlier = services.withLock { $0.updateValue(service, forKey: name) }
    earlier?.kill()
  }

  func service(_ name: String) throws -> Service {
    guard let service = services.withLock({ $0[name] }) else {
      throw Failure("there is no process of \(name)")
    }
    return service
  }

  func isRunning(_ name: String) -> Bool {
    services.withLock { $0[name]?.isRunning ?? false }
  }

  /// `kill -9`, and waits until the process is gone.
  func kill(_ name: String) async throws {
    try service(name).signal(SIGKILL)
    try await waitForEnd(of: name)
  }

  /// Waits until a process has ended by itself.
  func waitForEnd(of name: String, within seconds: Double = 20) async throws {
    try await wait("the end of \(name)'s process", within: seconds) { !isRunning(name) }
  }

  func stopAll() {
    let all = services.withLock { services in
      defer { services = [:] }
      return Array(services.values)
    }
    for service in all { service.kill() }
  }

  // MARK: - Waiting

  /// Waits until a condition holds; throws with the logs when it does not in time.
  func wait(
    _ what: String, within seconds: Double, until isMet: () async throws -> Bool
  ) async throws {
    let end = ContinuousClock.now + .seconds(seconds)
    while try await !isMet() {
      guard ContinuousClock.now < end else {
        throw Failure("waited \(seconds) s for \(what)\n\(logs)")
      }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  /// Waits until a service's log holds a text.
  func waitForLog(_ name: String, _ text: String, within seconds: Double = 20) async throws {
    try await wait("`\(text)` in the log of \(name)", within: seconds) {
      log(name).contains(text)
    }
  }

  /// The ends of all logs, for a failure's message.
  var logs: String {
    (["aggregator"] + Self.sites).map { name in
      let lines = log(name).split(separator: "\n").suffix(12)
      return "--- \(name)\n" + lines.joined(separator: "\n")
    }.joined(separator: "\n")
  }

  // MARK: - The study

  /// Proposes the test's study; the hospitals' policies approve it.
  func propose(_ text: String = TestStudy.text) async throws -> String {
    try await MemberDirectory(researcher).researcherClient().propose(name: "test", document: text)
  }

  /// How a study ended.
  struct Ending: Sendable {
    var state: String
    var message: String
    /// Stage and text of every event.
    var events: [(stage: String, text: String)]
  }

  /// Follows a study to its end, over restarts of the aggregator.
  func ending(of study: String = TestStudy.id, within seconds: Double = 60) async throws -> Ending {
    let client = try MemberDirectory(researcher).researcherClient()
    let limit = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < limit {
      let seen = Events()
      let watching = Task {
        defer { seen.lose() }
        _ = try await client.watch(study: study) { event in
          seen.add(event.stage, event.message, isLast: event.finalState != nil)
        }
      }
      while ContinuousClock.now < limit, !seen.isOver {
        try await Task.sleep(for: .milliseconds(20))
      }
      watching.cancel()
      if let ending = seen.ending { return ending }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw Failure("study \(study) did not end within \(seconds) s\n\(logs)")
  }

  /// Waits until the study has got as far as an event of this stage.
  func waitForStage(_ stage: String, within seconds: Double = 30) async throws {
    let client = try MemberDirectory(researcher).researcherClient()
    let seen = Events()
    let watching = Task {
      _ = try await client.watch(study: TestStudy.id) { event in
        seen.add(event.stage, event.message, isLast: event.finalState != nil)
      }
    }
    defer { watching.cancel() }
    try await wait("stage \(stage)", within: seconds) { seen.has(stage) }
  }

  /// What a finished study left: fetched, replayed by the command, and read.
  func finished() async throws -> Finished {
    let target = "\(folder)/fetched"
    let fetched = try await Command.run([
      "study", "fetch", TestStudy.id, "--directory", researcher, "--to", target,
    ])
    guard fetched.status == 0 else { throw Failure("fetch: \(fetched.error)\n\(logs)") }
    let replayed = try await Command.run([
      "study", "replay", "\(target)/study.transcript", "--json",
    ])
    guard let replay = try? JSONDecoder().decode(Replay.self, from: Data(replayed.output.utf8))
    else { throw Failure("replay: \(replayed.output)\(replayed.error)") }
    let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(target)/study.transcript"))
    return Finished(
      folder: target, replay: replay, replayStatus: replayed.status,
      transcript: try Transcript(fileBytes: Array(bytes)))
  }

  /// What `wardround study replay --json` prints.
  struct Replay: Decodable, Sendable {
    var study: String
    var identical: Bool
    var recordedResult: String?
    var recomputedResult: String
    var entryCount: Int
  }

  struct Finished: Sendable {
    var folder: String
    var replay: Replay
    var replayStatus: Int32
    var transcript: Transcript
    /// What happened to hospitals on the way, as the researcher was told.
    var warnings: [String] = []

    /// The sites whose answers are in each total, one set per sum query.
    var participants: [[String]] {
      transcript.entries.compactMap { entry in
        guard case .total(let total) = entry.content else { return nil }
        return total.participants
      }
    }
    var digest: String { replay.recomputedResult }
  }

  /// Runs the study that was proposed to its end, checks that it finished and that its transcript
  /// replays bit for bit.
  func finishing(within seconds: Double = 60) async throws -> Finished {
    let ending = try await ending(within: seconds)
    guard ending.state == "finished" else {
      throw Failure("the study \(ending.state): \(ending.message)\n\(logs)")
    }
    var finished = try await finished()
    finished.warnings = ending.events.filter { $0.stage == "warning" }.map(\.text)
    guard finished.replayStatus == 0, finished.replay.identical else {
      throw Failure("the transcript does not replay to the same result\n\(logs)")
    }
    return finished
  }
}

/// What went wrong in a test's network, with the logs.
struct Failure: Error, CustomStringConvertible {
  var description: String

  init(_ description: String) { self.description = description }
}

/// A study's events as they arrive.
private final class Events: Sendable {
  private struct State {
    var events: [(stage: String, text: String)] = []
    var last: (stage: String, text: String)?
    var isLost = false
  }

  private let state = Mutex(State())

  func add(_ stage: String, _ text: String, isLast: Bool) {
    state.withLock { state in
      state.events.append((stage, text))
      if isLast { state.last = (stage, text) }
    }
  }

  var isOver: Bool { state.withLock { $0.last != nil || $0.isLost } }
  func has(_ stage: String) -> Bool { state.withLock { $0.events.contains { $0.stage == stage } } }

  var ending: TestNetwork.Ending? {
    state.withLock { state in
      state.last.map { .init(state: $0.stage, message: $0.text, events: state.events) }
    }
  }

  func lose() { state.withLock { $0.isLost = true } }
}
