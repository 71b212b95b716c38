import Foundation
import Records
import StrictYAML
import Testing

@testable import SiteData

/// What hospitals' OMOP extracts do beside the standard: midnights for unknown times, empty texts for
/// nulls, concept 0 as a row.
@Suite struct OMOPHabitsTests {
  private let schema = [
    "CREATE TABLE person (person_id, year_of_birth INTEGER, birth_datetime TEXT)",
    """
    CREATE TABLE visit_occurrence (visit_occurrence_id INTEGER, person_id INTEGER,
      visit_concept_id INTEGER, visit_start_date TEXT, visit_start_datetime TEXT,
      visit_end_date TEXT, visit_end_datetime TEXT)
    """,
    """
    CREATE TABLE condition_occurrence (person_id INTEGER, condition_concept_id INTEGER,
      condition_start_date TEXT, condition_start_datetime TEXT, visit_occurrence_id INTEGER,
      condition_source_value TEXT, condition_source_concept_id INTEGER)
    """,
    "CREATE TABLE concept (concept_id INTEGER, vocabulary_id TEXT)",
    """
    CREATE TABLE measurement (person_id INTEGER, measurement_concept_id INTEGER,
      measurement_date TEXT, measurement_datetime TEXT, value_as_number REAL)
    """,
  ]
  private let start: Int64 = 1_577_836_800

  private func read(
    _ rows: [String], midnight: OMOPSource.Midnight = .unknown
  ) throws -> (events: [String], batch: EventBatch) {
    let path = try RecordsFixture.database(schema + rows.map { "INSERT INTO \($0)" })
    return try RecordsFixture.events(OMOPSource(.sqlite(path: path), midnight: midnight))
  }

  private let midnights = [
    "measurement VALUES (1, 5, '2020-01-01', '2020-01-01 00:00:00', 7)",
    "measurement VALUES (1, 5, '2020-01-01', '2020-01-01 00:00:01', 7)",
    "measurement VALUES (1, 5, '2020-01-01', '2020-01-01T00:00:00.000Z', 7)",
    """
    visit_occurrence VALUES (1, 1, 9201, '2020-01-01', '2020-01-01 00:00:00', '2020-01-02',
      '2020-01-02 00:00')
    """,
    "condition_occurrence VALUES (1, 6, '2020-01-01', '2020-01-01 00:00:00', 1, 'x', NULL)",
  ]

  /// A midnight is the day alone, as a null is, also where a visit begins and ends.
  @Test func midnightsAreDates() throws {
    let (events, batch) = try read(midnights)
    let day = "@\(start) (day)"
    let end = "@\(start + 86_400) (day) = 24 ends"
    #expect(
      events == [
        "1 visit \(day) begins", "1 visit:9201 \(day) begins", "1 visit-end \(end)",
        "1 visit-end:9201 \(end)", "1 omop:6 \(day) known \(start + 2 * 86_400 - 1)",
        "1 omop:5 \(day) = 7", "1 omop:5 @\(start + 1) = 7", "1 omop:5 \(day) = 7",
      ])
    #expect(batch.report.midnightCount == 6)
    let exact = try read(midnights, midnight: .exact)
    #expect(!exact.events.contains { $0.contains("(day)") })
    #expect(exact.batch.report.midnightCount == 0)
  }

  @Test func theSettingIsRead() throws {
    func description(_ rest: String) throws -> RecordsDescription.Source? {
      let yaml = "sources: [{form: omop, database: a.sqlite\(rest)}]"
      return try RecordsDescription(
        yaml: YAMLDocument(text: yaml, file: "r.yaml").root, folder: ""
      ).sources.first
    }
    let database = OMOPSource.Database.sqlite(path: "a.sqlite")
    #expect(
      try description("") == .omop(database, diagnosesAtVisitEnd: true, midnight: .unknown))
    #expect(
      try description(", midnight: exact")
        == .omop(database, diagnosesAtVisitEnd: true, midnight: .exact))
    #expect(throws: YAMLProblem.self) { try description(", midnight: noon") }
  }

  /// An empty text is no time: the date stands in.
  @Test func emptyTimes() throws {
    let (events, _) = try read([
      "person VALUES (1, 1950, '')",
      "measurement VALUES (1, 5, '2020-01-01', '', 7)",
      "measurement VALUES (1, 5, '2020-01-01', ' ', 7)",
      "visit_occurrence VALUES (1, 1, 9201, '2020-01-01', '', '2020-01-02', '')",
      "condition_occurrence VALUES (1, 6, '2020-01-01', '', 1, 'x', NULL)",
    ])
    #expect(events.filter { $0.contains("omop:5") }.count == 2)
    #expect(events.contains("1 omop:6 @\(start) (day) known \(start + 2 * 86_400 - 1)"))
    #expect(events.contains { $0.contains("person:birth") })
  }

  /// Concept 0 is no concept, whether the vocabulary has a row for it or not.
  @Test(arguments: [true, false]) func sourceConceptZero(hasRow: Bool) throws {
    let (events, _) = try read(
      (hasRow ? ["concept VALUES (0, 'None')"] : []) + [
        "condition_occurrence VALUES (1, 6, '2020-01-01', NULL, NULL, 'I50.9', 0)"
      ])
    #expect(events == ["1 omop:6 @\(start) (day)", "1 icd:I509 @\(start) (day)"])
  }

  @Test func identifiersAreUTF8() throws {
    let path = try RecordsFixture.database(
      schema + ["INSERT INTO person VALUES (CAST(x'4DFC6C' AS TEXT), 1950, NULL)"])
    let (_, batch) = try RecordsFixture.events(
      OMOPSource(.sqlite(path: path), policy: .skip(atMost: 1)))
    #expect(batch.report.skipped == [.wrongEncoding: 1])
  }

  /// A record is one value of a variable, however many of its codes the variable gathers.
  @Test func aRecordCountsOnce() throws {
    let path = try RecordsFixture.database(
      schema
        + [
          "person VALUES (1, 1950, NULL)",
          """
          visit_occurrence VALUES (1, 1, 9201, '2020-01-01', '2020-01-01 08:00:00', '2020-01-02',
            NULL)
          """,
          "condition_occurrence VALUES (1, 6, '2020-01-01', NULL, NULL, 'I50.9', NULL)",
          "condition_occurrence VALUES (1, 6, '2020-01-01', NULL, NULL, 'I50.9', NULL)",
        ].map { "INSERT INTO \($0)" })
    let recipe = RecordsRecipe(
      variables: [
        RecordVariable("stay", codes: [.exact("visit:9201")]),
        RecordVariable("stays", codes: [.exact("visit"), .exact("visit:9201")]),
        RecordVariable("failure", codes: [.exact("omop:6"), .exact("icd:I509")]),
      ],
      index: IndexRule(.event(variable: "stay", condition: nil)), predictionOffset: 48 * 3600,
      features: ["stays", "failure"].map { FeatureRequest(Measure($0, .ever, .count)) })
    let extraction = try FeatureExtraction(recipe, source: OMOPSource(.sqlite(path: path)))
    let line = extraction.table.csv().split(separator: "\n").last.map(String.init)
    #expect(line?.hasSuffix("1,2") == true, "\(extraction.table.csv())")
    let counts = extraction.table.tallies.map(\.tally.eventCount)
    #expect(counts == [1, 1, 2])
  }
}
