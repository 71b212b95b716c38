import Cohort
import Foundation
import Simulation
import Site
import SiteData
import Store
import Study
import TestSupport
import Testing

/// A hospital that poisons the training, over the whole federation: the others' votes stop the study.
@Suite struct PoisoningTests {
  private func simulate(
    _ yaml: String, _ sites: [String: CohortTable],
    _ body: (String, Result<Simulation.Outcome, any Error>) async throws -> Void
  ) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "poisoning-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let simulation = try Simulation(
      sites: sites.mapValues { table in { _ in table } }, folder: folder,
      policy: SitePolicy(minimumCohort: 1, minimumCell: 1, autoApprove: true))
    var result: Result<Simulation.Outcome, any Error>
    do {
      result = .success(try await simulation.run(yaml))
    } catch {
      result = .failure(error)
    }
    try await body(folder, result)
  }

  private func sites(poisoned: Bool, patients: Int = 600) throws -> [String: CohortTable] {
    let plan = try SyntheticStudy.plan()
    var sites = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan, patients: patients, seed: 3), into: 4, seed: 4)
    if poisoned {
      sites["site-4"] = try SyntheticCohort.table(plan, patients: 4 * patients, seed: 9)
        .withTrainingOutcomesFlipped()
    }
    return sites
  }

  @Test("A poisoned model is voted down: the study stops and says so; no site's vote is seen")
  func votedDown() async throws {
    try await simulate(SyntheticStudy.yaml(votes: "{}"), sites(poisoned: true)) {
      folder, result in
      guard case .failure(let error) = result else {
        Issue.record("the poisoned model was released")
        return
      }
      let words = String(describing: error)
      #expect(words.contains("of 4 sites voted against the model `newton`"), "\(words)")
      // What left the sites for the vote is one masked number.
      for site in ["site-1", "site-4"] {
        let store = try SiteStore(path: "\(folder)/sites/\(site).sqlite") { 0 }
        let votes = try await store.disclosures().filter { $0.query == "vote on the model" }
        #expect(votes.count == 1)
        #expect(votes.allSatisfy { $0.kind == .sumAnswer && $0.valueCount == 1 })
      }
    }
  }

  @Test("Without votes the poisoned model is released; without poison votes let the model pass")
  func otherwise() async throws {
    try await simulate(SyntheticStudy.yaml(), sites(poisoned: true)) { _, result in
      #expect(throws: Never.self) { try result.get() }
    }
    try await simulate(SyntheticStudy.yaml(votes: "{}"), sites(poisoned: false)) { _, result in
      let outcome = try result.get()
      let totals = outcome.transcript.entries.filter { $0.kind == .vote }
      #expect(!totals.isEmpty)
    }
  }

  @Test("Under differential privacy the votes are paid for, and still stop the poisoned model")
  func underPrivacy() async throws {
    let yaml = SyntheticStudy.yaml(epsilon: 8, votes: "{every: 3}")
    try await simulate(yaml, sites(poisoned: false)) { folder, result in
      let privacy = try #require(try result.get().result.privacy)
      #expect(privacy.provenEpsilon <= 8 * (1 + 1e-9))
      let store = try SiteStore(path: "\(folder)/sites/site-2.sqlite") { 0 }
      let account = try await PrivacyLedger(store: store, budget: PrivacyBudget())
        .account("synthetic")
      // The reserve for sums asked again was not needed.
      #expect(account.spent > 0.5 * privacy.provenEpsilon)
      #expect(account.spent <= privacy.provenEpsilon + 1e-9)
      // Feature counts, three steps, two votes, performance, distributions.
      #expect(try await store.ledger().count == 8)
    }
    try await simulate(yaml, sites(poisoned: true)) { _, result in
      guard case .failure(let error) = result else {
        Issue.record("the poisoned model was released")
        return
      }
      #expect(String(describing: error).contains("voted against the model"), "\(error)")
    }
  }
}
