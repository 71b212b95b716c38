import Cohort
import Cryptography
import DifferentialPrivacy
import Foundation
import Simulation
import Site
import SiteData
import Store
import Study
import Synchronization
import TestSupport
import Testing
import Transport

@testable import SecureAggregation

/// Studies under differential privacy over the whole federation in one process, with every site's
/// ledger.
@Suite struct PrivateSimulationTests {
  final class Folder: Sendable {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(
      "private-\(UUID().uuidString)"
    ).path
    /// The hospitals' keys, the same in every network made in this folder.
    let keys: [String: Cryptography.SigningKey]

    init() throws {
      var entropy = SystemEntropy()
      keys = try (1...4).reduce(into: [:]) {
        $0["site-\($1)"] = try Cryptography.SigningKey(from: &entropy)
      }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  private static func policy(_ budget: PrivacyBudget = PrivacyBudget()) -> SitePolicy {
    SitePolicy(minimumCohort: 1, minimumCell: 1, autoApprove: true, privacy: budget)
  }

  private func simulate(
    _ yaml: String, _ sites: [String: CohortTable], in folder: Folder,
    budget: PrivacyBudget = PrivacyBudget(), faults: FaultPlan = .none,
    misbehaviour: Misbehaviour = .none
  ) async throws -> Simulation.Outcome {
    let simulation = try Simulation(
      sites: sites.mapValues { table in { _ in table } }, folder: folder.path,
      policy: Self.policy(budget), faults: faults, misbehaviour: misbehaviour,
      signingKeys: folder.keys)
    return try await simulation.run(yaml)
  }

  private func sites(_ count: Int, seed: UInt64) throws -> [String: CohortTable] {
    try SyntheticCohort.partition(
      try SyntheticCohort.table(try SyntheticStudy.plan()), into: count, seed: seed)
  }

  private func ledger(
    of site: String, in folder: Folder, budget: PrivacyBudget = PrivacyBudget()
  ) throws -> (SiteStore, PrivacyLedger) {
    let store = try SiteStore(path: "\(folder.path)/sites/\(site).sqlite") { 0 }
    return (store, PrivacyLedger(store: store, budget: budget))
  }

  @Test func everySiteIsChargedWhatTheStudyProves() async throws {
    let folder = try Folder()
    let sites = try sites(4, seed: 21)
    let outcome = try await simulate(SyntheticStudy.yaml(epsilon: 3), sites, in: folder)
    let privacy = try #require(outcome.result.privacy)
    #expect(privacy.provenEpsilon <= 3 * (1 + 1e-9) && privacy.provenEpsilon > 2.9)
    for site in sites.keys {
      let (store, ledger) = try ledger(of: site, in: folder)
      // Feature counts, three Newton steps, performance, distributions.
      #expect(try await store.ledger().count == 6, "\(site)")
      let account = try await ledger.account("synthetic")
      #expect(abs(account.spent - privacy.provenEpsilon) < 1e-9, "\(site)")
      try await ledger.checkNotRolledBack()
    }
    let replayed = try await outcome.transcript.replayed()
    #expect(replayed.digest == outcome.transcript.result)
  }

  /// The same with trees, and the model is that of the opened totals, byte for byte.
  @Test(arguments: [
    ("  - {name: shapes, learner: ebm, passes: 4}\n", 4),
    ("  - {name: forest, learner: random_forest}\n", 2),
    ("  - {name: trees, learner: boosted_trees, trees: 3, maximum_depth: 2}\n", 9),
  ])
  func treesAreChargedWhatTheStudyProves(model: String, steps: Int) async throws {
    let folder = try Folder()
    let sites = try sites(4, seed: 30)
    let outcome = try await simulate(
      SyntheticStudy.yaml(models: model, epsilon: 3), sites, in: folder)
    let privacy = try #require(outcome.result.privacy)
    #expect(privacy.provenEpsilon <= 3 * (1 + 1e-9) && privacy.provenEpsilon > 2.9)
    for site in sites.keys {
      let (store, ledger) = try ledger(of: site, in: folder)
      // Feature counts, the steps, performance, distributions.
      #expect(try await store.ledger().count == 3 + steps, "\(site)")
      let account = try await ledger.account("synthetic")
      #expect(abs(account.spent - privacy.provenEpsilon) < 1e-9, "\(site)")
      try await ledger.checkNotRolledBack()
    }
    let replayed = try await outcome.transcript.replayed()
    #expect(replayed.digest == outcome.transcript.result)
    #expect(replayed.models[0].trees?.model == outcome.result.models[0].trees?.model)
    // Without the noise the opened totals are those of one process.
    let study = try outcome.transcript.agreedStudy()
    let exact = RecordingFederation(
      PooledFederation(study, cohorts: sites, noiseKey: nil), study: study)
    _ = try await StudyProgram(study, over: exact).run()
    let opened = outcome.transcript.entries.map(\.kind)
    #expect(opened == exact.entries.map(\.kind))
    let variances = try #require(try PrivacyPlan(study.plan)).releases
      .filter(\.isSum).flatMap { Array(repeating: Double($0.noise.variance), count: $0.count) }
    // Only the first step of trees is asked at the same model with noise and without.
    guard case .total(let noisy) = outcome.transcript.entries[1].content,
      case .total(let clean) = exact.entries[1].content
    else {
      Issue.record("the second result is not a sum")
      return
    }
    // The margins start at a prevalence that is noisy itself: the gradients differ by that much too.
    let squares = zip(noisy.values, clean.values).map { Double(($0 - $1) * ($0 - $1)) }
    let mean = squares.reduce(0, +) / Double(squares.count) / variances[1]
    #expect(mean > 0.4 && mean < 6, "\(mean) over \(squares.count)")
  }

  /// The opened feature counts differ from the true ones by noise of the planned size.
  @Test func theOpenedSumCarriesTheNoise() async throws {
    let folder = try Folder()
    let sites = try sites(4, seed: 22)
    let yaml = SyntheticStudy.yaml(epsilon: 1)
    let outcome = try await simulate(yaml, sites, in: folder)
    let study = try outcome.transcript.agreedStudy()
    let exact = RecordingFederation(
      PooledFederation(study, cohorts: sites, noiseKey: nil), study: study)
    _ = try await StudyProgram(study, over: exact).run()
    guard case .total(let noisy)? = outcome.transcript.entries.first?.content,
      case .total(let clean)? = exact.entries.first?.content
    else {
      Issue.record("the first result is not a sum")
      return
    }
    let variance = Double(
      try #require(try PrivacyPlan(study.plan)?.releases.first).noise.variance)
    let squares = zip(noisy.values, clean.values).map { Double(($0 - $1) * ($0 - $1)) }
    let mean = squares.reduce(0, +) / Double(squares.count) / variance
    // Shares for one colluder of four: at most 4/3 of the variance where all layers were removed, and
    // at most 2 with them. χ² with about 80 degrees of freedom is outside ± 60 % once in 10,000.
    #expect(mean > 0.4 && mean < 3.2, "\(mean) over \(squares.count)")
  }

  /// Every opened step, its count within the clip too, is what pooled rows answer to the same question
  /// under the same clip, plus noise of the planned size; and the whole study replays.
  @Test func anAdaptiveClipIsTheSameOverTheNetwork() async throws {
    let folder = try Folder()
    let sites = try sites(4, seed: 31)
    let yaml = SyntheticStudy.yaml(
      models: "  - {name: steps, training: federated-averaging, rounds: 6, clip: 8,"
        + " clip_quantile: 0.5, clip_rate: 0.5}\n", epsilon: 8)
    let outcome = try await simulate(yaml, sites, in: folder)
    let study = try outcome.transcript.agreedStudy()
    let questions = PrivateSteps(try ReplayFederation(outcome.transcript))
    let replayed = try await StudyProgram(study, over: questions).run()
    #expect(replayed.digest == outcome.transcript.result)
    let steps = questions.all
    let noise = try #require(
      try PrivacyPlan(study.plan)?.releases.first { $0.content == .fit(model: 0) }?.noise)
    #expect(steps.count == 6 && Set(steps.map(\.query.clip)).count == 6)
    let pooled = PooledFederation(study, cohorts: sites, noiseKey: nil)
    var squares: [Double] = []
    for step in steps {
      let exact = try await pooled.sum(.privateStep(step.query)).values
      #expect(
        exact.count == step.query.transform.columnCount + 2 && exact.count == step.total.count)
      let moves = zip(step.total, exact).map { Double($0 - $1) }
      // Six standard deviations of the largest that is left with all layers: false once in 10⁸.
      let count = try #require(moves.last)
      #expect(count * count < 36 * 2 * Double(noise.variance), "the count within the clip")
      squares += moves.map { $0 * $0 / Double(noise.variance) }
    }
    let mean = squares.reduce(0, +) / Double(squares.count)
    #expect(mean > 0.4 && mean < 3.2, "\(mean) over \(squares.count)")
    let (_, ledger) = try ledger(of: "site-1", in: folder)
    let account = try await ledger.account("synthetic")
    #expect(abs(account.spent - (try #require(outcome.result.privacy)).provenEpsilon) < 1e-9)
  }

