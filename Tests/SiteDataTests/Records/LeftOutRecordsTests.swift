import Foundation
import Records
import Testing

@testable import SiteData

/// What is left out leaves nothing behind, and what its source took back is no fact.
@Suite struct LeftOutRecordsTests {
  private let loinc = #"{"coding":[{"system":"http://loinc.org","code":"2160-0"}]}"#
  private let code = #"{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"I50.9"}]}"#

  private func resource(_ type: String, _ rest: String) -> String {
    #"{"resourceType":"\#(type)","subject":{"reference":"Patient/p"},\#(rest)}"#
  }

  /// FHIR R4: a status says that a resource was entered in error, refuted, cancelled or not done.
  @Test func whatFHIRTookBackIsNoFact() throws {
    func condition(_ status: String) -> String {
      resource(
        "Condition",
        #""verificationStatus":{"coding":[{"system":"x","code":"\#(status)"}]},"#
          + #""onsetDateTime":"2020-01-01","code":\#(code)"#)
    }
    func timed(_ type: String, _ status: String, _ key: String, _ rest: String) -> String {
      resource(type, #""status":"\#(status)","\#(key)":"2020-01-01",\#(rest)"#)
    }
    func encounter(_ status: String) -> String {
      resource(
        "Encounter",
        #""id":"\#(status)","status":"\#(status)","period":{"start":"2020-01-01T00:00:00Z"}"#)
    }
    let drug = #""medicationCodeableConcept":{"coding":[{"system":"s","code":"d"}]}"#
    let measured = #""code":\#(loinc),"valueQuantity":{"value":1}"#
    let withdrawn = [
      condition("refuted"), condition("entered-in-error"),
      timed("Observation", "cancelled", "effectiveDateTime", measured),
      timed("Observation", "entered-in-error", "effectiveDateTime", measured),
      timed("Procedure", "not-done", "performedDateTime", #""code":\#(code)"#),
      timed("Procedure", "preparation", "performedDateTime", #""code":\#(code)"#),
      timed("MedicationRequest", "entered-in-error", "authoredOn", drug),
      timed("MedicationRequest", "active", "authoredOn", drug + #","doNotPerform":true"#),
      timed("DiagnosticReport", "cancelled", "effectiveDateTime", #""code":\#(code)"#),
      encounter("cancelled"), encounter("entered-in-error"), encounter("planned"),
    ]
    let stands = [
      condition("confirmed"), timed("Observation", "final", "effectiveDateTime", measured),
      timed("Procedure", "completed", "performedDateTime", #""code":\#(code)"#),
      timed("MedicationRequest", "stopped", "authoredOn", drug),
      timed("DiagnosticReport", "final", "effectiveDateTime", #""code":\#(code)"#),
      encounter("finished"),
    ]
    let path = try RecordsFixture.write(
      (withdrawn + stands).joined(separator: "\n"), "export.ndjson")
    let (events, batch) = try RecordsFixture.events(FHIRSource(path: path))
    #expect(
      events == [
        "p icd10cm:I509 @1577836800 (day) known never",
        "p loinc:2160-0 @1577836800 (day) = 1", "p icd10cm:I509 @1577836800 (day)",
        "p s|d @1577836800 (day)", "p icd10cm:I509 @1577836800 (day)",
        "p visit @1577836800 begins", "p visit:unknown @1577836800 begins",
      ])
    #expect(batch.report.skippedCount == 0)
    #expect(
      batch.report.withdrawn == [
        "Condition": 2, "Observation": 2, "Procedure": 2, "MedicationRequest": 2,
        "DiagnosticReport": 1, "Encounter": 3,
      ])
  }

  /// The columns before the faulty one are left out with it.
  @Test func aRowLeftOutLeavesNoColumnBehind() throws {
    let mapping = DelimitedMapping(
      subject: .column("id"), when: .always, layout: .wide([.init("a"), .init("b"), .init("c")]))
    let huge = String(repeating: "x", count: DelimitedBlock.maximumFieldBytes + 1)
    let path = try RecordsFixture.write("id,a,b,c\n1,7,\(huge),9\n2,1,2,3\n")
    let (events, batch) = try RecordsFixture.events(
      DelimitedSource(files: [path], mapping: mapping, policy: .skip(atMost: 1)))
    #expect(events == ["2 a @always = 1", "2 b @always = 2", "2 c @always = 3"])
    #expect(batch.report.skipped == [.fieldTooLarge: 1])
    #expect(batch.report.eventCount == 3)
  }

  /// A blood pressure whose second component cannot be read leaves no first one behind.
  @Test func anObservationLeftOutLeavesNoComponentBehind() throws {
    func pressure(_ diastolic: String) -> String {
      func part(_ code: String, _ value: String) -> String {
        #"{"code":{"coding":[{"code":"\#(code)"}]},"valueQuantity":{"value":\#(value)}}"#
      }
      return resource(
        "Observation",
        #""effectiveDateTime":"2020-01-01","code":{"coding":[{"code":"bp"}]},"component":["#
          + part("sys", "120") + "," + part("dia", diastolic) + "]")
    }
    let path = try RecordsFixture.write(pressure("1e999") + "\n" + pressure("80"), "export.ndjson")
    let (events, batch) = try RecordsFixture.events(
      try FHIRSource(path: path, policy: .skip(atMost: 1)))
    #expect(
      events == [
        "p local:bp @1577836800 (day)", "p local:sys @1577836800 (day) = 120",
        "p local:dia @1577836800 (day) = 80",
      ])
    #expect(batch.report.skipped == [.badNumber: 1])
  }

  /// Every faulty resource of a bundle counts, and stands for itself.
  @Test func theFaultsOfABundleAreCountedOneByOne() throws {
    let entries = [
      resource("Condition", #""code":\#(code)"#),
      resource("Condition", #""onsetDateTime":"2020-01-01","code":\#(code)"#),
      #"{"resourceType":"Condition","onsetDateTime":"2020-01-01","code":\#(code)}"#,
    ].map { #"{"resource":\#($0)}"# }.joined(separator: ",")
    let bundle = #"{"resourceType":"Bundle","entry":[\#(entries)]}"#
    let path = try RecordsFixture.write(bundle, "bundle.json")
    let (events, batch) = try RecordsFixture.events(
      try FHIRSource(path: path, policy: .skip(atMost: 2)))
    #expect(events == ["p icd10cm:I509 @1577836800 (day) known never"])
    #expect(batch.report.skipped == [.noTime: 1, .noSubject: 1])
    #expect(throws: SiteDataError(.tooManyBadRecords, file: "", message: "", advice: "")) {
      try RecordsFixture.events(FHIRSource(path: path, policy: .skip(atMost: 1)))
    }
  }

  /// A period whose end cannot be read leaves no start behind.
  @Test func anOMOPRowLeftOutLeavesNoEventBehind() throws {
    let path = try RecordsFixture.database([
      "CREATE TABLE person (person_id INTEGER)",
      """
      CREATE TABLE observation_period (person_id INTEGER, observation_period_start_date TEXT,
        observation_period_end_date TEXT)
      """,
      "INSERT INTO observation_period VALUES (1, '2020-01-01', 'later')",
      "INSERT INTO observation_period VALUES (2, '2020-01-01', '2020-01-02')",
    ])
    let (events, batch) = try RecordsFixture.events(
      OMOPSource(.sqlite(path: path), policy: .skip(atMost: 1)))
    #expect(
      events == ["2 follow-up-start @1577836800 (day)", "2 follow-up-end @1577923200 (day)"])
    #expect(batch.report.skipped == [.badTime: 1])
  }

  /// The names of folders do not decide what a file is.
  @Test(arguments: ["PatientData", "archive.ndjson", "Observation/Encounter"])
  func foldersDoNotDecide(_ name: String) throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: UUID().uuidString).appending(path: name)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let undated = resource(
      "Condition", #""encounter":{"reference":"Encounter/e"},"code":\#(code)"#)
    let visit = resource("Encounter", #""id":"e","period":{"start":"2020-01-01T00:00:00Z"}"#)
    let isBundle = name == "archive.ndjson"
    let text =
      isBundle
      ? "{\"resourceType\":\"Bundle\",\n\"entry\":[{\"resource\":\(undated)},"
        + "\n{\"resource\":\(visit)}]}"
      : "\(undated)\n\(visit)\n"
    let file = folder.appending(path: isBundle ? "all.json" : "all.ndjson").path
    try Data(text.utf8).write(to: URL(filePath: file))
    let (events, batch) = try RecordsFixture.events(FHIRSource(path: file))
    #expect(events.first == "p icd10cm:I509 @1577836800 known never", "the encounter has no end")
    #expect(batch.report.rows == ["Condition": 1, "Encounter": 1])
  }
}
