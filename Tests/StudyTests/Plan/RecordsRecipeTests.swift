import Cohort
import Records
import StrictYAML
import Testing

@testable import Study

@Suite struct RecordsRecipeTests {
  private func recipe(_ text: String) throws -> RecordsRecipe {
    try RecordsRecipe(yaml: YAMLDocument(text: text, file: "recipe.yaml").root)
  }

  private let whole = """
    variables:
      - {name: hr, clinical: hr, codes: [pulse]}
      - {name: lactate, clinical: lact, unit: mg/dL, range: [0, 400], missing: [-9]}
      - {name: sex, type: category, codes: ["person:gender"]}
      - {name: birth, type: occurrence, codes: ["person:birth"]}
      - {name: death, type: number, codes: [death]}
      - {name: admission, type: occurrence, codes: ["visit:9201", "visit:IMP"]}
      - {name: heart failure, type: occurrence, codes: ["charlson:chf", "icd10cm:I50*"]}
    subject: {birth: birth}
    index: {event: admission, occurrence: every, apart: 30 d}
    predict: {after: 24 h}
    include:
      - {variable: birth, function: years_since, at_least: 18, because: adults}
    exclude:
      - {variable: heart failure, function: present, equals: 1, because: new onset only}
    outcome: {name: died, event: death, above: 0, within: 48 h, absent: unknown, at_risk: false}
    features:
      - {variables: [hr, lactate], window: last 6 h, functions: [min, max]}
      - {variable: sex, functions: last, name: sex}
    derived:
      - {name: hr_ratio, interaction: ratio, of: [hr_min_last6h, hr_max_last6h]}
    duplicates: remove
    """

  /// A group that is not there would gather nobody; the dictionary's ranges follow the unit.
  @Test func variablesAreChecked() throws {
    func problem(_ variable: String) throws -> YAMLProblem? {
      do throws(YAMLProblem) {
        let node = try YAMLDocument(text: variable, file: "v.yaml").root
        _ = try RecordVariable(yaml: node)
        return nil
      } catch {
        return error
      }
    }
    #expect(try problem("{name: x, type: occurrence, codes: [charlson:chf]}") == nil)
    let group = try problem("{name: x, type: occurrence, codes: [charlson:chd]}")
    #expect(group?.code == .unknownWord && group?.advice == "did you mean `charlson:chf`?")
    let system = try problem("{name: x, type: occurrence, codes: [\"ICD-10:I50\"]}")
    #expect(system?.code == .unknownWord && system?.advice.contains("icd10gm") == true)
    #expect(try problem("{name: x, clinical: crea, unit: furlong}")?.code == .outOfRange)
    let node = try YAMLDocument(
      text: "{name: x, clinical: crea, unit: umol/L, warn: [20, 900]}", file: "v.yaml"
    ).root
    guard case .number(let unit, let hard?, let warn) = try RecordVariable(yaml: node).kind else {
      Issue.record("a number")
      return
    }
    #expect(unit == "umol/L" && hard.contains(88) && hard.upperBound > 5000 && warn == 20...900)
  }

  @Test func decodesEverySection() throws {
    let recipe = try recipe(whole)
    #expect(recipe.variables.count == 7)
    #expect(recipe.variables[0].codes.prefix(2) == [.exact("pulse"), .exact("hr")])
    #expect(recipe.variables[0].codes.contains(.exact("loinc:8867-4")))
    #expect(recipe.variables[0].codes.contains(.exact("omop:3027018")))
    guard case .number(let unit, let hard, let warn?) = recipe.variables[1].kind else {
      Issue.record("lactate is a number")
      return
    }
    // 1 mg/dL is 0.111 mmol/L, and 0.2...30 mmol/L are unusual.
    #expect(unit == "mg/dL" && hard == 0...400)
    #expect(abs(warn.lowerBound - 0.2 / 0.111) < 1e-3 && abs(warn.upperBound - 30 / 0.111) < 0.1)
    #expect(recipe.variables[6].codes == [.group(.charlson, "chf"), .prefix("icd10cm:I50")])
    #expect(recipe.index.minimumGap == 30 * RecordTime.day)
    #expect(recipe.predictionOffset == RecordTime.day)
    #expect(recipe.criteria.map(\.excludes) == [false, true])
    #expect(recipe.outcome?.absence == .unknown)
    #expect(recipe.features.map(\.name).last == "sex")
    #expect(recipe.features.count == 5)
    #expect(recipe.removesDuplicates)
  }

