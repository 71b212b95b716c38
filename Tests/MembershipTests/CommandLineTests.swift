import Aggregator
import Foundation
import Identity
import Site
import Testing
import Transport

/// The program beside the test bundle.
private let builtProgram: String? = {
  let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path
  let path = folder + "/wardround"
  return FileManager.default.isExecutableFile(atPath: path) ? path : nil
}()

/// The commands as processes: what they print and how they end.
@Suite(.serialized, .enabled(if: builtProgram != nil, "wardround is not built"))
struct CommandLineTests {
  private struct Outcome {
    var status: Int32
    var output: String
    var error: String
  }

  private func run(_ arguments: String...) async throws -> Outcome { try await run(arguments) }

  private func run(_ arguments: [String]) async throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try #require(builtProgram))
    process.arguments = arguments
    let output = Pipe()
    let error = Pipe()
    process.standardOutput = output
    process.standardError = error
    // A thread of its own may block; the server under test runs in this process.
    return try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async {
        do {
          try process.run()
          let text = output.fileHandleForReading.readDataToEndOfFile()
          let words = error.fileHandleForReading.readDataToEndOfFile()
          process.waitUntilExit()
          continuation.resume(
            returning: Outcome(
              status: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
              error: String(decoding: words, as: UTF8.self)))
        } catch { continuation.resume(throwing: error) }
      }
    }
  }

  @Test func initInviteJoinRevoke() async throws {
    let network = try await EnrolledNetwork()
    let folder = network.folder + "/made"
    let configuration = network.configuration
    let made = try await run(
      "aggregator", "init", "--directory", folder, "--network", "north", "--host", "127.0.0.1",
      "--listen", "127.0.0.1", "--service-port", "\(configuration.servicePort)",
      "--enrolment-port", "\(configuration.enrolmentPort)")
    #expect(made.status == 0, "\(made.error)")
    #expect(made.output.contains("wardround aggregator run --directory \(folder)"))
    let again = try await run(
      "aggregator", "init", "--directory", folder, "--network", "north", "--host", "127.0.0.1")
    #expect(again.status == 2 && again.error.contains("holds a network already"))

    let invited = try await run(
      "aggregator", "invite", "st-anna", "--directory", network.directory.path, "--json",
      "--legal-entity", "St. Anna University Hospital", "--valid-days", "2")
    #expect(invited.status == 0, "\(invited.error)")
    struct Invited: Decodable { var command: String; var invitation: String }
    let invitation = try JSONDecoder().decode(Invited.self, from: Data(invited.output.utf8))
    #expect(invitation.command == "wardround site join \(invitation.invitation)")

    let path = network.site("st-anna")
    let early = try await run("site", "join", invitation.invitation, "--directory", path)
    #expect(early.status == 69 && early.error.contains("cannot be reached"), "\(early.error)")
    try await network.withServer { membership, _ in
      let joined = try await run("site", "join", invitation.invitation, "--directory", path)
      #expect(joined.status == 0, "\(joined.error)")
      #expect(joined.output.contains("Joined network north as site st-anna."))
      let second = try await run(
        "site", "join", invitation.invitation, "--directory", path + "2")
      #expect(second.status == 77 && second.error.contains("has been used"), "\(second.error)")

      let agent = TestAgent()
      try await agent.running(path) { _ in
        let connection = try await agent.connections.first()
        let revoked = try await run(
          "aggregator", "revoke", "st-anna", "--directory", network.directory.path)
        let start = ContinuousClock.now
        #expect(revoked.status == 0, "\(revoked.error)")
        try await waitUntil { connection.closeReason != nil }
        #expect(ContinuousClock.now - start < .seconds(2))
      }
      // The server did it, so the audit log names the operator who called.
      let audit = try await membership.store.audit.entries()
      #expect(audit.last?.note.action == "revoked")
      let sites = try await run("aggregator", "sites", "--directory", network.directory.path)
      #expect(sites.output.contains("revoked"), "\(sites.output) \(sites.error)")
    }
    // Without the server the same commands work on the store.
    let offline = try await run(
      "aggregator", "sites", "--directory", network.directory.path, "--json")
    #expect(offline.status == 0 && offline.output.contains("\"revoked\""), "\(offline.error)")
    let unknown = try await run(
      "aggregator", "revoke", "nobody", "--directory", network.directory.path)
    #expect(unknown.status == 2 && unknown.error.contains("not found"), "\(unknown.error)")
  }

  @Test func wrongArgumentsAreExplained() async throws {
    let network = try await EnrolledNetwork()
    let folder = network.directory.path
    for (arguments, status, words) in [
      (["aggregator", "init", "--network", "north"], 64, "--host"),
      (
        ["aggregator", "init", "-d", folder + "x", "--network", "North", "--host", "a"], 2,
        "1 to 63 characters"
      ),
      (
        ["aggregator", "init", "-d", folder + "x", "--network", "n", "--host", "a b"], 2,
        "DNS name"
      ),
      (
        [
          "aggregator", "init", "--network", "n", "--host", "a", "--service-port", "9",
          "--enrolment-port", "9",
        ], 64, "differ"
      ),
      (
        ["aggregator", "init", "--network", "n", "--host", "a", "--listen", "b"], 64, "IP address"
      ),
      (["aggregator", "invite", "-d", folder], 64, "name"),
      (["aggregator", "invite", "a", "--role", "aggregator", "-d", folder], 64, "role"),
      (["aggregator", "invite", "a", "--valid-days", "0", "-d", folder], 64, "3650"),
      (["aggregator", "invite", "St Anna", "-d", folder], 2, "1 to 63 characters"),
      (["aggregator", "invite", "a", "-d", folder + "x"], 2, "wardround aggregator init"),
      (["site", "join", "-d", folder + "x"], 64, "invitation"),
      (["site", "join", "wr1abc", "-d", folder + "x"], 2, "cut off"),
      (["site", "join", "hello", "-d", folder + "x"], 2, "starts with wr1"),
      (["study", "join", "wr2abc", "-d", folder + "x"], 2, "another version"),
    ] as [([String], Int32, String)] {
      let outcome = try await run(arguments)
      #expect(outcome.status == status, "\(arguments): \(outcome.error)")
      #expect(outcome.error.contains(words), "\(arguments): \(outcome.error)")
      #expect(outcome.output.isEmpty, "\(arguments)")
    }
    #expect(!FileManager.default.fileExists(atPath: folder + "x"))
  }
}
