import Foundation
import SiteData
import Store
import Study

/// The site's own book of what studies have learned about its patients (PRIVACY-CORE §4.6): charged
/// when Unmask was sent, kept through crashes, and able to refuse.
///
/// A restored backup of the database would forget charges. How far the ledger reached is therefore
/// also written to a small file beside the database; a ledger that no longer holds that entry answers
/// nothing more.
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
  /// - Parameter replacing: whether `planned` is the whole of its study and stands for what of it was
  ///   charged already.
  public func account(
    _ scope: String, adding planned: [(NoiseRequirement, count: Int)] = [], of study: String = "",
    replacing: Bool = false
  ) async throws -> Account {
    let entries = try await store.ledger().filter {
      (scope.isEmpty || $0.charge.study == scope) && !(replacing && $0.charge.study == study)
    }
    var cost = PrivacyCost()
    for entry in entries { cost.add(NoiseRequirement(entry.charge), study: entry.charge.study) }
    for (noise, count) in planned { cost.add(noise, study: study, count: count) }
    return Account(
      scope: scope, spent: cost.isZero ? 0 : cost.epsilon(delta: budget.delta),
      limit: try await limit(scope), chargeCount: entries.count)
  }

  /// Studies with charges, in order of their first.
  public func studies() async throws -> [String] {
    var seen: Set<String> = []
    return try await store.ledger().map(\.charge.study).filter { seen.insert($0).inserted }
  }

  /// The largest ε of a study (empty for all): the last decision that counts, else the policy's.
  public func limit(_ scope: String) async throws -> Double {
    let decision = try await store.budgetDecisions().last {
      $0.scope == scope && $0.confirmedBy != nil
    }
    return decision?.epsilon ?? (scope.isEmpty ? budget.epsilonInTotal : budget.epsilonPerStudy)
  }

  // MARK: - Deciding

  /// Throws `budgetExhausted` when a release would take a study, or all studies together, over what
  /// this site allows.
  public func check(_ noise: NoiseRequirement, purpose: String, study: String) async throws {
    try await checkNotRolledBack()
    for scope in [study, ""] {
      let account = try await account(scope, adding: [(noise, 1)], of: study)
      guard account.spent <= account.limit * (1 + 1e-9) else {
        throw StudyError(
          .budgetExhausted,
          "the \(purpose) would bring \(scope.isEmpty ? "all studies together" : "this study") to"
            + " epsilon \(Self.text(account.spent)) at this site, above its limit of"
            + " \(Self.text(account.limit)) (delta \(budget.delta)); nothing was sent. A data steward"
            + " can read `wardround site ledger` and decide on `wardround site budget`")
      }
    }
  }

  /// What a whole study would bring each account to: the study's, then all studies'.
  public func accounts(with plan: StudyPlan) async throws -> [Account] {
    guard let privacy = try PrivacyPlan(plan) else { return [] }
    let planned = privacy.releases.map { ($0.noise, count: $0.count) }
    return [
      try await account(plan.id, adding: planned, of: plan.id, replacing: true),
      try await account("", adding: planned, of: plan.id, replacing: true),
    ]
  }

  /// Why a study cannot be approved with what is left of the budget; empty when it can.
  public func objections(to plan: StudyPlan) async throws -> [String] {
    try await accounts(with: plan).filter { $0.spent > $0.limit * (1 + 1e-9) }.map {
      "the study would bring \($0.scope.isEmpty ? "all studies together" : "its own account") to"
        + " epsilon \(Self.text($0.spent)), above this site's limit of \(Self.text($0.limit))"
        + " (delta \(budget.delta))"
    }
  }

  /// The same in one line for the review sheet; nil without differential privacy.
  public func line(for plan: StudyPlan) async throws -> String? {
    let accounts = try await accounts(with: plan)
    guard accounts.count == 2 else { return nil }
    let spent = try await account("").spent
    return
      "this site's ledger: epsilon \(Self.text(spent)) spent by all studies so far; this study may"
      + " use up to \(Self.text(accounts[0].spent)) of its limit \(Self.text(accounts[0].limit)), all"
      + " together then \(Self.text(accounts[1].spent)) of \(Self.text(accounts[1].limit)) (delta"
      + " \(budget.delta))"
  }

  /// Throws `budgetExhausted` when the database is older than the mark beside it.
  public func checkNotRolledBack() async throws {
    guard let mark = try readMark() else { return }
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
