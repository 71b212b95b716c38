import Cryptography
import Foundation
import SiteData
import Store
import Study

/// The site's own book of what studies have learned about its patients (PRIVACY-CORE §4.6): kept through
/// crashes, and able to refuse.
///
/// **When it charges.** An answer is charged and admitted in one transaction, before it leaves. For a sum
/// that is when the masked vector is handed in, not when this site helps to open it: from then on the
/// other sites' shares can open a sum with this vector in it, and a site that the aggregator shuts out of
/// the rest of the round would not learn of it. A round that breaks off after that costs, and asking
/// again costs again (`PrivacyGoal.reopenings`).
///
/// A restored backup would forget charges. How far the ledger reached is therefore also written to a small
/// file beside the database, which notices a database that was restored alone, and left, signed, with the
/// aggregator, which gives it back at every connection: that notices a whole folder that was restored, as
/// long as the aggregator is the same and does not withhold it. A ledger that no longer holds a mark
/// answers nothing more that costs privacy.
public struct PrivacyLedger: Sendable {
  let store: SiteStore
  let budget: PrivacyBudget

  public init(store: SiteStore, budget: PrivacyBudget) {
    self.store = store
    self.budget = budget
  }

  /// What one study, or all, has cost and may cost.
  public struct Account: Sendable, Equatable {
    /// A study, or empty for all together.
    public var scope: String
    /// Proven ε so far, at the site's δ.
    public var spent: Double
    /// ε that may be spent.
    public var limit: Double
    public var chargeCount: Int
  }

  // MARK: - Reading

  /// The account of one study (empty for all), as if `planned` were charged too.
  ///
  /// - Parameters:
  ///   - planned: a study's identifier and its plan, which stands for what of it was charged already.
  public func account(
    _ scope: String, with planned: (study: String, plan: PrivacyPlan)? = nil
  ) async throws -> Account {
    account(scope, in: try await store.ledgerSnapshot(), with: planned)
  }

  private func account(
    _ scope: String, in snapshot: LedgerSnapshot,
    with planned: (study: String, plan: PrivacyPlan)? = nil
  ) -> Account {
    var cost = PrivacyCost()
    var count = 0
    for total in snapshot.totals where scope.isEmpty || total.charge.study == scope {
      if total.charge.study == planned?.study { continue }
      cost.add(total)
      count += total.queryCount * total.openingCount
    }
    if let planned {
      for release in planned.plan.releases {
        cost.add(release.noise, study: planned.study, count: release.count)
      }
    }
    return Account(
      scope: scope, spent: cost.epsilon(delta: budget.delta), limit: limit(scope, in: snapshot),
      chargeCount: count)
  }

  /// Studies with charges, in order of their first.
  public func studies() async throws -> [String] {
    var seen: Set<String> = []
    return try await store.ledger().map(\.charge.study).filter { seen.insert($0).inserted }
  }

  /// The largest ε of a study (empty for all): of the decision confirmed last, else the policy's.
  private func limit(_ scope: String, in snapshot: LedgerSnapshot) -> Double {
    BudgetDecision.standing(snapshot.decisions, scope: scope)
      ?? (scope.isEmpty ? budget.epsilonInTotal : budget.epsilonPerStudy)
  }

  // MARK: - Deciding

  /// Decides about charges of a study, in the transaction that writes them: within what the study
  /// planned with its reserve of reopenings, within the site's limit for it, and within the limit for
  /// all studies together.
  func admission(to plan: StudyPlan, site: String) throws -> LedgerAdmission {
    guard let privacy = try PrivacyPlan(plan) else {
      return { _ in "the study has no differential privacy and nothing to charge" }
    }
    let planned = privacy.largestEpsilon(delta: budget.delta)
    let end = "at \(site) (delta \(budget.delta)); nothing was sent"
    return { snapshot in
      let own = snapshot.totals.filter { $0.charge.study == plan.id }
      let again = own.reduce(0) { $0 + $1.queryCount * ($1.openingCount - 1) }
      if again > privacy.goal.reopenings {
        return
          "sums of this study were asked \(again) times more than once, and it planned"
          + " \(privacy.goal.reopenings): every answer that left may have been opened. Refused \(end)"
      }
      let cost = Self.cost(of: own)
      if !cost.isWithin(epsilon: planned, delta: budget.delta) {
        return
          "this would bring the study to epsilon \(Self.text(cost.epsilon(delta: budget.delta))), above"
          + " the \(Self.text(planned)) that it planned at most, \(end)"
      }
      for scope in [plan.id, ""] {
        let cost = scope.isEmpty ? Self.cost(of: snapshot.totals) : cost
        let limit = limit(scope, in: snapshot)
        guard !cost.isWithin(epsilon: limit, delta: budget.delta) else { continue }
        return
          "this would bring \(scope.isEmpty ? "all studies together" : "this study") to epsilon"
          + " \(Self.text(cost.epsilon(delta: budget.delta))), above the limit of \(Self.text(limit))"
          + " \(end). A data steward can read `wardround site ledger` and decide on"
          + " `wardround site budget`"
      }
      return nil
    }
  }

