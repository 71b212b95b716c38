import Cohort
import Records
import StrictYAML

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
