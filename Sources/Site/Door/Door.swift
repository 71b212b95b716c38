import Cryptography
import Store
import Study

/// The one place through which anything about patients can leave the hospital (design decision 1).
///
/// Two things pass: the answer to a sum query, which is masked right behind the door, and the site's
/// own small table of aggregates. Before either leaves, the door checks that the study is approved
/// at this moment, that the local policy allows the query, that the cohort is large enough, and that
/// the answer has the shape and range the query allows; then it writes the disclosure and the audit
/// line to the disk. Whatever fails here never reaches the network.
struct Door: Sendable {
  let plan: StudyPlan
  let policy: SitePolicy
  let store: SiteStore
  let ledger: PrivacyLedger

  init(plan: StudyPlan, policy: SitePolicy, store: SiteStore) {
    self.plan = plan
    self.policy = policy
    self.store = store
    ledger = PrivacyLedger(store: store, budget: policy.privacy)
  }

  /// Lets an answer to a sum query through, or throws.
  func release(
    _ answer: [Int64], to query: SumQuery, rowCount: Int, commitment: AnswerCommitment
  ) async throws {
    try check(query.kind, query.purpose, rowCount: rowCount)
    try query.check(answer, in: plan, rowCount: rowCount)
    // Charged when the sum may be opened; refused here, before anything has left.
    if let noise = query.noise {
      try await ledger.check(noise, purpose: query.purpose, study: plan.id)
    }
    do {
      try await store.recordDisclosure(
        .init(
          study: plan.id, kind: .sumAnswer, query: query.purpose,
          valueCount: Int64(answer.count),
          byteCount: Int64(answer.count * query.ringWidth.byteCount), smallestCell: nil),
        commitment: commitment, durability: .relaxed)
    } catch  where error.code == .conflict {
      throw StudyError(
        .refusedByPolicy,
        "this site's data are not those of its first answer in this study; the difference of two"
          + " sums could be one patient. Nothing was sent; put the data back, or begin another study"
      )
    }
  }

  /// Lets a site answer through: its canonical bytes, to be signed.
  ///
  /// - Parameter digest: of the query behind its history, under which its cost is charged.
  func release(
    _ answer: SiteAnswer, to query: SiteQuery, digest: Digest, rowCount: Int
  ) async throws -> [UInt8] {
    try check(query.kind, query.purpose, rowCount: rowCount)
    let bytes = answer.canonicalBytes
    // The same check that every other party makes: what they would refuse is not sent.
    _ = try SiteAnswer(bytes: bytes, to: query)
    var charge: LedgerCharge?
    if let noise = query.noise {
      // An answer that was computed before is the same answer: it is paid already.
      let isPaid = try await store.ledger().contains {
        $0.charge.study == plan.id && $0.charge.queryDigest == digest.bytes
      }
      if !isPaid {
        try await ledger.check(noise, purpose: query.purpose, study: plan.id)
        charge = LedgerCharge(
          noise, study: plan.id, query: digest.bytes, round: 0, purpose: query.purpose)
      }
    }
    try await store.recordDisclosure(
      .init(
        study: plan.id, kind: .siteAnswer, query: query.purpose, valueCount: 1,
        byteCount: Int64(bytes.count),
        smallestCell: query.noise == nil ? Int64(plan.privacy.minimumCell) : nil),
      charge: charge)
    if charge != nil { try await ledger.advanceMark() }
    return bytes
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
