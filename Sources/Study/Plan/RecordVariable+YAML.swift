import Cohort
import Records
import StrictYAML

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
