import GRDB

/// One thing that left the hospital, as the data steward would want to read it.
public struct Disclosure: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable {
    /// A masked answer, readable only as a sum over the sites.
    case sumAnswer = "sum-answer"
    /// A table of aggregates about this site, in clear to the study.
    case siteAnswer = "site-answer"
  }

  public var study: String
  public var kind: Kind
  /// The query, in words.
  public var query: String
  /// How many numbers.
  public var valueCount: Int64
  /// How many bytes.
  public var byteCount: Int64
  /// The smallest number of patients behind a value, where the query has cells; else nil.
  public var smallestCell: Int64?
  /// Seconds since 1970-01-01 UTC; filled in by the store.
  public var recordedAt: Double

  public init(
    study: String, kind: Kind, query: String, valueCount: Int64, byteCount: Int64,
    smallestCell: Int64? = nil, recordedAt: Double = 0
  ) {
    self.study = study
    self.kind = kind
    self.query = query
    self.valueCount = valueCount
    self.byteCount = byteCount
    self.smallestCell = smallestCell
    self.recordedAt = recordedAt
  }
}

extension SiteStore {
  /// Records what is about to leave, with its audit entry, and syncs both: call it before the bytes
  /// go out.
  ///
  /// - Throws: `transitionRefused` when the study is not approved at this moment; `notFound`.
  /// - Parameter charge: what the release costs the patients' privacy budget, written in the same step.
  public func recordDisclosure(
    _ disclosure: Disclosure, charge: LedgerCharge? = nil, durability: Durability = .full
  ) async throws(StoreError) {
    let time = database.clock()
    try await database.write("record disclosure", durability: durability) { connection in
      let study = try SiteStudy.standing(of: disclosure.study, in: connection)
      try disclosure.record(of: study, at: time, in: connection)
      if let charge { try LedgerTable.append(charge, at: time, in: connection) }
    }
  }

  /// What left for a study, oldest first; for all studies when nil.
  public func disclosures(study: String? = nil) async throws(StoreError) -> [Disclosure] {
    try await database.read("read disclosures") { connection in
      try Row.fetchAll(
        connection,
        sql: "SELECT * FROM disclosure WHERE ?1 IS NULL OR study = ?1 ORDER BY id",
        arguments: [study]
      ).map { row in
        Disclosure(
          study: try row.text("study"), kind: try row.choice("kind"),
          query: try row.text("query"), valueCount: try row.integer("value_count"),
          byteCount: try row.integer("byte_count"),
          smallestCell: try row.integerIfPresent("smallest_cell"),
          recordedAt: try row.real("recorded_at"))
      }
    }
  }
}

extension Disclosure {
  /// Inserts the disclosure and its audit entry, in a transaction of the caller.
  func record(of study: SiteStudy.Standing, at time: Double, in connection: Database) throws {
    guard study.status.mayAnswer else {
      throw StoreError(
        .transitionRefused, "the study is not approved at this site", subject: "study \(study.id)")
    }
    try connection.run(
      """
      INSERT INTO disclosure
        (study, kind, query, value_count, byte_count, smallest_cell, recorded_at)
      VALUES (?, ?, ?, ?, ?, ?, ?)
      """,
      [study.id, kind.rawValue, query, valueCount, byteCount, smallestCell, time])
    let cell = smallestCell.map { ", smallest cell \($0)" } ?? ""
    try AuditLog.append(
      AuditNote(
        actor: "agent", action: "disclosed-\(kind.rawValue)", study: study.id,
        detail: "\(query): \(valueCount) values, \(byteCount) bytes\(cell)"), at: time,
      to: connection)
  }
}
