import Cohort
import Records
import StrictYAML

/// The cohort of a study file, over a table that is there or over the table of its `records` section.
extension CohortSpecification {
  /// Reads `cohort`, `outcome` and `features`. With a recipe all three may be left out: the outcome is
  /// the recipe's, and the features are all of its table's but labels.
  ///
  /// What a study can name of a recipe's table is what is known at the prediction time; the outcome's
  /// own columns can be nothing but the outcome.
  init(
    study root: YAMLMapping, holdout: HoldoutRule, recipe: RecordsRecipe?
  ) throws(YAMLProblem) {
    guard let recipe else {
      let outcome = try OutcomeSpecification(yaml: root.required("outcome"))
      let features = try root.list("features", count: 1...1000) { (node) throws(YAMLProblem) in
        try FeatureSpecification(yaml: node)
      }
      try self.init(
        yaml: root.optional("cohort"), features: features, outcome: outcome, holdout: holdout)
      return
    }
    guard let rule = recipe.outcome else {
      throw root.problem(
        .missingKey, at: "records", "a study needs an outcome and its recipe has none",
        advice: "add `outcome: {name: …, event: …, within: …}` to `records`")
    }
    let outcome =
      try root.optional("outcome").map { (node) throws(YAMLProblem) in
        try OutcomeSpecification(yaml: node)
      } ?? OutcomeSpecification(column: rule.name, positive: .oneOf(["1"]), name: rule.name)
    guard outcome.column == rule.name else {
      throw root.problem(
        .inconsistent, at: "outcome", "the records' outcome is `\(rule.name)`",
        advice: "write `column: \(rule.name)`, or leave `outcome` out")
    }
    guard outcome.values == nil else {
      throw root.problem(
        .inconsistent, at: "outcome", "the outcome of records is an event, without other values",
        advice: "remove `values`, or start the study from a table")
    }
    let features: [FeatureSpecification]
    if let node = root.optional("features") {
      features = try node.list(count: 1...4096).map { (entry) throws(YAMLProblem) in
        try FeatureSpecification(yaml: entry, recipe: recipe)
      }
    } else {
      features = recipe.modelFeatures.filter { $0.column != holdout.column }
    }
    try self.init(
      yaml: root.optional("cohort"), features: features, outcome: outcome, holdout: holdout,
      recipe: recipe)
    try check(root, recipe)
  }

  /// Throws unless every column that the study names is one that the recipe makes, and known in time.
  private func check(_ root: YAMLMapping, _ recipe: RecordsRecipe) throws(YAMLProblem) {
    let made = recipe.features.map(\.name) + recipe.derived.map(\.name)
    func require(_ column: String, in names: [String], at key: String) throws(YAMLProblem) {
      guard !names.contains(column) else { return }
      let near = Suggestion.nearest(to: column, among: names)
      throw root.problem(
        .inconsistent, at: key,
        "`\(column)` is no column of `records` known at the prediction time",
        advice: near.map { "did you mean `\($0)`?" } ?? "add it to `features` in `records`")
    }
    // A stay can be the subject, and a person have several: a label then tells the persons apart.
    let labels = recipe.features.filter { feature in
      feature.isLabel
        && recipe.variables.first { $0.name == feature.measure.variable }?.kind == .category
    }.map(\.name)
    guard let patientColumn, patientColumn == "subject" || labels.contains(patientColumn) else {
      throw root.problem(
        .inconsistent, at: "cohort", "the patient of records is their subject, or a label of it",
        advice: "remove `patient`, or name a category of `features` in `records` with `label: true`"
      )
    }
    for feature in features { try require(feature.column, in: made, at: "features") }
    for criterion in include { try require(criterion.column, in: made, at: "cohort") }
    if let orderColumn { try require(orderColumn, in: made + ["index_time"], at: "cohort") }
    if let column = holdout.column {
      try require(column, in: made + ["index_time"], at: "holdout")
    }
  }
}

extension FeatureSpecification {
  /// A feature of a study over records: its name alone, with the kind, unit and range that the recipe
  /// gives it, or in full.
  fileprivate init(yaml node: YAMLNode, recipe: RecordsRecipe) throws(YAMLProblem) {
    guard let name = try? node.string() else {
      try self.init(yaml: node)
      return
    }
    guard let feature = recipe.specification(of: name) else {
      let near = Suggestion.nearest(to: name, among: recipe.columnNames)
      throw node.problem(
        .unknownWord, "the records have no such feature",
        advice: near.map { "did you mean `\($0)`?" } ?? "name a feature of `records`")
    }
    self = feature
  }
}
