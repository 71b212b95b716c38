import Cohort
import Foundation
import Reports
import SecureAggregation
import Simulation
import Site
import Study
import Synchronization
import TestSupport
import Testing
import Transport

/// The whole federation in one process, with the real protocol code of every party, against the
/// pooled computation.
@Suite struct SimulatedFederationTests {
  private static let open = SitePolicy(
    minimumCohort: 1, minimumCell: 1, disclosures: Set(Disclosure.allCases), autoApprove: true)

  /// Runs a study over the sites' tables.
  private func simulate(
    _ yaml: String, _ sites: [String: CohortTable], policy: SitePolicy = open,
    faults: FaultPlan = .none, memberLookUp: Duration = .zero,
    longestEpoch: Duration = .seconds(86_400),
    onProgress: @escaping @Sendable (StageProgress) -> Void = { _ in },
    log: @escaping @Sendable (String) -> Void = { _ in }
  ) async throws -> Simulation.Outcome {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "simulation-\(UUID().uuidString)"
    ).path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let simulation = try Simulation(
      sites: sites.mapValues { table in { _ in table } }, folder: folder, policy: policy,
      faults: faults, memberLookUp: memberLookUp, longestEpoch: longestEpoch, log: log)
    return try await simulation.run(yaml, onProgress: onProgress)
  }

  @Test(arguments: [3, 4, 5])
  func coefficientsAreThePooledOnesBitForBit(siteCount: Int) async throws {
    let yaml = SyntheticStudy.yaml(disclose: true)
    let plan = try SyntheticStudy.plan(disclose: true)
    let pooled = try SyntheticCohort.table(plan)
    let sites = try SyntheticCohort.partition(pooled, into: siteCount, seed: 7)
    let outcome = try await simulate(yaml, sites)
    let oracle = try await StudyProgram(
      .synthetic(plan, sites: ["all"]),
      over: PooledFederation(.synthetic(plan, sites: ["all"]), cohorts: ["all": pooled])
    ).run()
    #expect(outcome.result.models[0].coefficients == oracle.models[0].coefficients)
    #expect(outcome.result.transform == oracle.transform)
    #expect(outcome.result.matrix?.sites.count == siteCount)
    #expect(outcome.result.leaveOneSiteOut?.count == siteCount)
    let sums = try #require(outcome.result.sites.first?.sumCount)
    #expect(outcome.result.sites.allSatisfy { $0.sumsTakenPart == sums })
  }

  /// Keys that have reached their age are agreed anew before the next round; the result is the same.
  @Test func oldKeysAreAgreedAnew() async throws {
    let plan = try SyntheticStudy.plan()
    let sites = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan), into: 3, seed: 7)
    let epochs = Mutex<Set<String>>([])
    let outcome = try await simulate(
      SyntheticStudy.yaml(), sites, longestEpoch: .milliseconds(100),
      log: { line in
        guard line.hasPrefix("aggregator:"), line.contains("keys agreed") else { return }
        _ = epochs.withLock { $0.insert(line) }
      })
    #expect(epochs.withLock { $0.count } > 1)
    let undisturbed = try await simulate(SyntheticStudy.yaml(), sites)
    #expect(outcome.result.digest == undisturbed.result.digest)
  }

  /// Trees through every party's real protocol code: the model file has the pooled one's bytes.
  @Test(arguments: ["boosted_trees", "random_forest", "ebm"])
  func treesAreThePooledOnesByteForByte(learner: String) async throws {
    let size = learner == "ebm" ? "passes: 4" : "trees: 4, maximum_depth: 3"
    let yaml = SyntheticStudy.yaml(models: "  - {name: m, learner: \(learner), \(size)}\n")
    let plan = try StudyPlan(yaml: yaml, file: "study.yaml")
    let pooled = try SyntheticCohort.table(plan)
    let sites = try SyntheticCohort.partition(pooled, into: 3 + learner.count % 3, seed: 13)
    let outcome = try await simulate(yaml, sites)
    let study = AgreedStudy.synthetic(plan, sites: sites.keys.sorted())
    let oracle = try await StudyProgram(
      study, over: PooledFederation(study, cohorts: sites)
    ).run()
    let everybody = AgreedStudy.synthetic(plan, sites: ["all"])
    let together = try await StudyProgram(
      everybody, over: PooledFederation(everybody, cohorts: ["all": pooled])
    ).run()
    #expect(outcome.result.models[0].trees?.model == together.models[0].trees?.model)
    let files = try [outcome.result, oracle].map {
      try TreeModelFile($0, model: "m", features: plan.cohort.features).encoded()
    }
    #expect(files[0] == files[1])
    let replayed = try await outcome.transcript.replayed()
    #expect(replayed.digest == outcome.transcript.result)
  }

  /// Loses the vectors of site 4 from the level below the first tree's root on, until a round is opened
  /// without it.
  private struct LateSite {
    var isFitting = false
    var isLeftOut = false
    private var resultCount = 0
    private var lastOpened: UInt64 = 0

    mutating func passes(
      _ kind: SecureAggregation.MessageKind, _ round: UInt64, from sender: String,
      to receiver: String
    ) -> Bool {
      switch kind {
      // The baseline and the first root.
      case .result where receiver == "site-4" && isFitting: resultCount += 1
      case .roundOpen where receiver == "site-4": lastOpened = round
      case .lock1 where receiver == "site-1" && resultCount >= 2:
        if round > lastOpened { isLeftOut = true }
      case .masked where sender == "site-4": return resultCount < 2 || isLeftOut
      default: break
      }
      return true
    }
  }

  /// A site whose vectors stop arriving within a tree: the others open no histogram without it, the tree
  /// ends where it was, and the study goes on. With the protocol code of every party.
  @Test func aSiteLostWithinATreeIsNotShownByTheRest() async throws {
    let yaml = SyntheticStudy.yaml(
      models:
        "  - {name: trees, learner: boosted_trees, trees: 4, maximum_depth: 3, early_stopping: 0}\n",
      roundSeconds: 0.5)
    let plan = try StudyPlan(yaml: yaml, file: "study.yaml")
    let sites = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan, patients: 300), into: 4, seed: 8)
    let network = Mutex(LateSite())
    let folder = NSTemporaryDirectory() + "torn-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let misbehaviour = Misbehaviour { sender, receiver, frame, _ in
      guard frame.kind == Study.MessageKind.secureSum.rawValue,
        let envelope = Envelope.unchecked(frame.body)
      else { return frame }
      return network.withLock {
        $0.passes(envelope.kind, envelope.round, from: sender, to: receiver)
      } ? frame : nil
    }
    let simulation = try Simulation(
      sites: sites.mapValues { table in { _ in table } }, folder: folder, policy: Self.open,
      misbehaviour: misbehaviour)
    let outcome = try await simulation.run(yaml) { progress in
      if progress.stage == "fit" { network.withLock { $0.isFitting = true } }
    }
    #expect(network.withLock { $0.isLeftOut })
    let growth = outcome.transcript.entries.filter { $0.kind == QueryKind.treeGrowth }
    let totals = growth.compactMap { entry -> Total? in
      if case .total(let total) = entry.content { total } else { nil }
    }
    let torn = totals.filter { $0.participants.count < 4 }
    #expect(!torn.isEmpty)
    for total in totals {
      #expect(total.values.contains { $0 != 0 } == (total.participants.count == 4))
    }
    #expect(outcome.result.models[0].trees?.treeCount == 4)
    let replayed = try await outcome.transcript.replayed()
    #expect(replayed.digest == outcome.result.digest)
  }

  /// Decisions that arrive while the board looks the members up do not make a second manifest and a
  /// second run, to which no site would ever say where it stands.
  @Test func decisionsAtTheSameTimeStartOneRun() async throws {
    let plan = try SyntheticStudy.plan()
    let sites = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan), into: 5, seed: 9)
    let manifests = Mutex(0)
    let outcome = try await simulate(
      SyntheticStudy.yaml(), sites, memberLookUp: .milliseconds(60)
    ) { progress in
      if progress.detail.contains("agreeing the manifest") { manifests.withLock { $0 += 1 } }
    }
    #expect(outcome.result.sites.count == 5)
    #expect(manifests.withLock { $0 } == 1)
  }

  @Test func aFinishedTranscriptReplaysToTheSameModel() async throws {
    let plan = try SyntheticStudy.plan()
    let sites = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan), into: 4, seed: 3)
    let outcome = try await simulate(SyntheticStudy.yaml(), sites)
    let replayed = try await outcome.transcript.replayed()
    #expect(replayed.digest == outcome.transcript.result)
    #expect(replayed.digest == outcome.result.digest)
  }

  @Test func disclosuresThatAPolicyDoesNotNameDoNotHappen() async throws {
    let plan = try SyntheticStudy.plan(disclose: true)
    let sites = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan), into: 4, seed: 4)
    let outcome = try await simulate(
      SyntheticStudy.yaml(disclose: true), sites,
      policy: SitePolicy(minimumCohort: 1, minimumCell: 1, autoApprove: true))
    #expect(outcome.result.matrix == nil)
    #expect(outcome.result.leaveOneSiteOut == nil)
    #expect(outcome.result.study.disclosures.isEmpty)
    #expect(outcome.result.performance[0].sites.count == 4)
  }

  @Test func aPolicyThatAsksForMoreRefusesByName() async throws {
    let plan = try SyntheticStudy.plan()
    let sites = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan), into: 4, seed: 5)
    let error = await #expect(throws: StudyError.self) {
      _ = try await simulate(
        SyntheticStudy.yaml(), sites,
        policy: SitePolicy(minimumCohort: 1, minimumSites: 5, minimumCell: 1, autoApprove: true))
    }
    #expect(error?.message.contains("this site's policy asks for at least 5") == true)
  }

  @Test func aCohortBelowTheSitesMinimumLeavesTheStudyByName() async throws {
    let plan = try SyntheticStudy.plan()
    let sites = try SyntheticCohort.partition(
      try SyntheticCohort.table(plan), into: 4, seed: 6)
    let error = await #expect(throws: StudyError.self) {
      _ = try await simulate(
        SyntheticStudy.yaml(), sites,
        policy: SitePolicy(minimumCohort: 100_000, minimumCell: 1, autoApprove: true))
    }
    #expect(error?.message.contains("smaller than its policy's minimum") == true)
  }

  /// Connections are lost again and again, at places that a seed chooses; nothing is lost with them.
  @Test(arguments: [UInt64(11), 12, 13])
  func lostConnectionsCostNothing(seed: UInt64) async throws {
    let plan = try SyntheticStudy.plan()
    let pooled = try SyntheticCohort.table(plan)
    let sites = try SyntheticCohort.partition(pooled, into: 5, seed: seed)
    let cuts = Mutex(0)
    let faults = FaultPlan { direction, site, index, _ in
      let word =
        seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(index) &* 31
        &+ UInt64(site.name.text.utf8.last ?? 0)
      guard direction == .toAggregator, index > 4, word % 17 == 0 else { return .deliver }
      return cuts.withLock { count in
        guard count < 3 else { return .deliver }
        count += 1
        return .cut
      }
    }
    let outcome = try await simulate(SyntheticStudy.yaml(), sites, faults: faults)
    let oracle = try await StudyProgram(
      .synthetic(plan, sites: ["all"]),
      over: PooledFederation(.synthetic(plan, sites: ["all"]), cohorts: ["all": pooled])
    ).run()
    let everybody = outcome.result.sites.allSatisfy { $0.sumsTakenPart == $0.sumCount }
    #expect(cuts.withLock { $0 } > 0, "seed \(seed)")
    if everybody {
      #expect(
        outcome.result.models[0].coefficients == oracle.models[0].coefficients, "seed \(seed)")
    } else {
      #expect(!outcome.result.notes.isEmpty, "seed \(seed): an absence is stated")
    }
  }
}
