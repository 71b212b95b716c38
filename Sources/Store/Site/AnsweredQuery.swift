import GRDB

/// A sum that this site helped to open.
public struct AnsweredQuery: Sendable, Equatable {
  public var queryDigest: [UInt8]
  public var round: UInt64
  /// The sites in the sum, U2.
  public var participants: [String]
  /// Seconds since 1970-01-01 UTC.
  public var answeredAt: Double
}

/// The set-change rule for a query (PRIVACY-CORE §2.7, differencing), checked in the transaction
/// that journals the release.
public struct QueryRelease: Sendable, Equatable {
  public var queryDigest: [UInt8]
  /// The sites in the sum, U2.
  public var participants: [String]
  /// The same query may be opened again for the same set, or for one that differs from every set
  /// opened before by at least this many sites (default 3). Nil leaves the rule to the protocol's own
  /// state machine. Answers with noise are limited by the privacy ledger besides, which admits each of
  /// them in the transaction that charges it.
  public var minimumSetDifference: Int?

  public init(queryDigest: [UInt8], participants: [String], minimumSetDifference: Int? = 3) {
    self.queryDigest = queryDigest
    self.participants = participants
    self.minimumSetDifference = minimumSetDifference
  }

  /// Whether `earlier`, an opened answer to the same query, allows this one.
  func isAllowed(after earlier: AnsweredQuery) -> Bool {
    guard let minimumSetDifference else { return true }
    let difference = Set(participants).symmetricDifference(earlier.participants)
    return difference.isEmpty || difference.count >= minimumSetDifference
  }
}

extension QueryRelease {
  /// Checks the rule against every earlier opening and records this one, for ever.
  func apply(
    study: String, round: UInt64, at time: Double, in connection: Database
  ) throws {
    let earlier = try AnsweredQuery.fetchAll(
      study: study, queryDigest: queryDigest, in: connection)
    for answer in earlier where !isAllowed(after: answer) {
      throw StoreError(
        .queryAnswered, subject: "study \(study), round \(round), opened in \(answer.round)")
    }
    try connection.run(
      "INSERT INTO answered_query VALUES (?, ?, ?, ?, ?)",
      [
        study, queryDigest.blob, try RoundNumber.stored(round), try participants.namesText(), time,
      ])
  }
}

extension AnsweredQuery {
  static func fetchAll(
    study: String, queryDigest: [UInt8], in connection: Database
  ) throws -> [AnsweredQuery] {
    try connection.allRows(
      "SELECT * FROM answered_query WHERE study = ? AND query_digest = ? ORDER BY round",
      [study, queryDigest.blob]
    ).map { row in
      AnsweredQuery(
        queryDigest: try row.bytes("query_digest"), round: try row.round("round"),
        participants: try row.names("participants"), answeredAt: try row.real("answered_at"))
    }
  }
}
