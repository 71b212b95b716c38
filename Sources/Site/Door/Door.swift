import Cryptography
import Store
import Study

/// The one place through which anything about patients can leave the hospital (design decision 1).
///
/// Two things pass: the answer to a sum query, which is masked right behind the door, and the site's
/// own small table of aggregates. Before either leaves, the door checks that the study is approved
/// at this moment, that the local policy allows the query, that the cohort is large enough and the one of
/// the study's first answer, and that the answer has the shape and range the query allows; the
/// disclosure, the audit line and what it costs, within the privacy budget, are on the disk before any
/// byte leaves. Whatever fails here never reaches the network.
struct Door: Sendable {
  let plan: StudyPlan
  let policy: SitePolicy
  let store: SiteStore
  let ledger: PrivacyLedger
  /// Decides about a charge in the transaction that writes it.
  let admission: LedgerAdmission
  private let site: String

  init(plan: StudyPlan, policy: SitePolicy, store: SiteStore, site: String) throws {
    self.plan = plan
    self.policy = policy
    self.store = store
    self.site = site
    ledger = PrivacyLedger(store: store, budget: policy.privacy)
    admission = try ledger.admission(to: plan, site: site)
  }

  /// An answer to a sum query that the door has looked at, and what it leaves to be written: in the
  /// transaction of the journal's record without which no masked vector leaves. What never left, because
  /// its round was over before, is then not recorded as disclosed.
  struct Passage: Sendable {
    fileprivate let disclosure: Store.Disclosure
    fileprivate let commitment: AnswerCommitment
  }

  /// Looks at an answer to a sum query before it is masked; throws when it may not leave.
  func release(
    _ answer: [Int64], to query: SumQuery, rowCount: Int, commitment: AnswerCommitment,
    isolation: isolated (any Actor)? = #isolation
  ) async throws -> Passage {
    try check(query.kind, query.purpose, rowCount: rowCount)
    try query.check(answer, in: plan, rowCount: rowCount)
    // Charged, and refused for good, with every vector that is handed in.
    if let noise = query.noise {
      try await ledger.check(
        noise, query: commitment.query, purpose: query.purpose, plan: plan, site: site)
    }
    return Passage(
      disclosure: .init(
        study: plan.id, kind: .sumAnswer, query: query.purpose, valueCount: Int64(answer.count),
        byteCount: Int64(answer.count * query.ringWidth.byteCount), smallestCell: nil),
      commitment: commitment)
  }

  /// Writes what the messages of a round need before they are sent, and with the first masked vector of
  /// a query what its answer discloses: approval, cohort and budget are checked in the same transaction.
  /// It waits for the disk on the calling thread.
  func append(
    _ batch: JournalBatch, letting passage: Passage?, durability: Durability
  ) throws {
    var batch = batch
    batch.disclosures += passage.map { [$0.disclosure] } ?? []
    batch.commitment = passage?.commitment
    batch.admission = admission
    do {
      try store.appendJournal(batch, study: plan.id, durability: durability)
    } catch {
      throw Self.explained(
        error, purpose: passage?.disclosure.query ?? batch.charges.first?.purpose ?? "sum")
    }
  }

  /// Lets a site answer through: its canonical bytes, to be signed.
  ///
  /// - Parameters:
  ///   - digest: of the query behind its history, under which its cost is charged, once: an answer that
  ///     is computed again, from the same data, is the same answer.
  ///   - fingerprint: of the cohort it was computed from.
  func release(
    _ answer: SiteAnswer, to query: SiteQuery, digest: Digest, fingerprint: Digest, rowCount: Int
  ) async throws -> [UInt8] {
    try check(query.kind, query.purpose, rowCount: rowCount)
    let bytes = answer.canonicalBytes
    // The same check that every other party makes: what they would refuse is not sent.
    _ = try SiteAnswer(bytes: bytes, to: query)
    if query.noise != nil { try await ledger.checkNotRolledBack() }
    let charge = query.noise.map {
      LedgerCharge($0, study: plan.id, query: digest.bytes, round: 0, purpose: query.purpose)
    }
    try await record(
      .init(
        study: plan.id, kind: .siteAnswer, query: query.purpose, valueCount: 1,
        byteCount: Int64(bytes.count),
        smallestCell: query.noise == nil ? Int64(plan.privacy.minimumCell) : nil),
      from: fingerprint.bytes, charge: charge)
    if charge != nil { try await ledger.advanceMark() }
    return bytes
  }

  private func record(
    _ disclosure: Store.Disclosure, from fingerprint: [UInt8], charge: LedgerCharge?
  ) async throws {
    do {
      try await store.recordDisclosure(
        disclosure, from: fingerprint, charge: charge, admission: admission)
    } catch {
      throw Self.explained(error, purpose: disclosure.query)
    }
  }

  /// A refusal of the store in the study's words.
  private static func explained(_ error: StoreError, purpose: String) -> any Error {
    switch error.code {
    case .dataChanged:
      StudyError(
        .refusedByPolicy,
        "this site's data are not those of its first answer in this study; the difference of two"
          + " answers could be one patient. Nothing was sent; put the data back")
    case .budgetExhausted: StudyError(.budgetExhausted, "the \(purpose): \(error.message)")
    default: error
    }
  }

  private func check(_ kind: QueryKind, _ purpose: String, rowCount: Int) throws {
    guard policy.allowedQueries.contains(kind) else {
      throw StudyError(
        .refusedByPolicy,
        "this site's policy does not allow the query `\(kind.rawValue)` (\(purpose)); nothing was"
          + " sent")
    }
    guard rowCount >= policy.minimumCohort else {
      throw StudyError(
        .refusedByPolicy,
        "this site's cohort is smaller than its policy's minimum of \(policy.minimumCohort)"
          + " patients; nothing was sent")
    }
  }
}
