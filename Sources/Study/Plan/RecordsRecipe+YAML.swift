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

extension RecordVariable {
  init(yaml node: YAMLNode) throws(YAMLProblem) {
    let map = try node.mapping(keys: [
      "name", "clinical", "codes", "type", "unit", "range", "warn", "missing",
    ])
    let name = try map.string("name")
    let codes = try map.strings("codes").map { CodePattern($0) }
    for pattern in codes {
      if case .group(let grouping, let key) = pattern, pattern.isUnknownGroup {
        let near = Suggestion.nearest(to: key, among: grouping.keys)
        throw map.problem(
          .unknownWord, at: "codes", "there is no group `\(pattern.text)`",
          advice: near.map { "did you mean `\(grouping.rawValue):\($0)`?" }
            ?? "write one of \(grouping.keys.joined(separator: ", "))")
      }
      let head = pattern.text.prefix { $0 != ":" }
      if head.count < pattern.text.count, DiagnosisCode.isMisspelt(system: String(head)) {
        throw map.problem(
          .unknownWord, at: "codes", "`\(head)` is no code system of diagnoses",
          advice: "write one of \(DiagnosisCode.systemWords.joined(separator: ", "))")
      }
    }
    var variable: RecordVariable
    if let key = try map.optionalString("clinical") {
      if map.optional("type") != nil, try map.choice("type", VariableType.self) != .number {
        throw map.problem(
          .inconsistent, at: "type", "the variables of the dictionary are numbers",
          advice: "remove `type`, or leave `clinical` out and give `codes`")
      }
      guard let known = RecordVariable(name, clinical: key, codes: codes) else {
        throw map.problem(
          .unknownWord, at: "clinical", "the dictionary has no such variable",
          advice: "leave `clinical` out and give `codes`, `unit` and `range`")
      }
      variable = known
    } else {
      let type = try map.choice("type", default: VariableType.number)
      let kind: RecordVariable.Kind =
        switch type {
        case .number: .number(unit: nil, hardRange: nil, warnRange: nil)
        case .category: .category
        case .occurrence: .occurrence
        }
      variable = RecordVariable(name, codes: codes.isEmpty ? [.exact(name)] : codes, kind: kind)
    }
    let unit = try map.optionalString("unit")
    if let unit, variable.clinical != nil {
      guard let same = variable.inUnit(unit) else {
        throw map.problem(
          .outOfRange, at: "unit", "no conversion to this unit is known for this variable",
          advice: "write the unit in UCUM, as mg/dL or umol/L, or leave `clinical` out")
      }
      variable = same
    }
    if case .number(let known, let hard, let warn) = variable.kind {
      variable.kind = .number(
        unit: unit ?? known,
        hardRange: try map.optional("range").map { (node) throws(YAMLProblem) in
          try node.range()
        } ?? hard,
        warnRange: try map.optional("warn").map { (node) throws(YAMLProblem) in
          try node.range()
        } ?? warn)
    } else {
      for key in ["unit", "range", "warn"] where map.optional(key) != nil {
        throw map.problem(
          .outOfRange, at: key, "`\(key)` has a meaning for numbers only", advice: "remove it")
      }
    }
    for text in try map.codes("missing") ?? [] {
      guard let value = FieldText.number(text) else {
        throw map.problem(
          .wrongType, at: "missing", "missing values of a recipe are numbers",
          advice: "name missing words in the site's mapping")
      }
      variable.missingValues.append(value)
    }
    self = variable
  }

  private enum VariableType: String, CaseIterable {
    case number
    case category
    case occurrence
  }
}

