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

/// Studies that are waited for, withdrawn, proposed again, or interrupted late.
@Suite struct EndingTests {
  private static func policy(autoApprove: Bool) -> SitePolicy {
    SitePolicy(minimumCohort: 1, minimumCell: 1, autoApprove: autoApprove)
  }

  /// Calls `body` with a network of four hospitals, whose folder is gone afterwards.
  private func withNetwork(
    autoApprove: Bool = true, faults: FaultPlan = .none,
    _ body: (Simulation, _ folder: String) async throws -> Void
  ) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "ending-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let plan = try SyntheticStudy.plan()
    let sites = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan, patients: 300), into: 4, seed: 3)
    let simulation = try Simulation(
      sites: sites.mapValues { table in { _ in table } }, folder: folder,
      policy: Self.policy(autoApprove: autoApprove), faults: faults)
    try await body(simulation, folder)
  }

  private func message(of error: any Error) -> String { (error as? StudyError)?.message ?? "" }

  @Test func aStudyThatNobodyDecidesEndsAtItsDeadlineNamingThem() async throws {
    try await withNetwork(autoApprove: false) { simulation, _ in
      let error = await #expect(throws: StudyError.self) {
        _ = try await simulation.run(SyntheticStudy.yaml(deadlines: ", approval_days: 0.00001"))
      }
      let text = error.map(message) ?? ""
      #expect(text.contains("waited") && text.contains("site-1, site-2, site-3, site-4"))
    }
  }

  /// A site that cannot read its data is named first, with its reason; those that still read theirs are
  /// there.
  @Test func theSiteThatLeftIsNamedBeforeThoseWhoWait() async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "ending-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let plan = try SyntheticStudy.plan()
    let tables = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan, patients: 300), into: 3, seed: 3)
    var loaders: [String: @Sendable (StudyPlan) async throws -> CohortTable] = [:]
    for (name, table) in tables {
      loaders[name] = { _ in
        guard name != "site-3" else { throw CohortError(.missingColumn, name: "age") }
        try await Task.sleep(for: .seconds(60))
        return table
      }
    }
    let simulation = try Simulation(
      sites: loaders, folder: folder, policy: Self.policy(autoApprove: true))
    let error = await #expect(throws: StudyError.self) {
      _ = try await simulation.run(SyntheticStudy.yaml())
    }
    let text = error.map(message) ?? ""
    #expect(text.hasPrefix("site-3 left the study: it cannot read its data"), "\(text)")
    #expect(
      text.hasSuffix(
        ". 2 of 3 sites are there and 3 are needed; still reading their data: site-1, site-2"),
      "\(text)")
  }

  @Test func aWithdrawnStudyEndsForWhoeverWaits() async throws {
    try await withNetwork(autoApprove: false) { simulation, folder in
      let waiting = Task { try await simulation.run(SyntheticStudy.yaml()) }
      // As `wardround aggregator cancel` does, from another process.
      let store = try AggregatorStore(path: "\(folder)/aggregator.sqlite") {
        Date().timeIntervalSince1970
      }
      let end = ContinuousClock.now + .seconds(20)
      while try await store.study("synthetic") == nil, .now < end {
        try await Task.sleep(for: .milliseconds(10))
      }
      try await store.setStatus(
        "synthetic", to: .cancelled, error: "withdrawn by the operator: no ethics vote",
        by: "operator")
      let error = await #expect(throws: StudyError.self) { _ = try await waiting.value }
      #expect(error.map(message)?.contains("no ethics vote") == true)
    }
  }

  @Test func anEndedStudyIsNotProposedAgain() async throws {
    try await withNetwork { simulation, _ in
      _ = try await simulation.run(SyntheticStudy.yaml())
      let error = await #expect(throws: StudyError.self) {
        _ = try await simulation.run(SyntheticStudy.yaml())
      }
      #expect(error.map(message)?.contains("give `study:` another name") == true)
    }
  }

  /// Sites have the same grace to come back late in a study as at its beginning.
  @Test func aConnectionLostLateCostsNobodysPatientsAStep() async throws {
    let start = ContinuousClock.now
    let isCut = Mutex(false)
    let faults = FaultPlan { direction, site, _, frame in
      guard direction == .toAggregator, frame.kind == Study.MessageKind.secureSum.rawValue else {
        return .deliver
      }
      guard site.name.text == "site-2", .now - start > .seconds(1.5) else {
        return .delay(.milliseconds(60))
      }
      let isFirst = isCut.withLock { isCut in
        defer { isCut = true }
        return !isCut
      }
      return isFirst ? .cut : .delay(.milliseconds(60))
    }
    try await withNetwork(faults: faults) { simulation, _ in
      let outcome = try await simulation.run(
        SyntheticStudy.yaml(deadlines: ", return_seconds: 1"))
      #expect(isCut.withLock { $0 }, "the study was over before the connection was cut")
      #expect(outcome.result.sites.allSatisfy { $0.sumsTakenPart == $0.sumCount })
    }
  }
}
