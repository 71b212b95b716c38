import GRDB

/// A study without noise that this site takes part in: what it asks, over whom.
public struct ExactStudy: Sendable, Equatable {
  public var study: String
  /// Digest of what the study asks about patients, whatever its name: cohort, features, outcome, holdout.
  public var question: [UInt8]
  /// Digest of this site's patients in it.
  public var fingerprint: [UInt8]
  public var sites: [String]

  public init(study: String, question: [UInt8], fingerprint: [UInt8], sites: [String]) {
    self.study = study
    self.question = question
    self.fingerprint = fingerprint
    self.sites = sites
  }

  static let schema = """
    CREATE TABLE exact_study (
      study TEXT PRIMARY KEY NOT NULL REFERENCES study (id),
      question BLOB NOT NULL,
      fingerprint BLOB NOT NULL,
      sites TEXT NOT NULL
    ) STRICT;
    CREATE INDEX exact_study_by_question ON exact_study (question);
    """

  /// Whether the difference of the two studies' sums would be about few: other patients here, or fewer
  /// than `floor` sites between the two.
  func isNear(_ other: ExactStudy, floor: Int) -> Bool {
    let apart = Set(sites).symmetricDifference(other.sites).count
    return fingerprint != other.fingerprint || (apart > 0 && apart < floor)
  }
}

extension SiteStore {
  /// Takes up a study without noise, unless an earlier one asked the same over nearly the same.
  ///
  /// - Parameter floor: fewest sites by which two may differ (PRIVACY-CORE §2.7, differencing).
  /// - Returns: the earlier study; then nothing is written. Nil when the study is taken up, or was before.
  public func takeUp(_ study: ExactStudy, floor: Int) async throws(StoreError) -> String? {
    try await database.write("take up study") { connection in
      let rows = try Row.fetchAll(
        connection, sql: "SELECT * FROM exact_study WHERE question = ? AND study <> ?",
        arguments: [study.question.blob, study.study])
      for row in rows {
        let earlier = ExactStudy(
          study: try row.text("study"), question: try row.bytes("question"),
          fingerprint: try row.bytes("fingerprint"), sites: try row.names("sites"))
        if study.isNear(earlier, floor: floor) { return earlier.study }
      }
      try connection.execute(
        sql: "INSERT INTO exact_study VALUES (?, ?, ?, ?) ON CONFLICT (study) DO NOTHING",
        arguments: [
          study.study, study.question.blob, study.fingerprint.blob, try study.sites.namesText(),
        ])
      return nil
    }
  }

  /// Studies that something left for and that were never charged to the privacy ledger, in the order of
  /// their first answer.
  public func studiesWithoutNoise() async throws(StoreError) -> [String] {
    try await database.read("read studies without noise") { connection in
      try String.fetchAll(
        connection,
        sql: """
          SELECT study FROM disclosure WHERE study NOT IN (SELECT study FROM ledger)
          GROUP BY study ORDER BY min(id)
          """)
    }
  }
}