extension FeatureWindow {
  /// `ever`, `since index`, `last 24 h`, `first 6 h`; `ever` when absent.
  init(yaml node: YAMLNode?) throws(YAMLProblem) {
    guard let node else {
      self = .ever
      return
    }
    let text = try node.string()
    if text == "ever" {
      self = .ever
    } else if text == "since index" {
      self = .sinceIndex
    } else if text.hasPrefix("last "), let seconds = Duration.seconds(text.dropFirst(5)),
      seconds > 0
    {
      self = .last(seconds)
    } else if text.hasPrefix("first "), let seconds = Duration.seconds(text.dropFirst(6)),
      seconds > 0
    {
      self = .first(seconds)
    } else {
      throw node.problem(
        .unknownWord, "this is not a window of some length",
        advice: "write `ever`, `since index`, `last 24 h` or `first 6 h`")
    }
  }
}

extension IndexRule {
  /// `start`, or `{event: admission, occurrence: every, apart: 30 d, at_least: 1}`.
  init(yaml node: YAMLNode) throws(YAMLProblem) {
    if let text = try? node.string(), text == "start" {
      self.init(.start)
      return
    }
    let map = try node.mapping(
      keys: ["event", "occurrence", "apart"] + ValueCondition.yamlKeys)
    self.init(
      .event(
        variable: try map.string("event"), condition: try ValueCondition(yaml: map, required: false)
      ),
      try map.choice("occurrence", default: .first),
      minimumGap: try map.optional("apart").map { (node) throws(YAMLProblem) in
        try node.duration()
      } ?? 0)
  }
}

extension ValueCondition {
  static let comparisons: [(key: String, comparison: Comparison)] = [
    ("below", .less), ("at_most", .lessOrEqual), ("equals", .equal), ("not", .notEqual),
    ("at_least", .greaterOrEqual), ("above", .greater), ("one_of", .oneOf),
    ("recorded", .present),
  ]
  static var yamlKeys: [String] { comparisons.map(\.key) }

  /// The one comparison of a mapping; nil when there is none and none is required.
  init?(yaml map: YAMLMapping, required: Bool) throws(YAMLProblem) {
    let chosen = Self.comparisons.filter { map.optional($0.key) != nil }
    if chosen.isEmpty, !required { return nil }
    guard chosen.count == 1, let (key, comparison) = chosen.first else {
      throw map.node.problem(
        .missingKey, "exactly one comparison is needed",
        advice: "write one of \(Self.yamlKeys.joined(separator: ", "))")
    }
    if comparison == .present { try map.requireTrue(key) }
    let values = comparison == .present ? [] : try map.strings(key)
    switch comparison {
    case .less, .lessOrEqual, .greaterOrEqual, .greater:
      guard values.count == 1, values.allSatisfy({ CellText.number($0) != nil }) else {
        throw map.problem(
          .outOfRange, at: key, "`\(key)` compares with one number", advice: "write a number")
      }
    case .equal, .notEqual, .oneOf:
      guard comparison == .oneOf ? !values.isEmpty : values.count == 1 else {
        throw map.problem(
          .outOfRange, at: key, "`\(key)` has a wrong number of values",
          advice: "use `one_of` for several")
      }
    case .present: break
    }
    self.init(comparison, values)
  }
}

extension RecordCriterion {
  /// `{variable: age, function: last, window: ever, at_least: 18, because: adults only}`, or of the
  /// subject's death `{death: by_prediction, because: died in hospital}`, `{death: within 24 h, ...}`.
  init(yaml node: YAMLNode, excludes: Bool, death: String?) throws(YAMLProblem) {
    let map = try node.mapping(
      keys: ["variable", "function", "window", "because", "death"] + ValueCondition.yamlKeys)
    if let rule = map.optional("death") {
      for key in ["variable", "function", "window"] + ValueCondition.yamlKeys
      where map.optional(key) != nil {
        throw map.problem(
          .inconsistent, at: key, "`\(key)` has no meaning in a rule about the death",
          advice: "remove it; `death` says which deaths are meant")
      }
      guard let death else {
        throw rule.problem(
          .missingKey, "a rule about the death needs to know it",
          advice: "write `subject: {death: VARIABLE}`")
      }
      self.init(
        deathWithin: try Self.seconds(rule), of: death, excludes: excludes,
        reason: try map.string("because"))
      return
    }
    let measure = Measure(
      try map.string("variable"), try FeatureWindow(yaml: map.optional("window")),
      try map.choice("function", default: .last))
    guard let condition = try ValueCondition(yaml: map, required: true) else {
      throw node.problem(.missingKey, "a comparison is needed", advice: "write `at_least: 18`")
    }
    self.init(measure, condition, excludes: excludes, reason: try map.string("because"))
  }

