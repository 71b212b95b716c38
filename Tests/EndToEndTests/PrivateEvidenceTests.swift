import Cohort
import Foundation
import Simulation
import Site
import Store
import Study
import Synchronization
import TestSupport
import Testing
import Transport

@testable import SecureAggregation

extension EndToEnd {
  /// Evidence of a round whose noise partly came off: a third party adds it up again, noise and all.
  @Suite struct PrivateEvidence {
    private struct Verdict: Decodable {
      struct Finding: Decodable {
        var offence: String
        var accused: [Int]
      }
      var findings: [Finding]
      var remarks: [String]
    }

    private static func kind(_ frame: Frame) -> SecureAggregation.MessageKind? {
      frame.kind == Study.MessageKind.secureSum.rawValue
        ? Envelope.unchecked(frame.body)?.kind : nil
    }

    @Test func aFalseSumUnderPrivacyIsProvenToAThirdParty() async throws {
      let folder = NSTemporaryDirectory() + "wardround-lie-\(UUID().uuidString.prefix(8))"
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let plan = try SyntheticStudy.plan()
      let sites = try SyntheticCohort.partition(
        try SyntheticCohort.table(plan, patients: 240), into: 4, seed: 5)
      let opens = Mutex<[String: [UInt8]]>([:])
      let simulation = try Simulation(
        sites: sites.mapValues { table in { _ in table } }, folder: folder,
        policy: SitePolicy(minimumCohort: 1, minimumCell: 1, autoApprove: true),
        misbehaviour: Misbehaviour { sender, receiver, frame, key in
          guard sender == "aggregator" else { return frame }
          if Self.kind(frame) == .roundOpen { opens.withLock { $0[receiver] = frame.body } }
          guard Self.kind(frame) == .result, let payload = try? frame.payload?.bytes(),
            let open = opens.withLock({ $0[receiver] }),
            let lie = try? FalseResult.changing(
              frame.body, payload: payload, open: open, key: key, onlyWithLayers: true)
          else { return frame }
          return Frame(
            kind: frame.kind, study: frame.study, body: lie.message,
            payload: Payload(lie.payload))
        })
      await #expect(throws: (any Error).self) {
        try await simulation.run(SyntheticStudy.yaml(epsilon: 3))
      }
      var pieces: [Evidence] = []
      for site in sites.keys.sorted() {
        let store = try SiteStore(path: "\(folder)/sites/\(site).sqlite") { 0 }
        pieces += try await store.evidence().map { try Evidence($0.content) }
      }
      let file = "\(folder)/lie.evidence"
      try Data(EvidenceFile(pieces).bytes).write(to: URL(fileURLWithPath: file))
      let verified = try await Command.run(["evidence", "verify", file, "--json"])
      #expect(verified.status == 0, "\(verified.error)")
      let verdict = try JSONDecoder().decode(Verdict.self, from: Data(verified.output.utf8))
      #expect(
        verdict.findings.contains { $0.offence == "false-sum" && $0.accused == [0] },
        "\(verified.output)")
      #expect(!verdict.remarks.contains { $0.contains("sampler") }, "\(verdict.remarks)")
    }
  }
}