  @Test func aStudyOverTheBudgetIsRefusedWithWhatItWouldCost() async throws {
    let folder = try Folder()
    let budget = PrivacyBudget(epsilonPerStudy: 2, epsilonInTotal: 16)
    let error = await #expect(throws: StudyError.self) {
      _ = try await simulate(
        SyntheticStudy.yaml(epsilon: 3), try sites(4, seed: 23), in: folder, budget: budget)
    }
    #expect(error?.message.contains("above this site's limit of 2.0") == true)
    let (store, _) = try ledger(of: "site-1", in: folder)
    #expect(try await store.ledger().isEmpty)
  }

  @Test func theBudgetOfAllStudiesIsSharedByThem() async throws {
    let folder = try Folder()
    let sites = try sites(4, seed: 24)
    let budget = PrivacyBudget(epsilonPerStudy: 4, epsilonInTotal: 4)
    _ = try await simulate(
      SyntheticStudy.yaml(epsilon: 3), sites, in: folder, budget: budget)
    let error = await #expect(throws: StudyError.self) {
      _ = try await simulate(
        SyntheticStudy.yaml(epsilon: 3, name: "second"), sites, in: folder, budget: budget)
    }
    #expect(error?.message.contains("all studies together") == true)
  }

  @Test func aStudyWithoutNoiseIsRefusedWhereThePolicyAsksForIt() async throws {
    let folder = try Folder()
    let error = await #expect(throws: StudyError.self) {
      _ = try await simulate(
        SyntheticStudy.yaml(), try sites(4, seed: 25), in: folder,
        budget: PrivacyBudget(isRequired: true))
    }
    #expect(error?.message.contains("no differential privacy") == true)
  }

  @Test func aRestoredBackupIsNoticed() async throws {
    let folder = try Folder()
    let sites = try sites(3, seed: 26)
    _ = try await simulate(
      SyntheticStudy.yaml(epsilon: 1, name: "first"), sites, in: folder)
    let path = "\(folder.path)/sites/site-1.sqlite"
    let (store, _) = try ledger(of: "site-1", in: folder)
    try await store.backUp(to: "\(folder.path)/backup.sqlite")
    try store.close()
    _ = try await simulate(
      SyntheticStudy.yaml(epsilon: 1, name: "second"), sites, in: folder)
    for ending in ["", "-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: path + ending)
    }
    try FileManager.default.copyItem(atPath: "\(folder.path)/backup.sqlite", toPath: path)
    let (_, restored) = try ledger(of: "site-1", in: folder)
    await #expect(throws: StudyError(.budgetExhausted, "")) {
      try await restored.checkNotRolledBack()
    }
    let error = await #expect(throws: StudyError.self) {
      _ = try await simulate(
        SyntheticStudy.yaml(epsilon: 1, name: "third"), sites, in: folder)
    }
    #expect(error?.message.contains("restored from a backup") == true)
  }

  /// The whole folder of a site is put back, with the mark in it: the aggregator has the site's own word
  /// for how far its ledger reached.
  @Test func aRestoredFolderIsNoticedAtTheNextConnection() async throws {
    let folder = try Folder()
    let sites = try sites(3, seed: 29)
    func run(_ name: String) async throws {
      let simulation = try Simulation(
        sites: sites.mapValues { table in { _ in table } }, folder: folder.path,
        policy: Self.policy(), signingKeys: folder.keys)
      _ = try await simulation.run(SyntheticStudy.yaml(epsilon: 1, name: name))
    }
    try await run("first")
    let path = "\(folder.path)/sites/site-1.sqlite"
    let (store, _) = try ledger(of: "site-1", in: folder)
    try await store.backUp(to: "\(folder.path)/backup.sqlite")
    try store.close()
    try FileManager.default.copyItem(
      atPath: "\(path).ledger", toPath: "\(folder.path)/backup.ledger")
    try await run("second")
    for ending in ["", "-wal", "-shm", ".ledger"] {
      try? FileManager.default.removeItem(atPath: path + ending)
    }
    try FileManager.default.copyItem(atPath: "\(folder.path)/backup.sqlite", toPath: path)
    try FileManager.default.copyItem(
      atPath: "\(folder.path)/backup.ledger", toPath: "\(path).ledger")
    let (_, restored) = try ledger(of: "site-1", in: folder)
    // Nothing at the site shows it.
    try await restored.checkNotRolledBack()
    let error = await #expect(throws: StudyError.self) { try await run("third") }
    #expect(error?.message.contains("restored from a backup") == true, "\(error as Any)")
    #expect(error?.message.contains("site-1") == true)
    // And it is remembered without the aggregator.
    await #expect(throws: StudyError(.budgetExhausted, "")) {
      try await restored.checkNotRolledBack()
    }
    // What the site did not sign is not believed.
    let other = try AggregatorStore(path: "\(folder.path)/aggregator.sqlite") { 0 }
    let head = try #require(try await other.ledgerHead(of: "site-2"))
    let signed = SignedLedgerHead(
      sequence: head.sequence, digest: try Digest(head.digest), signature: head.signature)
    let key = try #require(folder.keys["site-2"]).verifyingKey
    #expect(signed.isSigned(by: key, site: "site-2"))
    #expect(!signed.isSigned(by: key, site: "site-1"))
    let raised = SignedLedgerHead(
      sequence: head.sequence + 1, digest: try Digest(head.digest), signature: head.signature)
    #expect(!raised.isSigned(by: key, site: "site-2"))
  }

  /// Gradient steps with sampling, and connections that break: nothing is charged twice, and a study may
  /// use its site's whole limit.
  @Test func brokenConnectionsChargeEachVectorOnce() async throws {
    let folder = try Folder()
    let models =
      "  - {name: steps, training: federated-averaging, server: average, rounds: 5,"
      + " sampling_rate: 0.3, clip: 1, server_learning_rate: 4}\n"
    let cuts = Mutex(0)
    let handedIn = Mutex<[String: Set<UInt64>]>([:])
    let faults = FaultPlan { direction, site, index, _ in
      guard direction == .toAggregator, index > 6, index % 9 == 0 else { return .deliver }
      return cuts.withLock { count in
        guard count < 3 else { return .deliver }
        count += 1
        return .cut
      }
    }
    let watching = Misbehaviour { sender, _, frame, _ in
      if frame.kind == Study.MessageKind.secureSum.rawValue,
        let envelope = Envelope.unchecked(frame.body), envelope.kind == .masked
      {
        handedIn.withLock { _ = $0[sender, default: []].insert(envelope.round) }
      }
      return frame
    }
    let yaml = SyntheticStudy.yaml(models: models, epsilon: 8, reopenings: 6)
    // The study may cost the reserve on top of its plan, and not more.
    let plan = try #require(try PrivacyPlan(StudyPlan(yaml: yaml, file: "study.yaml")))
    let limit = plan.largestEpsilon(delta: 1e-5)
    let outcome = try await simulate(
      yaml, try sites(5, seed: 27), in: folder,
      budget: PrivacyBudget(epsilonPerStudy: limit, epsilonInTotal: limit), faults: faults,
      misbehaviour: watching)
    let privacy = try #require(outcome.result.privacy)
    #expect(privacy.provenEpsilon <= 8 && privacy.releases[1].samplingRate == 0.3)
    #expect(cuts.withLock { $0 } == 3)
    for index in 1...5 {
      let (store, ledger) = try ledger(of: "site-\(index)", in: folder)
      let charges = try await store.ledger().map(\.charge)
      // Two site answers, and every vector that was handed in, with a result or without; a vector that
      // was ready when its connection broke is paid for too.
      let rounds = charges.map(\.round).filter { $0 > 0 }
      let left = handedIn.withLock { $0["site-\(index)"] ?? [] }
      #expect(left.isSubset(of: rounds) && Set(rounds).count == rounds.count, "site-\(index)")
      #expect(charges.count == 2 + rounds.count && rounds.count <= left.count + 3)
      #expect(left.count >= 6, "\(left)")
      #expect(try await ledger.account("synthetic").spent <= limit * (1 + 1e-9))
    }
  }

  /// A study may use the whole of a site's limit, also when a site restarts where it has paid already.
  @Test func theWholeLimitIsEnough() async throws {
    let folder = try Folder()
    let cut = Mutex(0)
    let faults = FaultPlan { direction, site, index, _ in
      // After site-1 has handed in a vector: it comes back, and the round is over without it.
      guard direction == .toSite, site.name.text == "site-1", index > 12 else { return .deliver }
      return cut.withLock { count in
        count += 1
        return count == 1 ? .cut : .deliver
      }
    }
    let outcome = try await simulate(
      SyntheticStudy.yaml(epsilon: 3, reopenings: 0), try sites(5, seed: 28), in: folder,
      budget: PrivacyBudget(epsilonPerStudy: 3, epsilonInTotal: 3), faults: faults)
    #expect(outcome.result.privacy?.reopenings == 0)
  }
}
