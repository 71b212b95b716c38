import GRDB

/// Charges of one kind, counted: what a decision about the next charge needs of a ledger.
public struct LedgerTotal: Sendable, Equatable {
  /// One of them; its query, round and purpose are those of any.
  public var charge: LedgerCharge
  /// How many queries were charged like this.
  public var queryCount: Int
  /// How often each of these queries was charged, ≥ 1.
  public var openingCount: Int

  public init(charge: LedgerCharge, queryCount: Int, openingCount: Int) {
    self.charge = charge
    self.queryCount = queryCount
    self.openingCount = openingCount
  }
}

/// The ledger and the decisions about budgets as one transaction sees them.
public struct LedgerSnapshot: Sendable, Equatable {
  /// In a fixed order.
  public var totals: [LedgerTotal]
  /// Oldest first.
  public var decisions: [BudgetDecision]

  public init(totals: [LedgerTotal], decisions: [BudgetDecision]) {
    self.totals = totals
    self.decisions = decisions
  }
}

/// Decides about charges in the transaction that writes them: the snapshot holds them already. Returns
/// why they are refused, in words for people; nil lets them be written. No other charge, of any study
/// or process, comes between the look and the write.
public typealias LedgerAdmission = @Sendable (LedgerSnapshot) -> String?

extension LedgerTable {
  /// Writes charges that are not there yet, and asks whether what the ledger then holds is allowed.
  ///
  /// - Throws: `budgetExhausted` with the reason, `invalidValue`; the transaction is to be rolled back.
  static func append(
    _ charges: [LedgerCharge], admission: LedgerAdmission?, at time: Double,
    in connection: Database
  ) throws -> AppendOutcome {
    var isNew = false
    for charge in charges {
      let outcome = try append(charge, at: time, in: connection)
      isNew = isNew || outcome == .appended
    }
    guard isNew else { return .alreadyThere }
    if let admission, let reason = admission(try LedgerSnapshot(in: connection)) {
      throw StoreError(.budgetExhausted, reason)
    }
    return .appended
  }
}

extension LedgerSnapshot {
  init(in connection: Database) throws {
    let columns = "study, patient_group, variance, sensitivity_squared, sampling_rate"
    let rows = try connection.allRows(
      """
      SELECT \(columns), openings, count(*) AS queries, min(query_digest) AS query_digest,
        min(round) AS round, min(purpose) AS purpose
      FROM (SELECT \(columns), query_digest, count(*) AS openings, min(round) AS round,
          min(purpose) AS purpose
        FROM ledger GROUP BY \(columns), query_digest)
      GROUP BY \(columns), openings
      ORDER BY \(columns), openings
      """)
    totals = try rows.map { row in
      LedgerTotal(
        charge: try LedgerCharge(row), queryCount: Int(try row.integer("queries")),
        openingCount: Int(try row.integer("openings")))
    }
    decisions = try BudgetDecision.fetchAll(in: connection)
  }
}

extension SiteStore {
  /// Whether a query of a study was charged at least once.
  public func isCharged(study: String, query: [UInt8]) async throws(StoreError) -> Bool {
    try await database.read("look for a charge") {
      try $0.firstRow(
        "SELECT 1 FROM ledger WHERE study = ? AND query_digest = ? LIMIT 1", [study, query.blob])
        != nil
    }
  }

  /// What a decision about a charge would see at this moment.
  public func ledgerSnapshot() async throws(StoreError) -> LedgerSnapshot {
    try await database.read("read ledger totals") { try LedgerSnapshot(in: $0) }
  }
}
