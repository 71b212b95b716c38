import Foundation
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
