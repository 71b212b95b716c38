import Cohort

/// Which variables a code means and how its values become the variable's unit: worked out once per
/// distinct code and unit, then looked up by number.
struct EventBinding: Sendable {
  private enum Conversion: Sendable {
    case identity
    case linear(UnitConversion)
    case unknown
  }

  private struct Rule: Sendable {
    let isNumber: Bool
    let isCategory: Bool
    let unit: String?
    let clinical: String
    let hard: ClosedRange<Double>
    let warn: ClosedRange<Double>?
    let missing: [Double]
  }

  /// What of a rule every number needs: no text and no list, so that looking it up counts no
  /// reference.
  private struct Bounds: Sendable {
    let lowest: Double
    let highest: Double
    let warnLowest: Double
    let warnHighest: Double
    let hasUnit: Bool
    let hasMissing: Bool

    init(_ rule: Rule) {
      lowest = rule.hard.lowerBound
      highest = rule.hard.upperBound
      warnLowest = rule.warn?.lowerBound ?? -.infinity
      warnHighest = rule.warn?.upperBound ?? .infinity
      hasUnit = rule.unit != nil
      hasMissing = !rule.missing.isEmpty
    }
  }

  private let variables: [RecordVariable]
  private let rules: [Rule]
  private let bounds: [Bounds]
  private let undeclared: DiagnosisCode.System?
  private var starts: [Int32] = [0]
  private var bound: [Int32] = []
  private var conversions: [[Conversion]]
  private var unitCount = 0
  /// Whether each text is a number with a decimal comma.
  private var commaTexts: [Bool] = []

  /// `undeclared` is the system of diagnoses whose system the source does not name.
  init(_ recipe: RecordsRecipe, undeclared: DiagnosisCode.System?) {
    variables = recipe.variables
    self.undeclared = undeclared
    conversions = recipe.variables.map { _ in [] }
    let all = -Moments.bound...Moments.bound
    let rules = recipe.variables.map { variable in
      switch variable.kind {
      case .number(let unit, let hard, let warn):
        let given = hard ?? all
        return Rule(
          isNumber: true, isCategory: false, unit: unit,
          clinical: variable.clinical ?? variable.name,
          hard: given.clamped(to: all), warn: warn, missing: variable.missingValues)
      case .category:
        return Rule(
          isNumber: false, isCategory: true, unit: nil, clinical: "", hard: all, warn: nil,
          missing: variable.missingValues)
      case .occurrence:
        return Rule(
          isNumber: false, isCategory: false, unit: nil, clinical: "", hard: all, warn: nil,
          missing: [])
      }
    }
    self.rules = rules
    bounds = rules.map(Bounds.init)
  }

  /// Learns the codes and units that are new in the lexicon.
  mutating func extend(_ lexicon: Lexicon) {
    while starts.count <= lexicon.codes.count {
      let text = lexicon.codes.text(Int32(starts.count - 1))
      let diagnosis = DiagnosisCode(text, undeclared: undeclared)
      for (number, variable) in variables.enumerated()
      where variable.codes.contains(where: { $0.matches(text, diagnosis) }) {
        bound.append(Int32(number))
      }
      starts.append(Int32(bound.count))
    }
    while unitCount < lexicon.units.count {
      let unit = lexicon.units.text(Int32(unitCount))
      for number in rules.indices { conversions[number].append(conversion(unit, rules[number])) }
      unitCount += 1
    }
    while commaTexts.count < lexicon.texts.count {
      commaTexts.append(FieldText.isDecimalComma(lexicon.texts.text(Int32(commaTexts.count))))
    }
  }

  private func conversion(_ unit: String, _ rule: Rule) -> Conversion {
    guard rule.isNumber, let target = rule.unit else { return .identity }
    do {
      let found = try UnitConversion.from(unit, to: target, feature: rule.clinical)
      return found.isIdentity ? .identity : .linear(found)
    } catch {
      return .unknown
    }
  }

  /// The variables of a code as positions in `variable(at:)`; empty for a code that none gathers or
  /// that has not been learnt.
  @inline(__always)
  func variables(of code: Int32) -> Range<Int> {
    let position = Int(code)
    guard position >= 0, position + 1 < starts.count else { return 0..<0 }
    return Int(starts[position])..<Int(starts[position + 1])
  }

  @inline(__always)
  func variable(at position: Int) -> Int { Int(bound[position]) }

  func isNumber(_ variable: Int) -> Bool { rules[variable].isNumber }
  func isCategory(_ variable: Int) -> Bool { rules[variable].isCategory }

  /// The value of a numeric variable in its unit, inside its hard range; not-a-number when missing.
  @inline(__always)
  func number(_ event: Event, _ variable: Int, _ tally: inout VariableTally) -> Double {
    let bounds = bounds[variable]
    var value = event.value
    if value.isNaN, event.text != Lexicon.none {
      tally.wordCount &+= 1
      let text = Int(event.text)
      if commaTexts.indices.contains(text)
        ? commaTexts[text] : Lexicon.isDecimalComma(event.text)
      {
        tally.decimalCommaCount &+= 1
      }
      return .nan
    }
    if value.isNaN || (bounds.hasMissing && isMissing(value, variable)) {
      tally.missingCount &+= 1
      return .nan
    }
    if event.unit == Lexicon.none {
      if bounds.hasUnit { tally.unitAssumedCount &+= 1 }
    } else {
      let slot = Int(event.unit)
      guard slot >= 0, slot < conversions[variable].count else {
        tally.unknownUnitCount &+= 1
        return .nan
      }
      switch conversions[variable][slot] {
      case .identity: break
      case .linear(let conversion):
        value = conversion.apply(value)
        tally.convertedCount &+= 1
      case .unknown:
        tally.unknownUnitCount &+= 1
        return .nan
      }
    }
    guard value >= bounds.lowest, value <= bounds.highest else {
      tally.hardRangeCount &+= 1
      return .nan
    }
    if value < bounds.warnLowest || value > bounds.warnHighest { tally.warnRangeCount &+= 1 }
    // Negative zero and zero are one value.
    return value + 0
  }

  /// Whether a number is none, or one that the recipe says means "not recorded".
  @inline(__always)
  func isMissing(_ value: Double, _ variable: Int) -> Bool {
    let missing = rules[variable].missing
    return value.isNaN || (!missing.isEmpty && missing.contains(value))
  }

  /// Whether the value of a category means "not recorded".
  func isMissing(_ event: Event, _ variable: Int) -> Bool {
    if event.text != Lexicon.none { return false }
    return event.value.isNaN || rules[variable].missing.contains(event.value)
  }
}
