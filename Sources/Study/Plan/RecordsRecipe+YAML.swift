import Cohort
import Records
import StrictYAML

/// The recipe from raw records to a table: the keys `variables`, `subject`, `index`, `predict`,
/// `include`, `exclude`, `outcome`, `features`, `derived`, `duplicates` of a recipe file or of a
/// study's `records` section.
extension RecordsRecipe {
  /// The keys of a recipe.
  public static let yamlKeys = [
    "variables", "subject", "index", "predict", "include", "exclude", "outcome", "features",
    "derived", "duplicates",
  ]

  /// Decodes and checks a recipe.
  public init(yaml node: YAMLNode) throws(YAMLProblem) {
    let map = try node.mapping(keys: Self.yamlKeys)
    let variables = try map.list("variables", count: 1...Self.maximumParts) {
      (entry) throws(YAMLProblem) in try RecordVariable(yaml: entry)
    }
    let subject = try map.optionalMapping("subject", keys: ["birth", "death"])
    let predict = try map.optionalMapping("predict", keys: ["after"])
    let death = try subject?.optionalString("death")
    var criteria = try map.optionalList("include") { (entry) throws(YAMLProblem) in
      try RecordCriterion(yaml: entry, excludes: false, death: death)
    }
    criteria += try map.optionalList("exclude") { (entry) throws(YAMLProblem) in
      try RecordCriterion(yaml: entry, excludes: true, death: death)
    }
    let features = try Self.features(map, variables: variables)
    self.init(
      variables: variables, birth: try subject?.optionalString("birth"),
      death: death,
      index: try IndexRule(yaml: map.required("index")),
      predictionOffset: try predict?.optional("after").map { (node) throws(YAMLProblem) in
        try node.duration()
      } ?? 0,
      criteria: criteria,
      outcome: try map.optional("outcome").map { (node) throws(YAMLProblem) in
        try RecordOutcome(yaml: node)
      },
      features: features,
      derived: try map.optionalList("derived") { (entry) throws(YAMLProblem) in
        let map = try entry.mapping(keys: ["name", "interaction", "of"])
        return DerivedFeature(
          try map.string("name"), try map.choice("interaction"), of: try map.strings("of"))
      },
      removesDuplicates: try map.choice("duplicates", default: Duplicates.keep) == .remove)
    do {
      try validate()
    } catch {
      // At the part of the recipe that the fault names, as far as one can be told.
      let place = Self.place(of: error.name, in: map)
      throw place.problem(
        .inconsistent, error.name.isEmpty ? error.detail : "`\(error.name)`: \(error.detail)",
        advice: "correct this part of the recipe")
    }
  }

  /// The entry of a recipe with a name: a variable, a feature or a combination; else the whole recipe.
  private static func place(of name: String, in map: YAMLMapping) -> YAMLNode {
    let lists: [(key: String, words: [String])] = [
      ("derived", ["name"]), ("features", ["name"]), ("variables", ["name"]),
      ("features", ["variable", "variables"]), ("include", ["variable"]), ("exclude", ["variable"]),
    ]
    for (key, words) in lists {
      guard let entries = try? map.optional(key)?.list() else { continue }
      // Of two of one name the second.
      for entry in entries.reversed() {
        guard let parts = try? entry.namedEntries() else { continue }
        let isNamed = parts.contains { part in
          guard words.contains(part.name), let texts = try? part.value.list(orSingle: true) else {
            return false
          }
          return texts.contains { (try? $0.string()) == name }
        }
        if isNamed { return entry }
      }
    }
    for key in ["outcome", "index", "predict", "subject"] {
      guard let node = map.optional(key), let parts = try? node.namedEntries() else { continue }
      if name == key || parts.contains(where: { (try? $0.value.string()) == name }) { return node }
    }
    return map.optional(name) ?? map.node
  }

  /// The features, none of which asks of a variable what cannot be asked of it, and no two of one name.
  private static func features(
    _ map: YAMLMapping, variables: [RecordVariable]
  ) throws(YAMLProblem) -> [FeatureRequest] {
    var found: [FeatureRequest] = []
    var names: Set<String> = []
    for entry in try map.required("features").list() {
      for feature in try features(entry) {
        let name = feature.measure.variable
        guard let variable = variables.first(where: { $0.name == name }) else {
          let near = Suggestion.nearest(to: name, among: variables.map(\.name))
          throw entry.problem(
            .unknownWord, "there is no variable `\(name)`",
            advice: near.map { "did you mean `\($0)`?" } ?? "name it under `variables`")
        }
        guard feature.measure.function.fits(variable.kind) else {
          let fitting = FeatureFunction.allCases.filter { $0.fits(variable.kind) }
          throw entry.problem(
            .inconsistent,
            "`\(feature.measure.function.rawValue)` cannot be asked of `\(name)`, which holds no numbers",
            advice:
              "write one of \(fitting.map(\.rawValue).joined(separator: ", ")), or give `\(name)` the"
              + " `type: number`")
        }
        guard names.insert(feature.name).inserted else {
          throw entry.problem(
            .duplicateKey, "a feature before this one is called `\(feature.name)` too",
            advice: "give one of them another `name`")
        }
        found.append(feature)
      }
    }
    return found
  }

  private enum Duplicates: String, CaseIterable {
    case keep
    case remove
  }

  /// `{variable: hr, window: last 24 h, functions: [min, max]}`; a single function may be named.
  private static func features(_ node: YAMLNode) throws(YAMLProblem) -> [FeatureRequest] {
    let map = try node.mapping(
      keys: ["variable", "variables", "window", "functions", "name", "label"])
    let names = try map.strings("variable") + map.strings("variables")
    let functions = try map.required("functions").list(orSingle: true)
    let window = try FeatureWindow(yaml: map.optional("window"))
    guard !names.isEmpty, !functions.isEmpty else {
      throw node.problem(
        .missingKey, "a feature needs a variable and a function",
        advice: "write `variable: hr` and `functions: [min, max]`")
    }
    let isLabel = try map.boolean("label", default: false)
    let given = try map.optionalString("name")
    guard given == nil || (names.count == 1 && functions.count == 1) else {
      throw map.problem(
        .inconsistent, at: "name", "one name for several features",
        advice: "remove `name`, or split the entry")
    }
    var found: [FeatureRequest] = []
    for name in names {
      for function in functions {
        let measure = Measure(name, window, try function.choice(FeatureFunction.self))
        found.append(FeatureRequest(measure, name: given, isLabel: isLabel))
      }
    }
    return found
  }
}