  private static func cost(of totals: [LedgerTotal]) -> PrivacyCost {
    var cost = PrivacyCost()
    for total in totals { cost.add(total) }
    return cost
  }

  /// Throws `budgetExhausted` when a release would not be admitted at this moment. What decides is the
  /// admission in the transaction that charges; this only spares everybody a round that would fail.
  /// A query that was charged before may need no further charge and passes.
  func check(
    _ noise: NoiseRequirement, query: [UInt8], purpose: String, plan: StudyPlan, site: String
  ) async throws {
    try await checkNotRolledBack()
    let charge = LedgerCharge(
      noise, study: plan.id, query: query, round: 0, purpose: purpose)
    guard try await !store.isCharged(study: plan.id, query: query) else { return }
    var snapshot = try await store.ledgerSnapshot()
    snapshot.totals.append(LedgerTotal(charge: charge, queryCount: 1, openingCount: 1))
    if let reason = try admission(to: plan, site: site)(snapshot) {
      throw StudyError(.budgetExhausted, "the \(purpose): \(reason)")
    }
  }

  /// What a whole study would bring each account to: the study's, then all studies'.
  public func accounts(with plan: StudyPlan) async throws -> [Account] {
    guard let privacy = try PrivacyPlan(plan) else { return [] }
    let snapshot = try await store.ledgerSnapshot()
    return [plan.id, ""].map { account($0, in: snapshot, with: (plan.id, privacy)) }
  }

  /// Why a study cannot be approved with what is left of the budget; empty when it can.
  public func objections(to plan: StudyPlan) async throws -> [String] {
    try await accounts(with: plan).filter { $0.spent > $0.limit * (1 + 1e-9) }.map {
      "the study would bring \($0.scope.isEmpty ? "all studies together" : "its own account") to"
        + " epsilon \(Self.text($0.spent)), above this site's limit of \(Self.text($0.limit))"
        + " (delta \(budget.delta))"
    }
  }

  /// What the studies without differential privacy mean for the sum of the others; nil where there were
  /// none.
  public func unbounded() async throws -> String? {
    let studies = try await store.studiesWithoutNoise()
    guard !studies.isEmpty else { return nil }
    return
      "answered without differential privacy: \(studies.joined(separator: ", ")). What they say about a"
      + " patient is not bounded, so no epsilon over all studies holds for the patients in them"
  }

  /// The same in lines for the review sheet: what the ledger holds, and what is outside of it.
  public func lines(for plan: StudyPlan) async throws -> [String] {
    var lines: [String] = []
    let spent = try await account("").spent
    if let line = try await line(for: plan, spent: spent) {
      lines.append(line)
    } else if spent > 0 {
      lines.append(
        "this site's ledger: epsilon \(Self.text(spent)) spent so far by studies with differential"
          + " privacy; after this study, which has none, that bounds nothing for the patients in both"
      )
    }
    if let unbounded = try await unbounded() { lines.append("this site has \(unbounded)") }
    return lines
  }

  private func line(for plan: StudyPlan, spent: Double) async throws -> String? {
    let accounts = try await accounts(with: plan)
    guard accounts.count == 2 else { return nil }
    return
      "this site's ledger: epsilon \(Self.text(spent)) spent by all studies with differential"
      + " privacy so far; this study may"
      + " use up to \(Self.text(accounts[0].spent)) of its limit \(Self.text(accounts[0].limit)), all"
      + " together then \(Self.text(accounts[1].spent)) of \(Self.text(accounts[1].limit)) (delta"
      + " \(budget.delta))"
  }

  /// Throws `budgetExhausted` when the database is older than the mark beside it.
  public func checkNotRolledBack() async throws {
    guard let mark = try readMark() else {
      // The mark is written after the first charge; only a crash right between leaves one without it.
      guard try await store.ledgerMark()?.sequence ?? 0 <= 1 else {
        throw StudyError(
          .budgetExhausted,
          "the privacy ledger of this site has charges and the mark beside it, \(markPath), is gone. Put"
            + " it back from where the database came from; until then nothing that costs privacy is"
            + " answered")
      }
      return
    }
    guard try await store.ledgerContains(mark) else {
      throw StudyError(
        .budgetExhausted,
        "the privacy ledger of this site ends before entry \(mark.sequence), which it once had: the"
          + " database was restored from a backup. Put the newer database back; until then nothing"
          + " that costs privacy is answered")
    }
  }

