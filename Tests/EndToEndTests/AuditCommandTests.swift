import Foundation
import TestSupport
import Testing

extension EndToEnd {
  /// `wardround audit` on its own: no network, no real study.
  @Suite struct AuditCommandRuns {
    private struct Facts: Decodable {
      struct Canaries: Decodable {
        var attack: String
        var epsilonLowerBound: Double
        var provenEpsilon: Double
      }
      var hasNoise: Bool
      var provenEpsilon: Double
      var canaries: [Canaries]
    }

    /// A study and one file per site.
    private func folder() throws -> String {
      let folder = NSTemporaryDirectory() + "wardround-audit-\(UUID().uuidString.prefix(8))"
      try FileManager.default.createDirectory(
        atPath: "\(folder)/data", withIntermediateDirectories: true)
      try Data(TestStudy.text.utf8).write(to: URL(fileURLWithPath: "\(folder)/study.yaml"))
      for (number, name) in TestNetwork.sites.enumerated() {
        let text = TestStudy.patients(seed: UInt64(number) + 1).replacing("NA", with: "")
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/data/\(name).csv"))
      }
      return folder
    }

    private func arguments(_ folder: String) -> [String] {
      [
        "audit", "--study", folder, "--data", "\(folder)/data", "--epsilon", "3", "--canaries",
        "300", "--patients", "16", "--shadow", "8", "--releases", "200", "--targets", "10",
        "--seed", "11",
      ]
    }

    @Test func passesWithNoiseAndFailsWithout() async throws {
      let folder = try folder()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let file = "\(folder)/audit.json"
      let good = try await Command.run(arguments(folder) + ["--out", file], within: 120)
      #expect(good.status == 0, "\(good.error)")
      #expect(good.output.contains("passed: no lower bound is above what is proven"))
      let facts = try JSONDecoder().decode(
        Facts.self, from: Data(contentsOf: URL(fileURLWithPath: file)))
      #expect(facts.hasNoise && facts.provenEpsilon <= 3)
      #expect(facts.canaries.allSatisfy { $0.epsilonLowerBound <= $0.provenEpsilon })

      let fault = try await Command.run(
        URL(fileURLWithPath: "/usr/bin/env"),
        ["WARDROUND_TEST_FAULT=no-noise", try Program.url().path] + arguments(folder)
          + ["--json"], within: 120)
      #expect(fault.status == 1, "\(fault.error)")
      let found = try JSONDecoder().decode(Facts.self, from: Data(fault.output.utf8))
      #expect(!found.hasNoise)
      #expect((found.canaries.first?.epsilonLowerBound ?? 0) > 3)
    }

    private struct Twin: Decodable {
      struct Audit: Decodable {
        var provenEpsilon: Double
        var hasNoise: Bool
      }
      var audit: Audit?
    }

    /// The audit's figures in the study's own report, beside the proof; another plan's are refused.
    @Test func theReportTakesUpTheAudit() async throws {
      let folder = try folder()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let text = SyntheticStudy.yaml(epsilon: 3, name: TestStudy.id)
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/study.yaml"))
      let simulated = try await Command.run(
        [
          "study", "simulate", "--study", folder, "--data", "\(folder)/data", "--output",
          "\(folder)/out",
        ], within: 120)
      #expect(simulated.status == 0, "\(simulated.error)")
      let report = "\(folder)/out/studies/\(TestStudy.id)/report.json"
      let before = try String(
        contentsOfFile: "\(folder)/out/studies/\(TestStudy.id)/report.html", encoding: .utf8)
      #expect(!before.contains("Attacked by ourselves"))
      for (file, isOwn) in [("own.json", true), ("other.json", false)] {
        var call = arguments(folder) + ["--out", "\(folder)/\(file)"]
        // `--epsilon` makes it the audit of another plan.
        if isOwn, let place = call.firstIndex(of: "--epsilon") {
          call.removeSubrange(place...(place + 1))
        } else if let place = call.firstIndex(of: "--epsilon") {
          call[place + 1] = "2"
        }
        #expect(try await Command.run(call, within: 120).status == 0)
        let written = try await Command.run(
          ["study", "report", report, "--audit", "\(folder)/\(file)"])
        #expect(written.status == (isOwn ? 0 : 2), "\(written.error)")
      }
      let page = try String(
        contentsOfFile: "\(folder)/out/studies/\(TestStudy.id)/report.html", encoding: .utf8)
      for words in [
        "Attacked by ourselves", "Empirical ε ≥", "proven ε ≤", "Ceiling",
        "Patients rebuilt from what leaves a site",
      ] {
        #expect(page.contains(words), "\(words)")
      }
      let twin = try JSONDecoder().decode(
        Twin.self, from: Data(contentsOf: URL(fileURLWithPath: report)))
      #expect(twin.audit?.hasNoise == true && (twin.audit?.provenEpsilon ?? 9) <= 3.000001)

      // A bound above the proof: written in so many words, and status 1.
      var facts = try #require(
        JSONSerialization.jsonObject(
          with: Data(contentsOf: URL(fileURLWithPath: "\(folder)/own.json")))
          as? [String: Any])
      var canaries = try #require(facts["canaries"] as? [[String: Any]])
      canaries[0]["epsilonLowerBound"] = 7.5
      facts["canaries"] = canaries
      try JSONSerialization.data(withJSONObject: facts).write(
        to: URL(fileURLWithPath: "\(folder)/broken.json"))
      let broken = try await Command.run(
        ["study", "report", report, "--audit", "\(folder)/broken.json"])
      #expect(broken.status == 1, "\(broken.error)")
      let failed = try String(
        contentsOfFile: "\(folder)/out/studies/\(TestStudy.id)/report.html", encoding: .utf8)
      #expect(failed.contains("FAILED: a lower bound is above what is proven"))
    }

    @Test func refusesAStudyWithoutAPromise() async throws {
      let folder = try folder()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let outcome = try await Command.run([
        "audit", "--study", folder, "--data", "\(folder)/data",
      ])
      #expect(outcome.status == 2)
      #expect(outcome.error.contains("promises no differential privacy"), "\(outcome.error)")
    }
  }
}
