import GRDB

/// A query that this site answered, and with whom.
public struct AnsweredQuery: Sendable, Equatable {
  public var queryDigest: [UInt8]
  public var key: RoundKey
  /// The sites in the sum, U2.
  public var participants: [String]
  /// Whether shares were released, so that the aggregator could open the sum.
  public var released: Bool
  /// Seconds since 1970-01-01 UTC.
  public var answeredAt: Double
}

/// The set-change rule for a query (PRIVACY-CORE §2.7, differencing), checked in the transaction
/// that journals the step.
public struct QueryRelease: Sendable, Equatable {
  public var queryDigest: [UInt8]
  /// The sites in the sum, U2.
  public var participants: [String]
  /// The same query may be answered again for the same set, or for one that differs from every set
  /// answered before by at least this many sites (default 3). Nil when the answer carries noise,
  /// and the privacy ledger, not this rule, limits repeats.
  public var minimumSetDifference: Int?

  public init(queryDigest: [UInt8], participants: [String], minimumSetDifference: Int? = 3) {
    self.queryDigest = queryDigest
    self.participants = participants
    self.minimumSetDifference = minimumSetDifference
  }

  /// Whether `earlier`, an opened answer to the same query, allows this one.
  func isAllowed(after earlier: AnsweredQuery) -> Bool {
    guard let minimumSetDifference, earlier.released else { return true }
    let difference = Set(participants).symmetricDifference(earlier.participants)
    return difference.isEmpty || difference.count >= minimumSetDifference
  }
}

extension AnsweredQuery {
  static func fetchAll(
    study: String, queryDigest: [UInt8], in connection: Database
  ) throws -> [AnsweredQuery] {
    try Row.fetchAll(
      connection,
      sql: """
        SELECT * FROM answered_query WHERE study = ? AND query_digest = ?
        ORDER BY epoch, round
        """, arguments: [study, queryDigest.blob]
    ).map { row in
      AnsweredQuery(
        queryDigest: try row.bytes("query_digest"),
        key: RoundKey(
          study: try row.text("study"), epoch: try row.integer("epoch"),
          round: try row.integer("round")),
        participants: try row.names("participants"),
        released: try row.integer("released") != 0, answeredAt: try row.real("answered_at"))
    }
  }
}
