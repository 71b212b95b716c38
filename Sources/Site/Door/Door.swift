import Cryptography
import Store
import Study

/// The one place through which anything about patients can leave the hospital (design decision 1).
///
/// Two things pass: the answer to a sum query, which is masked right behind the door, and the site's
/// own small table of aggregates. Before either leaves, the door checks that the study is approved
/// at this moment, that the local policy allows the query, that the cohort is large enough and the one of
/// the study's first answer, and that the answer has the shape and range the query allows; then it writes
/// the disclosure, the audit line and what it costs to the disk, within the privacy budget. Whatever fails here never reaches the network.
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

  /// Lets an answer to a sum query through, or throws.
  func release(
    _ answer: [Int64], to query: SumQuery, rowCount: Int, commitment: AnswerCommitment
  ) async throws {
    try check(query.kind, query.purpose, rowCount: rowCount)
    try query.check(answer, in: plan, rowCount: rowCount)
    // Charged, and refused for good, with every vector that is handed in.
    if let noise = query.noise {
      try await ledger.check(
        noise, query: commitment.query, purpose: query.purpose, plan: plan, site: site)
    }
    try await record(
      .init(
        study: plan.id, kind: .sumAnswer, query: query.purpose, valueCount: Int64(answer.count),
        byteCount: Int64(answer.count * query.ringWidth.byteCount), smallestCell: nil),
      from: commitment.fingerprint, commitment: commitment, durability: .relaxed)
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
    _ disclosure: Store.Disclosure, from fingerprint: [UInt8], commitment: AnswerCommitment? = nil,
    charge: LedgerCharge? = nil, durability: Durability = .full
  ) async throws {
    do {
      try await store.recordDisclosure(
        disclosure, from: fingerprint, commitment: commitment, charge: charge,
        admission: admission, durability: durability)
    } catch {
      switch error.code {
      case .conflict:
        throw StudyError(
          .refusedByPolicy,
          "this site's data are not those of its first answer in this study; the difference of two"
            + " answers could be one patient. Nothing was sent; put the data back")
      case .budgetExhausted:
        throw StudyError(.budgetExhausted, "the \(disclosure.query): \(error.message)")
      default: throw error
      }
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
