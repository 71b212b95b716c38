import Cohort
import Cryptography
import Foundation
import SecureAggregation
import Simulation
import SiteData
import Store
import Synchronization
import TestSupport
import Testing
import Transport

@testable import Site
@testable import Study

/// Attempts to get more out of a study under differential privacy than it planned, and what the sites'
/// ledgers say to them.
@Suite struct HostileLedgerTests {
  private static func sites(_ count: Int, seed: UInt64) throws -> [String: CohortTable] {
    try SyntheticCohort.partition(
      try SyntheticCohort.table(try SyntheticStudy.plan()), into: count, seed: seed)
  }

  private static func run(
    _ yaml: String, _ sites: [String: CohortTable], in folder: PrivateSimulationTests.Folder,
    budget: PrivacyBudget = PrivacyBudget(), misbehaviour: Misbehaviour
  ) async throws {
    let simulation = try Simulation(
      sites: sites.mapValues { table in { _ in table } }, folder: folder.path,
      policy: SitePolicy(
        minimumCohort: 1, minimumCell: 1, autoApprove: true, privacy: budget),
      misbehaviour: misbehaviour)
    _ = try await simulation.run(yaml)
  }

  private static func drop(_ kind: SecureAggregation.MessageKind, from party: Int) -> Misbehaviour {
    let seen = Mutex<Set<UInt64>>([])
    return Misbehaviour { _, _, frame, _ in
      guard frame.kind == Study.MessageKind.secureSum.rawValue, frame.body.count > 6,
        SumMessage.kind(frame.body) == kind
      else { return frame }
      let round = Envelope.unchecked(frame.body)?.round ?? 0
      return seen.withLock { rounds in
        rounds.insert(round)
        return rounds.count > party ? nil : frame
      }
    }
  }

