import Cohort
import Cryptography
import Foundation
import SecureAggregation
import Simulation
import Store
import Study
import TestSupport
import Testing

@testable import Site

/// Commit and audit: an answer can be computed again and compared with what was signed before it
/// left, and all answers of a study come from the same data.
@Suite struct CommitAndAuditTests {
  private static let policy = SitePolicy(minimumCohort: 1, minimumCell: 1, autoApprove: true)

  private func withStudy(
    _ body: (String, CohortTable, Simulation.Outcome) async throws -> Void
  ) async throws {
    let plan = try SyntheticStudy.plan()
    let sites = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan, patients: 240), into: 4, seed: 6)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "audit-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let simulation = try Simulation(
      sites: sites.mapValues { table in { _ in table } }, folder: folder, policy: Self.policy)
    let outcome = try await simulation.run(SyntheticStudy.yaml())
    try await body("\(folder)/sites/site-1.sqlite", #require(sites["site-1"]), outcome)
  }

  private func reproduction(
    _ path: String, _ table: CohortTable, _ outcome: Simulation.Outcome
  ) throws -> Reproduction {
    let manifest = try SignedManifest(outcome.transcript.manifest).manifest
    return Reproduction(
      store: try SiteStore(path: path) { 0 }, site: "site-1",
      verifyingKey: manifest.roster[0].key, noiseKey: { _, _ in nil }, loadCohort: { _ in table })
  }

  @Test("Every answer of a study is reproduced; one changed value is found")
  func everyAnswer() async throws {
    try await withStudy { path, table, outcome in
      let study = outcome.transcript.entries
      let rounds = study.map(\.round).filter { $0 > 0 }
      #expect(rounds.count > 4)
      let honest = try reproduction(path, table, outcome)
      let id = try outcome.transcript.agreedStudy().plan.id
      for round in rounds {
        let found = try await honest.run(study: id, round: round)
        #expect(found.isReproduced, "\(found)")
      }
      // Other data than at the time: another answer, and the fingerprint says so.
      let other = try reproduction(
        path, try table.withOutcomeFlipped(row: #require(table.rowIndices(.training).first)),
        outcome)
      let profile = try await other.run(study: id, round: try #require(rounds.first))
      #expect(profile.isSigned && !profile.dataAreTheSame && !profile.answerIsTheSame)
      #expect(!profile.isReproduced)
      await #expect(throws: StudyError(.invalidPlan, "")) {
        try await honest.run(study: id, round: 10_000)
      }
      await #expect(throws: StudyError(.invalidPlan, "")) {
        try await honest.run(study: "no-such-study", round: 1)
      }
    }
  }

  @Test("One patient fewer between two answers of a study: the second one does not leave")
  func onePatientFewer() async throws {
    let plan = try SyntheticStudy.plan()
    let table = try SyntheticCohort.table(plan, patients: 80)
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "door-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let store = try SiteStore(path: "\(folder)/site.sqlite") { 0 }
    try await store.propose(
      id: plan.id, name: plan.title, planText: SyntheticStudy.yaml(),
      planDigest: plan.digest.bytes, proposer: "researcher")
    try await store.decide(
      plan.id, planDigest: plan.digest.bytes, approved: true, by: "steward", reason: "")
    let door = try Door(plan: plan, policy: Self.policy, store: store, site: "site-1")
    func release(_ table: CohortTable, query: Digest, round: UInt64) async throws {
      var answers = LocalAnswers(
        site: "site-1", plan: plan, cohort: table, noiseKey: nil)
      let values = try answers.answer(.profile)
      let passage = try await door.release(
        values, to: .profile, rowCount: table.rowCount,
        commitment: AnswerCommitment(
          study: plan.id, query: query.bytes, kind: "profile", index: 0,
          fingerprint: table.fingerprint.bytes, nonce: [UInt8](repeating: 1, count: 32),
          digest: [UInt8](repeating: 2, count: 32), signature: [UInt8](repeating: 3, count: 64)))
      let batch = JournalBatch(items: [
        JournalItem(.opened, round: round, record: [2]),
        JournalItem(.committed, round: round, record: [5]),
      ])
      try door.append(batch, letting: passage, durability: .full)
    }
    let first = Blake2b.hash("test.query", [1])
    try await release(table, query: first, round: 1)
    // The same question again, as after a lost round, and another one: with the same data, yes.
    try await release(table, query: first, round: 2)
    try await release(table, query: Blake2b.hash("test.query", [2]), round: 3)
    let before = try await store.disclosures().count
    let fewer = try table.selecting(Array(1..<table.rowCount))
    for query in [first, Blake2b.hash("test.query", [3])] {
      await #expect(throws: StudyError(.refusedByPolicy, "")) {
        try await release(fewer, query: query, round: 4)
      }
    }
    #expect(try await store.disclosures().count == before)
    #expect(try await store.journal(study: plan.id).records.last == [5], "of round 3")
    #expect(try await store.commitments(study: plan.id).count == 2)
  }
}

extension CohortTable {
  /// The same table with one patient's outcome changed.
  fileprivate func withOutcomeFlipped(row: Int) throws -> CohortTable {
    var outcome = outcome
    outcome[row] = 1 - outcome[row]
    return try CohortTable(
      features: features, columns: columns, outcome: outcome, isHoldout: isHoldout,
      hasOutcome: hasOutcome, patients: patients, sourceRows: sourceRows, flow: flow,
      faults: faults)
  }
}
