import PortableNumerics
import Records
import Testing

@testable import SiteData

/// A random OMOP database with everything that choosing records by code could get wrong, and recipes
/// that ask for parts of it.
enum PushDownFixture {
  /// Statements for SQLite or PostgreSQL, where times and dates have types of their own.
  static func statements(seed: UInt64, time: String, date: String) -> [String] {
    var random = SplitMix64(seed: seed)
    func below(_ bound: UInt64) -> UInt64 { random.next() % bound }
    func day() -> String {
      let (month, day) = (1 + below(12), 1 + below(28))
      return "2020-\(month < 10 ? "0" : "")\(month)-\(day < 10 ? "0" : "")\(day)"
    }
    func moment(_ day: String) -> String {
      below(4) == 0 ? "NULL" : "'\(day) \(10 + below(14)):\(10 + below(50)):00'"
    }
    var lines = [
      """
      CREATE TABLE person (person_id BIGINT, gender_concept_id INTEGER, year_of_birth INTEGER,
        month_of_birth INTEGER, day_of_birth INTEGER, birth_datetime \(time))
      """,
      """
      CREATE TABLE visit_occurrence (visit_occurrence_id INTEGER, person_id BIGINT,
        visit_concept_id INTEGER, visit_start_date \(date), visit_start_datetime \(time),
        visit_end_date \(date), visit_end_datetime \(time), visit_source_value TEXT)
      """,
      """
      CREATE TABLE condition_occurrence (person_id BIGINT, condition_concept_id INTEGER,
        condition_start_date \(date), condition_start_datetime \(time),
        visit_occurrence_id INTEGER, condition_source_value TEXT,
        condition_source_concept_id INTEGER)
      """,
      """
      CREATE TABLE measurement (person_id BIGINT, measurement_concept_id INTEGER,
        measurement_date \(date), measurement_datetime \(time), value_as_number NUMERIC,
        unit_concept_id INTEGER, unit_source_value TEXT, measurement_source_value TEXT)
      """,
      """
      CREATE TABLE drug_exposure (person_id BIGINT, drug_concept_id INTEGER,
        drug_exposure_start_date \(date), drug_source_value TEXT, quantity NUMERIC)
      """,
      "CREATE TABLE death (person_id BIGINT, death_date \(date))",
    ]
    // Patients 1 to 40; 35 to 40 are in no table of persons.
    for person in 1..<35 {
      lines.append("INSERT INTO person VALUES (\(person), 8507, \(1930 + below(60)), 5, 6, NULL)")
    }
    for visit in 0..<90 {
      let start = day()
      lines.append(
        "INSERT INTO visit_occurrence VALUES (\(visit), \(1 + below(40)), 9201, '\(start)', NULL,"
          + " '\(start)', '\(start) 23:30:00', 'x')")
    }
    for _ in 0..<200 {
      let concept = ["0", "316139", "4", "NULL"][Int(below(4))]
      lines.append(
        "INSERT INTO condition_occurrence VALUES (\(1 + below(40)), \(concept), '\(day())', NULL,"
          + " \(below(90)), '\(["I50.9", "428.0", "250.00", "x"][Int(below(4))])', NULL)")
    }
    for _ in 0..<700 {
      let start = day()
      let concept = ["0", "5", "55", "7", "NULL", "3016723", "-5"][Int(below(7))]
      lines.append(
        "INSERT INTO measurement VALUES (\(1 + below(40)), \(concept), '\(start)',"
          + " \(moment(start)), \(Double(below(4000)) / 16), \(["8840", "0", "NULL"][Int(below(3))]),"
          + " '', '\(["crea", "other"][Int(below(2))])')")
    }
    for _ in 0..<150 {
      lines.append(
        "INSERT INTO drug_exposure VALUES (\(1 + below(40)), \([4, 41, 50][Int(below(3))]),"
          + " '\(day())', 'd', \(below(9)))")
    }
    for person in [2, 5, 9, 36] { lines.append("INSERT INTO death VALUES (\(person), '\(day())')") }
    return lines
  }

