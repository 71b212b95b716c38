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

/// The cohort that a study's answers come from, by its digest.
enum StudyCohort {
  static let schema = """
    CREATE TABLE study_cohort (
      study TEXT PRIMARY KEY NOT NULL REFERENCES study (id),
      fingerprint BLOB NOT NULL
    ) STRICT;
    INSERT INTO study_cohort
      SELECT study, fingerprint FROM answer_commitment WHERE true GROUP BY study;

    """

  /// Records the cohort of a study's first answer; throws `dataChanged` for another one later.
  static func require(
    _ fingerprint: [UInt8], study: String, in connection: Database, known: inout KnownRows
  ) throws {
    let first =
      try known.cohorts[study]
      ?? connection.firstRow(
        "SELECT fingerprint FROM study_cohort WHERE study = ?", [study]
      )?.bytes("fingerprint")
    known.cohorts[study] = first ?? fingerprint
    guard let first else {
      return try connection.run("INSERT INTO study_cohort VALUES (?, ?)", [study, fingerprint])
    }
    guard first == fingerprint else {
      throw StoreError(.dataChanged, subject: "study \(study)")
    }
  }
}

extension SiteStore {
  /// Records what is about to leave, with its audit entry and all that belongs to it, in one step, and
  /// syncs it: call it before the bytes go out.
  ///
  /// Every answer of a study comes from one and the same cohort: the difference of two answers, over a
  /// cohort with and without one patient, would be that patient, and noise that is drawn again from
  /// the same seed would not hide it.
  ///
  /// - Parameters:
  ///   - fingerprint: digest of the cohort that the answer was computed from.
  ///   - commitment: what the site binds itself to; a repeated question keeps its first one.
  ///   - charge: what the release costs the patients' privacy budget; one that is there already is
  ///     paid.
  ///   - admission: decides about a new charge.
  /// - Throws: `dataChanged` when the data differ from those of the study's first answer;
  ///   `budgetExhausted`; `transitionRefused` when the study is not approved at this moment;
  ///   `notFound`.
  public func recordDisclosure(
    _ disclosure: Disclosure, from fingerprint: [UInt8]? = nil,
    commitment: AnswerCommitment? = nil, charge: LedgerCharge? = nil,
    admission: LedgerAdmission? = nil, durability: Durability = .full
  ) async throws(StoreError) {
    let time = database.clock()
    try await database.writeKnowing("record disclosure", durability: durability) {
      connection, known in
      let study = try SiteStudy.standing(of: disclosure.study, in: connection, known: &known)
      if let fingerprint = fingerprint ?? commitment?.fingerprint {
        try StudyCohort.require(fingerprint, study: study.id, in: connection, known: &known)
      }
      try disclosure.record(of: study, at: time, in: connection, known: &known)
      try commitment?.record(at: time, in: connection, known: &known)
      _ = try LedgerTable.append(
        charge.map { [$0] } ?? [], admission: admission, at: time, in: connection)
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
  func record(
    of study: SiteStudy.Standing, at time: Double, in connection: Database,
    known: inout KnownRows
  ) throws {
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
      to: connection, head: &known.auditHead)
  }
}
