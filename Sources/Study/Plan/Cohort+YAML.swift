import Cohort
import Records
import StrictYAML

/// The cohort sections of a study file: `cohort`, `outcome`, `features`, `holdout`.
extension CohortSpecification {
  /// - Parameter recipe: of a study that starts from records: every index event is then a row of its
  ///   own unless the study says otherwise, and the patient is the records' subject.
  init(
    yaml node: YAMLNode?, features: [FeatureSpecification], outcome: OutcomeSpecification,
    holdout: HoldoutRule, recipe: RecordsRecipe? = nil
  ) throws(YAMLProblem) {
    let keys = ["patient", "rows_per_patient", "order", "include"]
    let map = try node?.mapping(keys: keys)
    let standard = recipe == nil ? RowsPerPatient.first : .all
    self.init(
      patientColumn: try map?.optionalString("patient") ?? (recipe == nil ? nil : "subject"),
      rowsPerPatient: try map?.choice("rows_per_patient", default: standard) ?? standard,
      orderColumn: try map?.optionalString("order"), features: features, outcome: outcome,
      include: try map?.optionalList("include") { (entry) throws(YAMLProblem) in
        try Criterion(yaml: entry)
      } ?? [],
      holdout: holdout)
  }
}

extension YAMLMapping {
  /// Refuses a `recorded` that is not true: who lacks a record is chosen by leaving out who has one.
  func requireTrue(_ key: String) throws(YAMLProblem) {
    guard try !boolean(key) else { return }
    throw problem(
      .outOfRange, at: key, "`\(key)` can only be true",
      advice:
        "write `\(key): true`; in a recipe, to keep those without a record, write it under `exclude`"
    )
  }
}

extension Criterion {
  /// `{column: age, at_least: 18, because: adults only}`; exactly one comparison.
  init(yaml node: YAMLNode) throws(YAMLProblem) {
    let comparisons: [(key: String, comparison: Comparison)] = [
      ("below", .less), ("at_most", .lessOrEqual), ("equals", .equal), ("not", .notEqual),
      ("at_least", .greaterOrEqual), ("above", .greater), ("one_of", .oneOf),
      ("recorded", .present),
    ]
    let map = try node.mapping(keys: ["column", "because"] + comparisons.map(\.key))
    let chosen = comparisons.filter { map.optional($0.key) != nil }
    guard chosen.count == 1, let (key, comparison) = chosen.first else {
      throw node.problem(
        .missingKey, "an inclusion criterion has exactly one comparison",
        advice: "write one of \(comparisons.map(\.key).joined(separator: ", "))")
    }
    let values = comparison == .present ? [] : try map.strings(key)
    if comparison == .present { try map.requireTrue(key) }
    switch comparison {
    case .less, .lessOrEqual, .greaterOrEqual, .greater:
      guard values.count == 1, values.allSatisfy(\.isNumberOrDate) else {
        throw map.problem(
          .outOfRange, at: key, "`\(key)` compares with one number or one date",
          advice: "write a number, or a date as 2024-01-31")
      }
    case .equal, .notEqual:
      guard values.count == 1 else {
        throw map.problem(
          .outOfRange, at: key, "`\(key)` compares with one value",
          advice: "use `one_of` for several")
      }
    case .oneOf:
      guard !values.isEmpty else {
        throw map.problem(
          .outOfRange, at: key, "the list is empty", advice: "name at least one value")
      }
    case .present: break
    }
    self.init(
      column: try map.string("column"), comparison: comparison, values: values,
      reason: try map.string("because"))
  }
}

extension OutcomeSpecification {
  /// `{column: died, positive: [1], name: death in hospital}` or `above: 0`, `at_least: 3`; with `values`
  /// where models may learn what the column holds.
  init(yaml node: YAMLNode) throws(YAMLProblem) {
    let map = try node.mapping(keys: [
      "column", "name", "positive", "above", "at_least", "values",
    ])
    let rule: Rule
    switch (map.optional("positive"), map.optional("above"), map.optional("at_least")) {
    case (.some, nil, nil): rule = .oneOf(try map.strings("positive"))
    case (nil, .some, nil): rule = .comparison(.greater, try map.double("above"))
    case (nil, nil, .some): rule = .comparison(.greaterOrEqual, try map.double("at_least"))
    default:
      throw node.problem(
        .missingKey, "the outcome needs exactly one rule",
        advice: "write one of `positive: [values]`, `above: number`, `at_least: number`")
    }
    self.init(
      column: try map.string("column"), positive: rule, name: try map.string("name"),
      values: try map.optional("values").map { (node) throws(YAMLProblem) in
        try OutcomeValues(yaml: node)
      },
      unit: try map.optional("values")?.mapping(keys: OutcomeValues.keys).optionalString("unit"))
  }
}

