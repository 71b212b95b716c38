import Cohort
import Cryptography
import Foundation
import Simulation
import Site
import SiteData
import Store
import Study
import TestSupport
import Testing

/// The same study once more under another name, over nearly the same: differencing across studies.
@Suite struct RepetitionTests {
  private final class Network: Sendable {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "repetition-\(UUID().uuidString)"
    ).path
    let keys: [String: SigningKey]

    init() throws {
      var entropy = SystemEntropy()
      keys = try (1...5).reduce(into: [:]) {
        $0["site-\($1)"] = try SigningKey(from: &entropy)
      }
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// How a study ends: nil for a report, else the error's text.
    func ending(
      of yaml: String, over sites: [String: CohortTable], allowing: Bool = false
    ) async throws -> String? {
      var policy = SitePolicy(minimumCohort: 1, minimumCell: 1, autoApprove: true)
      policy.allowsNearRepetition = allowing
      let simulation = try Simulation(
        sites: sites.mapValues { table in { _ in table } }, folder: folder, policy: policy,
        signingKeys: keys)
      do {
        _ = try await simulation.run(yaml)
        return nil
      } catch {
        return String(describing: error)
      }
    }
  }

  private func sites(_ count: Int) throws -> [String: CohortTable] {
    try SyntheticCohort.partition(
      try SyntheticCohort.table(try SyntheticStudy.plan(), patients: 300), into: count, seed: 5)
  }

  private func withoutItsLastPatient(_ table: CohortTable) throws -> CohortTable {
    let last = table.patients.max() ?? 0
    return try table.selecting((0..<table.rowCount).filter { table.patients[$0] != last })
  }

  @Test func onePatientFewerIsRefused() async throws {
    let network = try Network()
    var sites = try sites(4)
    #expect(try await network.ending(of: SyntheticStudy.yaml(name: "first"), over: sites) == nil)
    // The same over the same says nothing new.
    #expect(try await network.ending(of: SyntheticStudy.yaml(name: "again"), over: sites) == nil)
    sites["site-2"] = try sites["site-2"].map(withoutItsLastPatient)
    let refused = try await network.ending(of: SyntheticStudy.yaml(name: "second"), over: sites)
    #expect(refused?.contains("site-2") == true, "\(refused ?? "")")
    #expect(refused?.contains("the same without noise") == true, "\(refused ?? "")")
    // With noise it may be asked, and where every site allows it.
    #expect(
      try await network.ending(of: SyntheticStudy.yaml(epsilon: 3, name: "noisy"), over: sites)
        == nil)
    #expect(
      try await network.ending(
        of: SyntheticStudy.yaml(name: "third"), over: sites, allowing: true) == nil)
  }

  @Test func oneHospitalFewerIsRefused() async throws {
    let network = try Network()
    let sites = try sites(5)
    #expect(try await network.ending(of: SyntheticStudy.yaml(name: "first"), over: sites) == nil)
    let fewer = sites.filter { $0.key != "site-5" }
    let refused = try await network.ending(of: SyntheticStudy.yaml(name: "second"), over: fewer)
    #expect(refused?.contains("one or two hospitals") == true, "\(refused ?? "")")
  }

  /// The ledger does not promise a bound over studies of which one has none.
  @Test func theLedgerNamesWhatItDoesNotBound() async throws {
    let network = try Network()
    let sites = try sites(4)
    func ledger() throws -> PrivacyLedger {
      let store = try SiteStore(path: "\(network.folder)/sites/site-1.sqlite") { 0 }
      return PrivacyLedger(store: store, budget: PrivacyBudget())
    }
    let exact = SyntheticStudy.yaml(name: "exact")
    let noisy = SyntheticStudy.yaml(epsilon: 3, name: "noisy")
    #expect(try await network.ending(of: noisy, over: sites) == nil)
    #expect(try await ledger().unbounded() == nil)
    let before = try await ledger().lines(for: StudyPlan(yaml: exact, file: "study.yaml"))
    #expect(before.count == 1 && before[0].contains("after this study, which has none"))
    #expect(try await network.ending(of: exact, over: sites) == nil)
    let unbounded = try await ledger().unbounded()
    #expect(unbounded?.contains("differential privacy: exact.") == true, "\(unbounded ?? "")")
    let after = try await ledger().lines(for: StudyPlan(yaml: noisy, file: "study.yaml"))
    #expect(after.count == 2 && after[1].contains("not bounded"), "\(after)")
  }
}
