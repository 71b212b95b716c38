import Foundation
import Records
import StrictYAML
import Testing

@testable import SiteData

/// When what every kind of source holds became known, and how exactly it says when it happened.
@Suite struct KnownTimeTests {
  private let start: Int64 = 1_577_836_800

  private func resource(_ type: String, _ rest: String) -> String {
    #"{"resourceType":"\#(type)","subject":{"reference":"Patient/p"},\#(rest)}"#
  }

  private func condition(_ rest: String) -> String {
    resource("Condition", #""code":{"coding":[{"code":"x"}]},\#(rest)"#)
  }

  private func events(fhir lines: [String]) throws -> [String] {
    let encounters = [("e", #""end":"2020-01-03""#), ("open", #""x":1"#)].map { id, end in
      resource("Encounter", #""id":"\#(id)","period":{"start":"2020-01-01T00:00:00Z",\#(end)}"#)
    }
    let path = try RecordsFixture.write(
      (lines + encounters).joined(separator: "\n"), "export.ndjson")
    return try RecordsFixture.events(FHIRSource(path: path)).events.filter {
      !$0.contains("visit")
    }
  }

  /// An onset says when it began, not when anybody knew.
  @Test func conditionsOfFHIR() throws {
    let onset = #""onsetDateTime":"2019-12-30""#
    let inside = #""encounter":{"reference":"Encounter/e"}"#
    let open = #""encounter":{"reference":"Encounter/open"}"#
    let recorded = #""recordedDate":"2020-01-02""#
    let events = try events(fhir: [
      condition(onset), condition("\(onset),\(inside)"), condition("\(onset),\(open)"),
      condition("\(onset),\(open),\(recorded)"), condition(recorded), condition(inside),
      condition(open),
    ])
    let before = "p local:x @\(start - 172_800) (day)"
    #expect(
      events == [
        "\(before) known never", "\(before) known \(start + 3 * 86_400 - 1)",
        "\(before) known never", "\(before) known \(start + 2 * 86_400 - 1)",
        "p local:x @\(start + 86_400) (day)",
        "p local:x @\(start) known \(start + 3 * 86_400 - 1)",
        "p local:x @\(start) known never",
      ])
  }

  /// A month and a year are a stretch of time, known when it is over; a birth lies in the middle.
  @Test func partialDatesOfFHIR() throws {
    let observation = #""code":{"coding":[{"code":"x"}]},"effectiveDateTime""#
    let year = 366 * 86_400
    let events = try events(fhir: [
      resource("Observation", #"\#(observation):"2020""#),
      resource("Observation", #"\#(observation):"2020-01""#),
      #"{"resourceType":"Patient","id":"p","birthDate":"2020","deceasedDateTime":"2020-01-01"}"#,
    ])
    #expect(
      events == [
        "p local:x @\(start) ±\(year - 1)", "p local:x @\(start) ±\(31 * 86_400 - 1)",
        "p person:birth @\(start + Int64(year / 2)) ±\(year / 2)", "p death @\(start) (day)",
      ])
  }

  /// FHIR may say that a patient died and not when.
  @Test(arguments: [
    #""deceasedBoolean":true"#, #""deceasedBoolean":false"#, #""deceasedDateTime":"soon""#,
  ])
  func deathsWithoutADate(_ deceased: String) throws {
    let events = try events(fhir: [#"{"resourceType":"Patient","id":"p",\#(deceased)}"#])
    #expect(events == (deceased.contains("false") ? [] : ["p death @always known never"]))
  }

  /// A diagnosis of a visit without an end is known never, one without a visit at once.
  @Test func conditionsOfOMOP() throws {
    let path = try RecordsFixture.database([
      "CREATE TABLE person (person_id INTEGER)",
      """
      CREATE TABLE visit_occurrence (visit_occurrence_id INTEGER, person_id INTEGER,
        visit_concept_id INTEGER, visit_start_date TEXT, visit_end_date TEXT)
      """,
      """
      CREATE TABLE condition_occurrence (person_id INTEGER, condition_concept_id INTEGER,
        condition_start_date TEXT, visit_occurrence_id INTEGER)
      """,
      "INSERT INTO visit_occurrence VALUES (1, 7, 9201, '2020-01-01', '2020-01-03')",
      "INSERT INTO visit_occurrence VALUES (2, 7, 9201, '2020-01-01', NULL)",
      "INSERT INTO condition_occurrence VALUES (7, 5, '2020-01-01', 1)",
      "INSERT INTO condition_occurrence VALUES (7, 5, '2020-01-01', 2)",
      "INSERT INTO condition_occurrence VALUES (7, 5, '2020-01-01', 3)",
      "INSERT INTO condition_occurrence VALUES (7, 5, '2020-01-01', NULL)",
    ])
    func conditions(_ source: OMOPSource) throws -> [String] {
      try RecordsFixture.events(source).events.filter { $0.contains("omop:5") }
    }
    let event = "7 omop:5 @\(start) (day)"
    #expect(
      try conditions(OMOPSource(.sqlite(path: path))) == [
        "\(event) known \(start + 3 * 86_400 - 1)", "\(event) known never", "\(event) known never",
        event,
      ])
    let atStart = OMOPSource(.sqlite(path: path), diagnosesAtVisitEnd: false)
    #expect(try conditions(atStart) == [event, event, event, event])
    for (source, assumed) in [(OMOPSource(.sqlite(path: path)), 1), (atStart, 4)] {
      let lexicon = try RecordsFixture.events(source).batch.lexicon
      let code = try #require(lexicon.codes.existing("omop:5"))
      #expect(lexicon.assumedDiagnoses[code] == assumed)
    }
  }

  /// A date alone is known when it is over; an empty field of the declared column says never.
  @Test func knownColumnsOfCSV() throws {
    let mapping = DelimitedMapping(
      subject: .column("id"), when: .column("t", .calendar(zone: 0)), knownColumn: "known",
      layout: .long(code: "c", value: nil, unit: nil), missing: ["NA"])
    let path = try RecordsFixture.write(
      """
      id,t,known,c
      1,2020-01-01,2020-01-02,a
      1,2020-01-01,2020-01-01T10:00,a
      1,2020-01-01T10:00,2020-01-01,a
      1,2020-01-01,,a
      1,2020-01-01,NA,a

      """)
    #expect(
      try RecordsFixture.events(DelimitedSource(files: [path], mapping: mapping)).events == [
        "1 a @\(start) (day) known \(start + 2 * 86_400 - 1)",
        "1 a @\(start) (day) known \(start + 36_000)",
        "1 a @\(start + 36_000) known \(start + 86_399)", "1 a @\(start) (day) known never",
        "1 a @\(start) (day) known never",
      ])
  }

  /// `time: always` and `time: 24 h` say already when a record is known.
  @Test(arguments: ["always", "24 h", "t"]) func aContradictionIsRefused(time: String) throws {
    let yaml = """
      sources: [{form: long, file: a.csv, subject: id, time: \(time), known: k, code: c}]
      """
    do {
      _ = try RecordsDescription(yaml: YAMLDocument(text: yaml, file: "r.yaml").root, folder: "")
      #expect(time == "t")
    } catch {
      #expect(time != "t" && error.keyPath.hasSuffix("known"), "\(error)")
      #expect(error.description.contains("says already when these records are known"))
    }
  }

  /// What is in no feature, and what makes no row, is said.
  @Test func theCountsAreShown() throws {
    let mapping = DelimitedMapping(
      subject: .column("id"), when: .column("t", .calendar(zone: 0)), knownColumn: "known",
      layout: .long(code: "c", value: nil, unit: nil))
    let path = try RecordsFixture.write(
      """
      id,t,known,c
      1,2020-01-01,2020-01-01,stay
      1,2020-01-01,,sepsis
      2,2020-01-01,2020-01-09,stay

      """)
    let recipe = RecordsRecipe(
      variables: ["stay", "sepsis"].map { RecordVariable($0, codes: [.exact($0)]) },
      index: IndexRule(.event(variable: "stay", condition: nil), .every),
      features: [FeatureRequest(Measure("sepsis", .ever, .present), name: "sepsis")])
    let extraction = try FeatureExtraction(
      recipe, source: DelimitedSource(files: [path], mapping: mapping))
    #expect(extraction.table.subjects == ["1"] && extraction.lateIndexCount == 1)
    let text = extraction.summary()
    #expect(text.contains("sepsis: 1 records known at no stated time: in no feature"))
    #expect(text.contains("1 index events became known only after their prediction"))
  }
}