  @Test func startAsIndex() throws {
    let recipe = try recipe(
      """
      variables: [{name: hr, clinical: hr}]
      index: start
      features: [{variable: hr, functions: mean}]
      """)
    #expect(recipe.index == IndexRule(.start))
    #expect(recipe.outcome == nil)
    #expect(recipe.features[0].measure.window == .ever)
  }

  /// Of several deaths one is meant: by the prediction, or so long after it.
  @Test func rulesAboutTheDeath() throws {
    let known = whole.replacing(
      "subject: {birth: birth}", with: "subject: {birth: birth, death: death}")
    for (rule, seconds) in [("by_prediction", Int64(0)), ("within 24 h", RecordTime.day)] {
      let recipe = try recipe(
        known.replacing("exclude:\n", with: "exclude:\n  - {death: \(rule), because: gone}\n"))
      #expect(recipe.criteria.map(\.deathWithin) == [nil, seconds, nil])
      #expect(recipe.criteria[1].excludes && recipe.criteria[1].reason == "gone")
    }
    for (text, advice) in [
      ("{death: same_day, because: gone}", "by_prediction"),
      ("{death: by_prediction, recorded: true, because: gone}", "remove it"),
    ] {
      do throws(any Error) {
        _ = try recipe(known.replacing("exclude:\n", with: "exclude:\n  - \(text)\n"))
        Issue.record("\(text) says nothing")
      } catch let problem as YAMLProblem {
        #expect(problem.advice.contains(advice))
      }
    }
    #expect(throws: YAMLProblem.self) {
      try recipe(
        whole.replacing("exclude:\n", with: "exclude:\n  - {death: by_prediction, because: x}\n"))
    }
  }

  /// A fault is told at its own line, with something to do.
  @Test(arguments: [
    ("at_least: 18", "recorded: false", 13, "under `exclude`"),
    (
      "{variable: sex, functions: last, name: sex}", "{variable: sex, functions: mean}", 19,
      "first, last"
    ),
    ("{variable: sex, functions: last, name: sex}", "{variable: sx, functions: last}", 19, "`sex`"),
    (
      "{variable: sex, functions: last, name: sex}",
      "{variable: hr, window: last 6 h, functions: min}", 19, "another `name`"
    ),
    (
      "{name: hr, clinical: hr, codes", "{name: hr, clinical: hr, type: category, codes", 2,
      "remove `type`"
    ),
    ("within: 48 h", "within: 0 h", 16, "within: 24 h"),
    ("{name: death, type: number", "{name: birth, type: number", 6, "correct"),
  ])
  func faultsAreToldAtTheirPlace(part: String, other: String, line: Int, advice: String) throws {
    let changed = whole.replacing(part, with: other)
    #expect(changed != whole)
    do {
      _ = try recipe(changed)
      Issue.record("\(other) is no recipe")
    } catch let problem as YAMLProblem {
      #expect(problem.line == line, "\(problem)")
      #expect(problem.advice.contains(advice), "\(problem)")
    }
  }

  @Test(arguments: [
    ("clinical: hr, codes", "clinical: hartrate, codes", YAMLProblem.Code.unknownWord),
    ("last 6 h", "next 6 h", .unknownWord),
    ("apart: 30 d", "apart: soon", .outOfRange),
    ("functions: [min, max]", "functions: [median]", .unknownWord),
    ("at_least: 18, ", "", .missingKey),
    ("of: [hr_min_last6h,", "of: [nothing,", .inconsistent),
    ("duplicates: remove", "duplicate: remove", .unknownKey),
    ("event: death", "event: deth", .inconsistent),
    ("range: [0, 400]", "range: [400, 0]", .outOfRange),
    ("missing: [-9]", "missing: [none]", .wrongType),
  ])
  func refusesWhatDoesNotFit(part: String, other: String, code: YAMLProblem.Code) throws {
    let changed = whole.replacing(part, with: other)
    #expect(changed != whole)
    #expect(
      throws: YAMLProblem(code, file: "", line: 0, column: 0, keyPath: "", message: "", advice: "")
    ) { try recipe(changed) }
  }
}
