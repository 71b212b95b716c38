/// What a row is used for.
public enum RowRole: UInt8, Sendable, Hashable {
  /// Counted in histograms, where it is in a tree's sample.
  case training
  /// Only counted in the evaluation loss that training stops by.
  case evaluation
  /// Not counted at all.
  case unused
}

/// One site's rows for one training.
public struct TrainingRows: Sendable {
  public let table: BinnedTable
  /// By row; checked against the objective when a training begins; 0 in unused rows.
  public let outcomes: [Double]
  /// A keyed hash of each row's patient: the first eight bytes, for instance, of keyed BLAKE2b. Rows
  /// of one patient share it. It decides rounding and sampling, and nothing that leaves the site.
  public let keys: [UInt64]
  public let roles: [RowRole]

  /// Throws `shapeMismatch` when the lists differ in length.
  public init(
    table: BinnedTable, outcomes: [Double], keys: [UInt64], roles: [RowRole]? = nil
  ) throws(BoostedTreesError) {
    let roles = roles ?? [RowRole](repeating: .training, count: table.rowCount)
    guard outcomes.count == table.rowCount, keys.count == table.rowCount,
      roles.count == table.rowCount
    else { throw BoostedTreesError(.shapeMismatch) }
    self.table = table
    // Whatever stands in an unused row is computed with and then not counted: it must not trap.
    self.outcomes = zip(outcomes, roles).map { $1 == .unused ? 0 : $0 }
    self.keys = keys
    self.roles = roles
  }
}