  /// `by_prediction`, or `within 24 h` of it.
  private static func seconds(_ node: YAMLNode) throws(YAMLProblem) -> Int64 {
    let text = try node.string()
    if text == "by_prediction" { return 0 }
    guard text.hasPrefix("within "), let seconds = Duration.seconds(text.dropFirst(7)) else {
      throw node.problem(
        .unknownWord, "this does not say which deaths are meant",
        advice: "write `by_prediction`, or `within 24 h` for deaths until a day after it as well")
    }
    return seconds
  }
}

extension RecordOutcome {
  /// `{name: readmitted, event: admission, within: 30 d, censoring: exclude}`.
  init(yaml node: YAMLNode) throws(YAMLProblem) {
    let map = try node.mapping(
      keys: ["name", "event", "within", "absent", "censoring", "at_risk", "follow_up", "same_day"]
        + ValueCondition.yamlKeys)
    self.init(
      try map.string("name"), variable: try map.string("event"),
      condition: try ValueCondition(yaml: map, required: false),
      horizon: try map.optional("within").map { (node) throws(YAMLProblem) in
        let seconds = try node.duration()
        guard seconds > 0 else {
          throw node.problem(
            .outOfRange, "a window of no length holds no outcome", advice: "write `within: 24 h`")
        }
        return seconds
      },
      absence: try map.choice("absent", default: .negative),
      censoring: try map.choice("censoring", default: .negative),
      requiresAtRisk: try map.boolean("at_risk", default: true),
      followUpVariable: try map.optionalString("follow_up"),
      countsSameDay: map.optional("same_day") == nil
        ? nil : try map.boolean("same_day", default: true))
  }
}

extension RecordsRecipe {
  /// Seconds of a duration as people write it: `30 min`, `24 h`, `30 d`; nil for anything else.
  public static func seconds(_ duration: String) -> Int64? { Duration.seconds(duration) }
}

/// Durations as people write them.
enum Duration {
  /// `30 min`, `24 h`, `30 d`, `1 a`; nil for anything else.
  static func seconds(_ text: some StringProtocol) -> Int64? {
    let parts = text.split(separator: " ")
    guard parts.count == 2, let number = FieldText.number(String(parts[0])), number >= 0 else {
      return nil
    }
    let unit: Double? =
      switch parts[1] {
      case "s": 1
      case "min": 60
      case "h": 3600
      case "d": 86_400
      case "a", "years": RecordTime.year
      default: nil
      }
    guard let unit, number * unit < Double(RecordTime.bound) else { return nil }
    return Int64((number * unit).rounded())
  }
}

extension YAMLNode {
  /// A duration in seconds.
  func duration() throws(YAMLProblem) -> Int64 {
    guard let seconds = Duration.seconds(try string()) else {
      throw problem(
        .outOfRange, "this is not a duration", advice: "write a number and s, min, h, d or a: 24 h")
    }
    return seconds
  }

  /// `[low, high]`.
  func range() throws(YAMLProblem) -> ClosedRange<Double> {
    let bounds = try list(count: 2...2)
    let lower = try bounds[0].double()
    let upper = try bounds[1].double()
    guard lower < upper else {
      throw problem(
        .outOfRange, "the lower bound is not below the upper one", advice: "write [low, high]")
    }
    return lower...upper
  }
}
