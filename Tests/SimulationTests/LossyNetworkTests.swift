import Cohort
import Foundation
import PortableNumerics
import Simulation
import Site
import Study
import Synchronization
import TestSupport
import Testing
import Transport

/// Connections that are lost anywhere, in both directions, from the proposal to the last result, and
/// frames that are late.
@Suite struct LossyNetworkTests {
  private static let seeds: ClosedRange<UInt64> = {
    // More seeds on request: WARDROUND_SEEDS=40.
    let count = ProcessInfo.processInfo.environment["WARDROUND_SEEDS"].flatMap { UInt64($0) }
    return 1...max(1, count ?? 6)
  }()

  /// The study finishes, and whoever took part in a total is stated; where all did, the model is the
  /// pooled one.
  @Test(arguments: seeds)
  func studySurvives(seed: UInt64) async throws {
    let plan = try SyntheticStudy.plan()
    let pooled = try SyntheticCohort.table(plan, patients: 300)
    let sites = try SyntheticCohort.partition(pooled, into: 4, seed: seed)
    let generator = Mutex(SplitMix64(seed: seed))
    let cutsLeft = Mutex(8)
    let faults = FaultPlan { _, _, _, _ in
      switch generator.withLock({ $0.next() }) % 100 {
      case 0..<4:
        return cutsLeft.withLock { count in
          guard count > 0 else { return .deliver }
          count -= 1
          return .cut
        }
      case 4..<8: return .delay(.milliseconds(5))
      default: return .deliver
      }
    }
    // A delayed frame of a sender that does not wait would be lost, which a connection never does.
    let reliable = FaultPlan { direction, site, index, frame in
      let fate = faults.fate(direction, site, index, frame)
      if case .delay = fate, direction == .toSite { return .deliver }
      return fate
    }
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "lossy-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let simulation = try Simulation(
      sites: sites.mapValues { table in { _ in table } }, folder: folder,
      policy: SitePolicy(
        minimumCohort: 1, minimumCell: 1, disclosures: Set(Disclosure.allCases),
        autoApprove: true), faults: reliable)
    let outcome = try await simulation.run(SyntheticStudy.yaml())
    #expect(cutsLeft.withLock { $0 } < 8, "seed \(seed)")

    let replayed = try await outcome.transcript.replayed()
    #expect(replayed.digest == outcome.result.digest, "seed \(seed)")
    let oracle = try await StudyProgram(
      .synthetic(plan, sites: ["all"]),
      over: PooledFederation(.synthetic(plan, sites: ["all"]), cohorts: ["all": pooled])
    ).run()
    if outcome.result.sites.allSatisfy({ $0.sumsTakenPart == $0.sumCount }) {
      #expect(
        outcome.result.models[0].coefficients == oracle.models[0].coefficients, "seed \(seed)")
    } else {
      #expect(!outcome.result.notes.isEmpty, "seed \(seed): an absence is stated")
    }
  }
}
