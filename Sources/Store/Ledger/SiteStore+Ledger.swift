import GRDB

extension SiteStore {
  /// Every charge, oldest first; the chain of digests is checked on the way.
  ///
  /// - Throws: `corrupted` naming the first entry that is not what was written.
  public func ledger() async throws(StoreError) -> [LedgerEntry] {
    try await database.read("read ledger") { connection in
      var entries: [LedgerEntry] = []
      var previous = [UInt8](repeating: 0, count: 32)
      for row in try Row.fetchAll(connection, sql: "SELECT * FROM ledger ORDER BY sequence") {
        let entry = try LedgerEntry(row)
        let digest = LedgerTable.digest(
          of: entry.charge, sequence: entry.sequence, at: entry.chargedAt, after: previous)
        guard entry.sequence == Int64(entries.count) + 1, entry.digest == digest else {
          throw StoreError(
            .corrupted, "the privacy ledger is not what was written",
            subject: "entry \(entries.count + 1)")
        }
        previous = digest
        entries.append(entry)
      }
      return entries
    }
  }

  /// How far the ledger reaches; nil when nothing was charged.
  public func ledgerMark() async throws(StoreError) -> LedgerMark? {
    try await database.read("read ledger mark") { connection in
      try connection.firstRow(
        "SELECT sequence, digest FROM ledger ORDER BY sequence DESC LIMIT 1"
      ).map { LedgerMark(sequence: try $0.integer("sequence"), digest: try $0.bytes("digest")) }
    }
  }

  /// Whether the ledger still holds an entry that it once reached.
  public func ledgerContains(_ mark: LedgerMark) async throws(StoreError) -> Bool {
    try await database.read("compare ledger") { connection in
      try connection.firstRow(
        "SELECT digest FROM ledger WHERE sequence = ?", [mark.sequence]
      )?.bytes("digest") == mark.digest
    }
  }
}

extension LedgerCharge {
  init(_ row: Row) throws {
    self.init(
      study: try row.text("study"), queryDigest: try row.bytes("query_digest"),
      round: try row.round("round"), purpose: try row.text("purpose"),
      patientGroup: try row.integer("patient_group"), variance: try row.integer("variance"),
      sensitivitySquared: try row.integer("sensitivity_squared"),
      samplingRate: try row.real("sampling_rate"))
  }
}

extension LedgerEntry {
  init(_ row: Row) throws {
    self.init(
      sequence: try row.integer("sequence"), charge: try LedgerCharge(row),
      chargedAt: try row.real("charged_at"), digest: try row.bytes("digest"))
  }
}

/// A budget that persons at the site set beyond the one in site.yaml.
public struct BudgetDecision: Sendable, Equatable {
  public var sequence: Int64
  /// A study's identifier, or empty for all studies together.
  public var scope: String
  /// ε at the site's δ.
  public var epsilon: Double
  public var proposedBy: String
  public var confirmedBy: String?
  /// When it was confirmed, seconds since 1970-01-01 UTC; nil before.
  public var confirmedAt: Double?

  public init(
    sequence: Int64, scope: String, epsilon: Double, proposedBy: String,
    confirmedBy: String? = nil, confirmedAt: Double? = nil
  ) {
    self.sequence = sequence
    self.scope = scope
    self.epsilon = epsilon
    self.proposedBy = proposedBy
    self.confirmedBy = confirmedBy
    self.confirmedAt = confirmedAt
  }

  /// The ε that counts for a scope: of the decision confirmed last, not of the one proposed last; nil
  /// when none was confirmed.
  public static func standing(_ decisions: [BudgetDecision], scope: String) -> Double? {
    decisions.filter { $0.scope == scope && $0.confirmedBy != nil }.max {
      ($0.confirmedAt ?? 0, $0.sequence) < ($1.confirmedAt ?? 0, $1.sequence)
    }?.epsilon
  }

  static func fetchAll(in connection: Database) throws -> [BudgetDecision] {
    try connection.allRows("SELECT * FROM budget ORDER BY sequence").map {
      BudgetDecision(
        sequence: try $0.integer("sequence"), scope: try $0.text("scope"),
        epsilon: try $0.real("epsilon"), proposedBy: try $0.text("proposed_by"),
        confirmedBy: try $0.textIfPresent("confirmed_by"),
        confirmedAt: try $0.realIfPresent("confirmed_at"))
    }
  }
}

extension SiteStore {
  /// Records that somebody proposes another budget; it counts once it is confirmed.
  ///
  /// - Parameter confirmed: whether one person is enough at this site.
  /// - Returns: the number under which another person confirms it.
  @discardableResult
  public func proposeBudget(
    scope: String, epsilon: Double, by person: String, confirmed: Bool
  ) async throws(StoreError) -> Int64 {
    let time = database.clock()
    return try await database.write("propose budget") { connection in
      guard epsilon > 0, epsilon <= 1000, !person.isEmpty else {
        throw StoreError(.invalidValue, "a budget needs an epsilon above 0 and a person")
      }
      try connection.run(
        """
        INSERT INTO budget (scope, epsilon, proposed_by, proposed_at, confirmed_by, confirmed_at)
        VALUES (?, ?, ?, ?, ?, ?)
        """,
        [
          scope, epsilon, person, time, confirmed ? person : nil, confirmed ? time : nil,
        ])
      let sequence = connection.lastInsertedRowID
      try AuditLog.append(
        AuditNote(
          actor: person, action: confirmed ? "budget-set" : "budget-proposed", study: scope,
          detail: "epsilon \(epsilon), number \(sequence)"), at: time, to: connection)
      return sequence
    }
  }

  /// Confirms a proposed budget; it must be another person than the one who proposed it.
  public func confirmBudget(
    _ sequence: Int64, by person: String
  ) async throws(StoreError) {
    let time = database.clock()
    try await database.write("confirm budget") { connection in
      guard
        let row = try connection.firstRow(
          "SELECT * FROM budget WHERE sequence = ?", [sequence])
      else { throw StoreError(.notFound, "there is no such proposal", subject: "\(sequence)") }
      guard try row.textIfPresent("confirmed_by") == nil else {
        throw StoreError(.transitionRefused, "it is confirmed already", subject: "\(sequence)")
      }
      guard try !Self.isSamePerson(row.text("proposed_by"), person), !person.isEmpty else {
        throw StoreError(
          .transitionRefused, "the person who proposed a budget cannot confirm it",
          subject: "\(sequence)")
      }
      try connection.run(
        "UPDATE budget SET confirmed_by = ?, confirmed_at = ? WHERE sequence = ?",
        [person, time, sequence])
      try AuditLog.append(
        AuditNote(
          actor: person, action: "budget-confirmed", study: try row.text("scope"),
          detail: "epsilon \(try row.real("epsilon")), number \(sequence)"), at: time,
        to: connection)
    }
  }

  /// Whether two names are one but for case and spaces.
  private static func isSamePerson(_ one: String, _ other: String) -> Bool {
    func words(_ name: String) -> [String] {
      name.lowercased().split(whereSeparator: \.isWhitespace).map(String.init)
    }
    return words(one) == words(other)
  }

  /// Every decision about budgets, oldest first.
  public func budgetDecisions() async throws(StoreError) -> [BudgetDecision] {
    try await database.read("read budgets") { try BudgetDecision.fetchAll(in: $0) }
  }
}