  /// An aggregator that has every opening and says that it has none: the same question again and again
  /// would let it average the noise away.
  @Test func withheldResultsEndAtTheReserve() async throws {
    let folder = try PrivateSimulationTests.Folder()
    let yaml = SyntheticStudy.yaml(epsilon: 1, reopenings: 2, roundSeconds: 0.5)
    // The feature counts go through; from then on nothing of Unmask arrives.
    let error = await #expect(throws: StudyError.self) {
      try await Self.run(
        yaml, try Self.sites(4, seed: 61), in: folder,
        misbehaviour: Self.drop(.unmask, from: 1))
    }
    #expect(error?.message.contains("more than once, and it planned 2") == true, "\(error as Any)")
    #expect(error?.message.contains("site-1") == true)
    let plan = try StudyPlan(yaml: yaml, file: "study.yaml")
    let bound = try #require(try PrivacyPlan(plan)).largestEpsilon(delta: 1e-5)
    for index in 1...4 {
      let store = try SiteStore(path: "\(folder.path)/sites/site-\(index).sqlite") { 0 }
      let charges = try await store.ledger().map(\.charge)
      // The counts, and one step three times.
      #expect(charges.count <= 4 && charges.count >= 3, "\(charges.count)")
      #expect(charges.dropFirst().allSatisfy { $0.queryDigest == charges[1].queryDigest })
      let ledger = PrivacyLedger(store: store, budget: PrivacyBudget())
      #expect(try await ledger.account(plan.id).spent <= bound * (1 + 1e-9))
    }
  }

  /// The vector of a site that the aggregator shuts out of the opening is in the sum that the others
  /// open: the site pays for it all the same.
  @Test func aSiteThatIsLeftOutOfTheOpeningHasPaid() async throws {
    let folder = try PrivateSimulationTests.Folder()
    let shutOut = Misbehaviour { sender, receiver, frame, _ in
      guard sender == "aggregator", receiver == "site-1",
        frame.kind == Study.MessageKind.secureSum.rawValue, frame.body.count > 6,
        let kind = SumMessage.kind(frame.body), [.ackSet, .result, .catchUp].contains(kind)
      else { return frame }
      return nil
    }
    _ = try? await Self.run(
      SyntheticStudy.yaml(epsilon: 1, roundSeconds: 0.5), try Self.sites(5, seed: 62), in: folder,
      misbehaviour: shutOut)
    let store = try SiteStore(path: "\(folder.path)/sites/site-1.sqlite") { 0 }
    let aggregator = try AggregatorStore(path: "\(folder.path)/aggregator.sqlite") { 0 }
    let opened = try await aggregator.transcript(study: "synthetic").filter {
      $0.participants.contains("site-1")
    }
    #expect(!opened.isEmpty)
    let paid = Set(try await store.ledger().map(\.charge.queryDigest))
    for entry in opened { #expect(paid.contains(entry.queryDigest), "\(entry.index)") }
  }

  /// In the middle of a study a data steward lowers what it may cost: the study ends and says which site
  /// stopped it and why.
  @Test func aRefusalInTheMiddleNamesTheSite() async throws {
    let folder = try PrivateSimulationTests.Folder()
    let path = "\(folder.path)/sites/site-2.sqlite"
    let counted = Mutex(0)
    let lowering = Misbehaviour { sender, _, frame, _ in
      guard sender == "site-2", SumMessage.kind(frame.body) == .masked,
        frame.kind == Study.MessageKind.secureSum.rawValue
      else { return frame }
      // With its second vector on the way, the limit falls below the third.
      let count = counted.withLock { count in
        count += 1
        return count
      }
      if count == 2 {
        let done = DispatchSemaphore(value: 0)
        Task.detached {
          defer { done.signal() }
          let store = try SiteStore(path: path) { 1 }
          try await store.proposeBudget(
            scope: "synthetic", epsilon: 0.5, by: "ada", confirmed: true)
        }
        done.wait()
      }
      return frame
    }
    let error = await #expect(throws: StudyError.self) {
      try await Self.run(
        SyntheticStudy.yaml(epsilon: 3), try Self.sites(3, seed: 63), in: folder,
        misbehaviour: lowering)
    }
    let message = error?.message ?? ""
    #expect(message.contains("site-2"), "\(message)")
    #expect(message.contains("above the limit of 0.5 at site-2"), "\(message)")
    let store = try SiteStore(path: path) { 0 }
    #expect(try await store.ledger().count == 2)
  }

  /// Two studies at the same moment: both see the same ledger before, and only one may charge.
  @Test func twoStudiesCannotSpendTheSameBudget() async throws {
    let folder = try PrivateSimulationTests.Folder()
    try FileManager.default.createDirectory(
      atPath: folder.path, withIntermediateDirectories: true)
    let budget = PrivacyBudget(epsilonPerStudy: 3, epsilonInTotal: 3.5)
    let path = "\(folder.path)/site.sqlite"
    let plans = try ["one", "two"].map {
      try StudyPlan(yaml: SyntheticStudy.yaml(epsilon: 3, name: $0), file: "study.yaml")
    }
    let store = try SiteStore(path: path) { 0 }
    for plan in plans {
      try await store.propose(
        id: plan.id, name: plan.title, planText: "", planDigest: plan.digest.bytes,
        proposer: "ada")
      try await store.decide(plan.id, planDigest: plan.digest.bytes, approved: true, by: "grace")
    }
    var charges: [(StudyPlan, LedgerCharge)] = []
    for plan in plans {
      for (number, release) in try #require(try PrivacyPlan(plan)).releases.enumerated() {
        for step in 0..<release.count {
          let query = [UInt8](repeating: UInt8(16 * number + step), count: 32)
          charges.append(
            (
              plan,
              LedgerCharge(release.noise, study: plan.id, query: query, round: 1, purpose: "q")
            ))
        }
      }
    }
    let refused = await withTaskGroup(of: Bool.self) { group in
      for (plan, charge) in charges {
        group.addTask { await Self.isRefused(charge, of: plan, budget: budget, path: path) }
      }
      return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
    }
    let account = try await PrivacyLedger(store: store, budget: budget).account("")
    #expect(account.spent <= 3.5 * (1 + 1e-9), "\(account.spent)")
    #expect(refused > 0 && account.chargeCount + refused == 12)
  }

  private static func isRefused(
    _ charge: LedgerCharge, of plan: StudyPlan, budget: PrivacyBudget, path: String
  ) async -> Bool {
    do {
      // A handle of its own: what decides is the file.
      let store = try SiteStore(path: path) { 0 }
      let admission = try PrivacyLedger(store: store, budget: budget).admission(
        to: plan, site: "site-1")
      try await store.recordDisclosure(
        .init(study: plan.id, kind: .sumAnswer, query: "q", valueCount: 1, byteCount: 8),
        charge: charge, admission: admission)
      return false
    } catch let error as StoreError where error.code == .budgetExhausted {
      return true
    } catch {
      Issue.record("\(error)")
      return false
    }
  }

  /// The noise of a site's own table follows from the query: over other data it would be the same, and
  /// the difference of two tables would have none.
  @Test func aTableDoesNotLeaveTwiceOverDifferentData() async throws {
    let folder = try PrivateSimulationTests.Folder()
    try FileManager.default.createDirectory(
      atPath: folder.path, withIntermediateDirectories: true)
    let plan = try StudyPlan(yaml: SyntheticStudy.yaml(epsilon: 3), file: "study.yaml")
    let store = try SiteStore(path: "\(folder.path)/site.sqlite") { 0 }
    try await store.propose(
      id: plan.id, name: plan.title, planText: "", planDigest: plan.digest.bytes, proposer: "ada")
    try await store.decide(plan.id, planDigest: plan.digest.bytes, approved: true, by: "grace")
    let door = try Door(
      plan: plan, policy: SitePolicy(minimumCohort: 1, minimumCell: 1), store: store,
      site: "site-1")
    let privacy = try #require(try PrivacyPlan(plan))
    let query = SiteQuery.privatePerformance(
      .init(
        transform: try FrozenTransform([]), models: [], cuts: [],
        noise: try privacy.noise(of: .performance)))
    let answer = SiteAnswer.noisyCounts([])
    let digest = query.digest(after: .zero)
    let data = try Self.sites(2, seed: 64)
    let (first, second) = (
      try #require(data["site-1"]).fingerprint, try #require(data["site-2"]).fingerprint
    )
    for _ in 1...2 {
      _ = try await door.release(
        answer, to: query, digest: digest, fingerprint: first, rowCount: 100)
    }
    #expect(try await store.ledger().count == 1)
    await #expect(throws: StudyError(.refusedByPolicy, "")) {
      _ = try await door.release(
        answer, to: query, digest: digest, fingerprint: second, rowCount: 100)
    }
    var entropy = SystemEntropy()
    let key = try Cryptography.SigningKey(from: &entropy)
    #expect(
      SiteNoise.key(key, plan: plan, fingerprint: first)
        != SiteNoise.key(key, plan: plan, fingerprint: second))
    #expect(
      SiteNoise.key(key, plan: plan, fingerprint: first)
        == SiteNoise.key(key, plan: plan, fingerprint: first))
  }
}