extension OutcomeValues {
  static let keys = ["range", "maximum", "classes", "unit"]

  /// `{range: [0, 60], unit: d}`, `{maximum: 30}` or `{classes: [home, nursing home, died]}`.
  init(yaml node: YAMLNode) throws(YAMLProblem) {
    let map = try node.mapping(keys: Self.keys)
    switch (map.optional("range"), map.optional("maximum"), map.optional("classes")) {
    case (.some(let range), nil, nil): self = .number(try range.range())
    case (nil, .some, nil):
      self = .count(maximum: try map.integer("maximum", in: 1...Self.largestCount))
    case (nil, nil, .some): self = .classes(try map.strings("classes"))
    default:
      throw node.problem(
        .missingKey, "the outcome's values are of exactly one kind",
        advice: "write one of `range: [low, high]`, `maximum: count`, `classes: [words]`")
    }
  }
}

extension FeatureSpecification {
  init(yaml node: YAMLNode) throws(YAMLProblem) {
    let map = try node.mapping(keys: [
      "name", "column", "type", "unit", "range", "resolution", "levels", "missing",
    ])
    let name = try map.string("name")
    let kind: Kind
    switch try map.choice("type", FeatureType.self) {
    case .number:
      try Self.refuse("levels", in: map, type: "number")
      kind = .number(
        unit: try map.optionalString("unit"),
        hardRange: try map.optional("range").map { (node) throws(YAMLProblem) in try node.range() },
        resolution: try map.optionalDouble("resolution", in: 1e-9...1e12))
    case .category:
      for key in ["unit", "range", "resolution"] {
        try Self.refuse(key, in: map, type: "category")
      }
      // In the form in which the cohort holds the words of the data, so that `1.0` means `1`.
      let levels = try map.strings("levels").map { CellText.canonical($0) }
      kind = .category(levels: levels.isEmpty ? nil : levels)
    case .flag:
      for key in ["unit", "range", "resolution", "levels"] {
        try Self.refuse(key, in: map, type: "flag")
      }
      kind = .flag
    }
    self.init(
      name, column: try map.optionalString("column"), kind: kind,
      missingCodes: try map.codes("missing") ?? [])
  }

  private enum FeatureType: String, CaseIterable {
    case number
    case category
    case flag
  }

  private static func refuse(
    _ key: String, in map: YAMLMapping, type: String
  ) throws(YAMLProblem) {
    guard map.optional(key) == nil else {
      throw map.problem(
        .outOfRange, at: key, "`\(key)` has no meaning for a \(type)", advice: "remove it")
    }
  }
}

extension HoldoutRule {
  /// `{fraction: 0.3}`, `{from: 2024-01-01, column: admitted}` or `{column: split, value: test}`.
  init(yaml node: YAMLNode, study: String) throws(YAMLProblem) {
    let map = try node.mapping(keys: ["fraction", "key", "column", "from", "value"])
    switch (map.optional("fraction"), map.optional("from"), map.optional("value")) {
    case (.some, nil, nil):
      let fraction = try map.double("fraction", in: 0.05...0.6)
      self = .hash(fraction: fraction, key: try map.optionalString("key") ?? study)
    case (nil, .some, nil):
      let from = try map.string("from")
      guard from.isNumberOrDate else {
        throw map.problem(
          .outOfRange, at: "from", "`from` is neither a date nor a number",
          advice: "write a date as 2024-01-31")
      }
      self = .time(column: try map.string("column"), from: from)
    case (nil, nil, .some):
      self = .column(name: try map.string("column"), holdoutValue: try map.string("value"))
    default:
      throw node.problem(
        .missingKey, "the holdout needs exactly one rule",
        advice: "write `fraction: 0.3`, or `column:` with `from:` (a date), or `column:` with"
          + " `value:`")
    }
  }
}

extension String {
  /// Whether values can be ordered against this text.
  fileprivate var isNumberOrDate: Bool { CellText.number(self) != nil || CellText.isDate(self) }
}
