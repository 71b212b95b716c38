import Foundation
import Site
import SiteData
import Synchronization
import Testing
import Transport

extension EndToEnd {
  /// Who may be a hospital, while a study runs.
  @Suite struct Identities {
    /// A second agent is refused, on the same folder and with a copy of it; the first goes on.
    @Test func secondAgent() async throws {
      let undisturbed = try await EndToEnd.undisturbed.value
      try await TestNetwork.running { network in
        let copy = "\(network.folder)/copy"
        try FileManager.default.copyItem(atPath: network.site("cedar"), toPath: copy)
        try await network.startAll(faults: ["birch": "slow@19#8"])
        _ = try await network.propose()
        try await network.waitForStage("prepare")
        let second = try await Command.run([
          "site", "run", "--directory", network.site("cedar"),
        ])
        #expect(second.status == 1)
        #expect(second.error.contains("another process of this role"), "\(second.error)")
        try network.start("second", ["site", "run", "--directory", copy])
        try await network.waitForLog("second", "not connected")
        #expect(
          network.log("second").contains("another agent is connected with the same identity"),
          "\(network.log("second"))")
        let finished = try await network.finishing()
        #expect(finished.digest == undisturbed.digest)
        #expect(finished.participants == undisturbed.participants)
      }
    }

    /// Revoked in the middle of a study: cut off at once, and the others finish.
    @Test func revoked() async throws {
      try await TestNetwork.running { network in
        try await network.startAll(faults: ["birch": "slow@19#10"])
        _ = try await network.propose(TestStudy.yaml(returnSeconds: 1))
        try await network.waitForStage("prepare")
        try await JoinedNetwork.checked([
          "aggregator", "revoke", "cedar", "--directory", network.aggregator,
        ])
        try await network.waitForLog("cedar", "revoked")
        let finished = try await network.finishing()
        #expect(finished.participants.first == TestNetwork.sites)
        #expect(finished.participants.last == ["alder", "birch", "dogwood"])
      }
    }

    /// An expired certificate is refused and named as expired; the study of the others goes on.
    @Test func expired() async throws {
      try await TestNetwork.running { network in
        let settings = "\(network.aggregator)/aggregator.yaml"
        let text = try String(contentsOfFile: settings, encoding: .utf8)
        let short = text.replacing(/certificate_days: .*/, with: "certificate_days: 0.00006")
        #expect(short != text)
        try Data(short.utf8).write(to: URL(fileURLWithPath: settings))
        try await network.startAggregator()
        _ = try await network.propose()
        try await JoinedNetwork.join("elder", number: 9, network)
        try await network.kill("aggregator")
        try Data(text.utf8).write(to: URL(fileURLWithPath: settings))
        try await Task.sleep(for: .seconds(6))
        try await network.startAll()
        try network.startSite("elder")
        try await network.waitForLog("elder", "expired")
        let finished = try await network.finishing()
        #expect(finished.participants.allSatisfy { $0 == TestNetwork.sites })
      }
    }

    /// A certificate of another network is refused, whatever name it bears.
    @Test func foreign() async throws {
      let other = try await JoinedNetwork.make()
      defer { try? FileManager.default.removeItem(atPath: other.folder) }
      try await TestNetwork.running { network in
        try await network.startAll()
        try await network.kill("cedar")
        var settings = try HostileSite.configuration(network.site("cedar"))
        settings.credentials = MemberDirectory("\(other.folder)/cedar").credentials
        let reasons = Mutex<[String]>([])
        let client = SiteClient(settings)
        let running = Task {
          await client.run { event in
            if case .disconnected(let reason, _) = event {
              reasons.withLock { $0.append("\(reason)") }
            }
          } onConnected: { _ in
            reasons.withLock { $0.append("let in") }
          }
        }
        defer { running.cancel() }
        try await network.wait("a refusal", within: 10) { reasons.withLock { !$0.isEmpty } }
        #expect(reasons.withLock { $0.first }?.contains("not of this aggregator's network") == true)
        try network.startSite("cedar")
        _ = try await network.propose()
        _ = try await network.finishing()
        #expect(reasons.withLock { !$0.contains("let in") })
      }
    }
  }
}

/// A connection of a hospital with a program of the test's in the agent's place.
enum HostileSite {
  /// The settings of the site in a folder.
  static func configuration(_ directory: String) throws -> SiteClient.Configuration {
    let configuration = try SiteConfiguration.read(path: "\(directory)/site.yaml")
    return try SiteDirectory(directory, configuration).clientConfiguration(configuration)
  }

  /// Connects once as the site in a folder and hands the connection to a body.
  static func connected(
    _ directory: String, settings change: (inout SiteClient.Configuration) -> Void = { _ in },
    within seconds: Double = 20,
    _ body: @escaping @Sendable (any SiteConnection) async throws -> Void
  ) async throws {
    var settings = try configuration(directory)
    change(&settings)
    let isDone = Mutex(false)
    let client = SiteClient(settings)
    let running = Task {
      await client.run { connection in
        guard !isDone.withLock({ $0 }) else { return }
        defer { isDone.withLock { $0 = true } }
        try await body(connection)
      }
    }
    defer { running.cancel() }
    let end = ContinuousClock.now + .seconds(seconds)
    while !isDone.withLock({ $0 }) {
      guard ContinuousClock.now < end else { throw Failure("no connection as \(directory)") }
      try await Task.sleep(for: .milliseconds(10))
    }
  }
}