  /// Writes how far the ledger reaches; call after charges.
  public func advanceMark() async throws {
    guard let mark = try await store.ledgerMark() else { return }
    if let known = try readMark(), known.sequence >= mark.sequence { return }
    try write(mark)
  }

  /// How far the ledger reaches, signed, to be left with the aggregator; nil when nothing was charged.
  func signedHead(site: String, key: SigningKey) async throws -> SignedLedgerHead? {
    guard let mark = try await store.ledgerMark() else { return nil }
    return SignedLedgerHead(
      site: site, sequence: UInt64(clamping: mark.sequence), digest: try Digest(mark.digest),
      key: key)
  }

  /// Checks the ledger against a mark that was kept elsewhere. When the ledger does not hold it, the mark
  /// takes the place of the one beside the database, so that nothing is answered, also after a restart,
  /// until a database that holds it is back.
  ///
  /// - Throws: `budgetExhausted`, then and when the mark cannot be written.
  func require(_ mark: LedgerMark) async throws {
    guard try await !store.ledgerContains(mark) else { return }
    try write(mark)
    try await checkNotRolledBack()
  }

  private func write(_ mark: LedgerMark) throws {
    let hexadecimal = mark.digest.map { byte in
      let text = String(byte, radix: 16)
      return text.count == 1 ? "0" + text : text
    }.joined()
    do {
      try Data("\(mark.sequence) \(hexadecimal)\n".utf8).write(
        to: URL(filePath: markPath), options: .atomic)
    } catch {
      throw StudyError(
        .budgetExhausted,
        "the mark of the privacy ledger cannot be written to \(markPath); free space there or correct"
          + " its permissions")
    }
  }

  // MARK: - The mark

  private var markPath: String { store.path + ".ledger" }

  private func readMark() throws -> LedgerMark? {
    guard FileManager.default.fileExists(atPath: markPath) else { return nil }
    guard let data = FileManager.default.contents(atPath: markPath),
      let text = String(data: data, encoding: .utf8)
    else { throw unreadableMark() }
    let parts = text.split(whereSeparator: \.isWhitespace)
    guard parts.count == 2, let sequence = Int64(parts[0]), parts[1].utf8.count == 64 else {
      throw unreadableMark()
    }
    var digest: [UInt8] = []
    var rest = parts[1][...]
    while !rest.isEmpty {
      guard let byte = UInt8(rest.prefix(2), radix: 16) else { throw unreadableMark() }
      digest.append(byte)
      rest = rest.dropFirst(2)
    }
    return LedgerMark(sequence: sequence, digest: digest)
  }

  private func unreadableMark() -> StudyError {
    StudyError(
      .budgetExhausted,
      "the mark of the privacy ledger, \(markPath), cannot be read; restore it from where the"
        + " database came from")
  }

  static func text(_ epsilon: Double) -> String {
    epsilon.isFinite ? String((epsilon * 1000).rounded() / 1000) : "without bound"
  }
}

extension PrivacyCost {
  /// Adds charges of one kind. Openings of one query belong together: with sampling they are over the
  /// same patients.
  mutating func add(_ total: LedgerTotal) {
    add(
      NoiseRequirement(total.charge), study: total.charge.study, count: total.queryCount,
      openings: total.openingCount)
  }
}

extension NoiseRequirement {
  /// What a charge of the ledger was for.
  init(_ charge: LedgerCharge) {
    self.init(
      variance: UInt64(max(charge.variance, 0)),
      sensitivitySquared: UInt64(max(charge.sensitivitySquared, 0)),
      group: PatientGroup(rawValue: UInt8(clamping: charge.patientGroup)) ?? .everybody,
      samplingRate: charge.samplingRate)
  }
}

extension LedgerCharge {
  /// The charge of one release.
  init(
    _ noise: NoiseRequirement, study: String, query: [UInt8], round: UInt64, purpose: String
  ) {
    self.init(
      study: study, queryDigest: query, round: round, purpose: purpose,
      patientGroup: Int64(noise.group.rawValue), variance: Int64(clamping: noise.variance),
      sensitivitySquared: Int64(clamping: noise.sensitivitySquared),
      samplingRate: noise.samplingRate)
  }
}
