import CanonicalBytes

/// Which of a patient's eligible rows enter the cohort.
public enum RowsPerPatient: String, Sendable, Hashable, CaseIterable {
  /// The earliest by the order column, by position in the data without one.
  case first
  /// The latest by the order column, by position in the data without one.
  case last
  /// All of them. Sums are then bounded per row, not per patient, and reports say so.
  case all
}

/// Everything that turns a site's rows into a cohort. The same for every site of a study.
public struct CohortSpecification: Sendable, Hashable {
  /// The column with the patient's identifier. Without one every row is a patient of its own and
  /// is identified by its content, so that equal rows fall on the same side of the holdout.
  public var patientColumn: String?
  public var rowsPerPatient: RowsPerPatient
  /// The column that orders a patient's rows: ISO 8601 dates or numbers. Ties keep the order of
  /// the data; a row without a value is chosen only when the patient has no other.
  public var orderColumn: String?
  public var features: [FeatureSpecification]
  public var outcome: OutcomeSpecification
  /// Inclusion criteria, applied in this order, before one row per patient is chosen.
  public var include: [Criterion]
  public var holdout: HoldoutRule

  public init(
    patientColumn: String? = nil, rowsPerPatient: RowsPerPatient = .first,
    orderColumn: String? = nil, features: [FeatureSpecification], outcome: OutcomeSpecification,
    include: [Criterion] = [], holdout: HoldoutRule
  ) {
    self.patientColumn = patientColumn
    self.rowsPerPatient = rowsPerPatient
    self.orderColumn = orderColumn
    self.features = features
    self.outcome = outcome
    self.include = include
    self.holdout = holdout
  }

  /// Appends the canonical bytes: equal specifications have equal bytes, and only they.
  public func write(to writer: inout ByteWriter) {
    writer.optional(patientColumn) { $0.string($1) }
    writer.string(rowsPerPatient.rawValue)
    writer.optional(orderColumn) { $0.string($1) }
    writer.array(features) { $1.write(to: &$0) }
    outcome.write(to: &writer)
    writer.array(include) { $1.write(to: &$0) }
    holdout.write(to: &writer)
  }

  /// Throws `badSpecification` when the parts contradict each other.
  public func validate() throws(CohortError) {
    func fail(_ name: String, _ detail: String) -> CohortError {
      CohortError(.badSpecification, name: name, detail: detail)
    }
    guard !features.isEmpty else { throw fail("features", "a study needs at least one feature") }
    guard features.count <= 4096 else { throw fail("features", "at most 4096 features") }
    var names: Set<String> = []
    for feature in features {
      guard !feature.name.isEmpty, !feature.column.isEmpty else {
        throw fail(feature.name, "a feature needs a name and a column")
      }
      guard names.insert(feature.name).inserted else {
        throw fail(feature.name, "two features have this name")
      }
      guard feature.column != outcome.column else {
        throw fail(feature.name, "the outcome's column cannot be a feature")
      }
      switch feature.kind {
      case .number(_, let range, let resolution):
        if let range, !(range.lowerBound.isFinite && range.upperBound.isFinite) {
          throw fail(feature.name, "the range must be finite")
        }
        if let resolution, !(resolution.isFinite && resolution > 0) {
          throw fail(feature.name, "the resolution must be above zero")
        }
      case .category(let levels):
        if let levels {
          let canonical = levels.map { CellText.canonical($0) }
          guard !levels.isEmpty, Set(canonical).count == levels.count, !canonical.contains("")
          else { throw fail(feature.name, "levels must be different, non-empty words") }
        }
      case .flag: break
      }
    }
    for criterion in include {
      let count = criterion.values.count
      let fits =
        switch criterion.comparison {
        case .present: count == 0
        case .oneOf: count >= 1
        default: count == 1
        }
      guard fits else { throw fail(criterion.column, "the criterion has a wrong value count") }
    }
    switch outcome.positive {
    case .oneOf(let values):
      guard !values.isEmpty else { throw fail(outcome.column, "the outcome needs a value") }
    case .comparison(let comparison, let bound):
      guard bound.isFinite, comparison != .oneOf, comparison != .present else {
        throw fail(outcome.column, "the outcome's comparison needs an ordering and a number")
      }
    }
    try outcome.values?.validate(outcome.positive)
    if outcome.unit != nil {
      guard case .number? = outcome.values else {
        throw fail("outcome", "only the range of a number has a unit")
      }
    }
    if case .hash(let fraction, _) = holdout, !(fraction > 0 && fraction < 1) {
      throw fail("holdout", "the fraction must lie between 0 and 1")
    }
  }
}
