/// How the table of a recipe looks, in numbers for tables and figures. It stays in the hospital.
public struct CohortOverview: Sendable, Hashable {
  /// Rows without a value of a feature.
  public struct Gap: Sendable, Hashable {
    public var feature: String
    /// Of the rows with the outcome.
    public var withCount: Int
    /// Of the rows without it.
    public var withoutCount: Int
  }

  public var outcome: String
  public var rowCount: Int
  /// Rows with the outcome.
  public var eventCount: Int
  public var flow: [FlowStep]
  public var gaps: [Gap]
  /// Features that may know the outcome, in words.
  public var suspects: [String]

  public init(_ table: FeatureTable, suspects: [String]) {
    let labels = table.outcomes.map { outcome -> Bool in
      if case .event = outcome { return true }
      return false
    }
    outcome = table.outcomeName ?? ""
    rowCount = table.rowCount
    eventCount = labels.count(where: \.self)
    flow = table.flow
    gaps = table.columns.map { column in
      let missing = labels.indices.filter { column.isMissing($0) }
      let with = missing.count { labels[$0] }
      return Gap(feature: column.name, withCount: with, withoutCount: missing.count - with)
    }
    self.suspects = suspects
  }
}
