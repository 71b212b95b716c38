import Foundation
import Testing

extension EndToEnd {
  /// Evidence and audits over real processes: what a misbehaving agent leaves in the databases, and
  /// what the commands make of it.
  @Suite struct EvidenceCommands {
    private struct Verdict: Decodable {
      struct Finding: Decodable {
        var offence: String
        var accused: [Int]
      }
      var proves: Bool
      var findings: [Finding]
    }

    private struct List: Decodable {
      struct Piece: Decodable {
        var round: UInt64
        var proves: Bool
      }
      var pieces: [Piece]
    }

    @Test func garbageOfASiteIsProvenToAThirdParty() async throws {
      try await TestNetwork.running { network in
        try await network.startAll(faults: ["cedar": "garbage@21"])
        _ = try await network.propose()
        let finished = try await network.finishing()
        #expect(finished.replay.identical)
        let aggregator = "\(network.folder)/aggregator"
        let file = "\(network.folder)/cedar.evidence"
        let exported = try await Command.run([
          "aggregator", "evidence", "--directory", aggregator, "--out", file,
        ])
        #expect(exported.status == 0, "\(exported.error)")
        #expect(exported.output.contains("malformed"), "\(exported.output)")
        let verified = try await Command.run(["evidence", "verify", file, "--json"])
        #expect(verified.status == 0, "\(verified.error)")
        let verdict = try JSONDecoder().decode(Verdict.self, from: Data(verified.output.utf8))
        #expect(verdict.proves)
        #expect(verdict.findings.contains { $0.offence == "malformed" && $0.accused == [3] })
        let words = try await Command.run(["evidence", "verify", file])
        #expect(words.output.contains("PROVEN: Site 3, cedar"), "\(words.output)")
        let audit = try await Command.run([
          "site", "audit", "--directory", network.site("alder"), "--verify",
        ])
        #expect(audit.status == 0)

        // One byte changed: no evidence any more. Another study's manifest: not this one.
        var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: "\(file).changed"))
        let changed = try await Command.run(["evidence", "verify", "\(file).changed"])
        #expect(changed.status == 2, "\(changed.output)")
        let other = try await Command.run([
          "evidence", "verify", file, "--manifest", String(repeating: "0", count: 64),
        ])
        #expect(other.status == 2)

        // An honest hospital holds nothing, and stands by every answer.
        let none = try await Command.run([
          "site", "evidence", "--directory", network.site("alder"), "--json",
        ])
        let list = try JSONDecoder().decode(List.self, from: Data(none.output.utf8))
        #expect(list.pieces.allSatisfy { !$0.proves })
        let round = try #require(finished.transcript.entries.map(\.round).max())
        let reproduced = try await Command.run([
          "site", "reproduce", TestStudy.id, "\(round)", "--directory", network.site("alder"),
        ])
        #expect(reproduced.status == 0, "\(reproduced.output)\(reproduced.error)")
        let unknown = try await Command.run([
          "site", "reproduce", TestStudy.id, "9999", "--directory", network.site("alder"),
        ])
        #expect(unknown.status == 2, "\(unknown.output)\(unknown.error)")
      }
    }
  }
}