  private static func number(_ name: String, _ code: String) -> RecordVariable {
    RecordVariable(
      name, codes: [CodePattern(code)],
      kind: .number(unit: nil, hardRange: 0...200, warnRange: nil))
  }

  /// Recipes by what is special about them.
  static let recipes: [(name: String, recipe: RecordsRecipe)] = {
    let visit = RecordVariable("visit", codes: [.exact("visit")])
    let end = RecordVariable("end", codes: [.exact("visit-end")])
    let death = RecordVariable("death", codes: [.exact("death")])
    let birth = RecordVariable("birth", codes: [.exact("person:birth")])
    let measures: [FeatureFunction] = [.count, .minimum, .maximum, .mean, .first, .last, .slope]
    func recipe(
      _ variables: [RecordVariable], death: String? = nil, birth: String? = nil,
      outcome: RecordOutcome?, index: IndexRule.Anchor = .event(variable: "end", condition: nil),
      duplicates: Bool = false
    ) -> RecordsRecipe {
      RecordsRecipe(
        variables: variables, birth: birth, death: death, index: IndexRule(index, .every),
        outcome: outcome,
        features: variables.flatMap { variable -> [FeatureRequest] in
          guard case .number = variable.kind else {
            return [FeatureRequest(Measure(variable.name, .ever, .count))]
          }
          return measures.map { FeatureRequest(Measure(variable.name, .last(90 * 86_400), $0)) }
            + [FeatureRequest(Measure(variable.name, .ever, .mean))]
        }, removesDuplicates: duplicates)
    }
    let back = { (censoring: RecordOutcome.Censoring) in
      RecordOutcome("back", variable: "visit", horizon: 60 * 86_400, censoring: censoring)
    }
    return [
      ("one code", recipe([visit, end, number("a", "omop:5")], outcome: back(.keep))),
      (
        "death and birth",
        recipe(
          [visit, end, birth, death, number("a", "omop:3016723")], death: "death", birth: "birth",
          outcome: back(.exclude))
      ),
      (
        "beginnings and codes of the source",
        recipe(
          [
            visit, end, number("a", "omop:5*"), number("b", "omop-source:crea"),
            number("c", "omop:4*"),
          ], outcome: back(.keep), duplicates: true)
      ),
      (
        "diagnoses",
        recipe(
          [visit, end, RecordVariable("heart", codes: [.group(.charlson, "chf")])],
          outcome: back(.keep))
      ),
      ("a condition", recipe([visit, end, number("a", "omop:316139")], outcome: nil)),
      ("everything", recipe([visit, end, number("a", "omop*")], outcome: back(.keep))),
      ("nobody's code", recipe([end, number("a", "omop:05")], outcome: nil)),
      ("from the start", recipe([end, number("a", "omop:-5")], outcome: nil, index: .start)),
    ]
  }()

  /// Compares the tables with and without; returns the events of both, over all recipes.
  static func check(_ database: OMOPSource.Database, _ note: String) throws -> (all: Int, some: Int)
  {
    var counts = (all: 0, some: 0)
    for (name, recipe) in recipes {
      let all = try FeatureExtraction(recipe, source: OMOPSource(database, pushesDown: false))
      let some = try FeatureExtraction(recipe, source: OMOPSource(database))
      #expect(all.table.csv() == some.table.csv(), "\(note), \(name)")
      #expect(all.table.flow == some.table.flow, "\(note), \(name)")
      #expect(all.table.tallies.map(\.tally) == some.table.tallies.map(\.tally), "\(note), \(name)")
      #expect(all.report.passedOver.isEmpty)
      #expect(all.report.rows == some.report.rows, "\(note), \(name)")
      #expect(all.table.rowCount > 0 || recipe.outcome != nil, "\(note), \(name)")
      counts.all += all.eventCount
      counts.some += some.eventCount
    }
    return counts
  }
}
