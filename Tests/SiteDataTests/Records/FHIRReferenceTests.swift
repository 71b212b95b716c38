import Foundation
import Records
import Testing

@testable import SiteData

/// Whom and what references of FHIR name, and what unreadable times of FHIR do.
@Suite struct FHIRReferenceTests {
  @Test(
    arguments: [
      ("Patient/p1", "Patient", "p1"), ("Patient/p1/_history/1", "Patient", "p1"),
      ("https://srv/fhir/Patient/p1", "Patient", "p1"), ("https://srv/p1", nil, "p1"),
      ("https://srv/fhir/Patient/p1/_history/2", "Patient", "p1"), ("urn:uuid:p1", nil, "p1"),
      ("urn:oid:1.2.3", nil, "1.2.3"), ("p1", nil, "p1"), ("Group/p1", "Group", "p1"),
      ("Patient/1:2", "Patient", "1:2"), ("#p1", nil, nil), ("#", nil, nil), ("", nil, nil),
      ("Patient/", nil, nil), ("Patient?identifier=mrn|1", nil, nil), ("urn:uuid:", nil, nil),
      ("Patient/_history/1", nil, nil), ("Patient/p1/_history", nil, nil),
    ] as [(String, String?, String?)])
  func references(text: String, type: String?, id: String?) {
    let reference = FHIRReference(text)
    #expect(reference?.id == id, "\(text)")
    #expect(reference?.type == type, "\(text)")
  }

  private func observation(_ subject: String, _ rest: String) -> String {
    #"{"resourceType":"Observation","subject":{"reference":"\#(subject)"},"#
      + #""code":{"coding":[{"code":"x"}]},\#(rest)}"#
  }

  private func read(
    _ lines: [String], policy: ReadingPolicy = .fail
  ) throws -> (events: [String], batch: EventBatch) {
    let path = try RecordsFixture.write(lines.joined(separator: "\n"), "export.ndjson")
    return try RecordsFixture.events(FHIRSource(path: path, policy: policy))
  }

  private let at = #""effectiveDateTime":"2020-01-01T05:00:00Z""#
  private let start: Int64 = 1_577_836_800

  /// Versions of two patients are not one patient.
  @Test func versionsAreOfTheirPatient() throws {
    let (events, _) = try read([
      observation("Patient/p1/_history/1", at), observation("Patient/p2/_history/1", at),
      observation("https://srv/fhir/Patient/p1/_history/2", at),
    ])
    #expect(events.map { String($0.prefix(2)) } == ["p1", "p2", "p1"])
  }

  /// A contained patient is nobody whom another record could name; a device is no patient.
  @Test func containedAndOthers() throws {
    let contained = observation("#p", at + #","contained":[{"resourceType":"Patient","id":"p"}]"#)
    let (events, batch) = try read(
      [contained, observation("Device/p", at), observation("Patient/p", at)],
      policy: .skip(atMost: 1))
    #expect(events == ["p local:x @\(start + 18_000)"])
    #expect(batch.report.skipped == [.noSubject: 1])
    #expect(batch.lexicon.subjects.count == 1)
    #expect(batch.report.rows["Observation"] == 3)
  }

  @Test func containedMedications() throws {
    let order = #"""
      {"resourceType":"MedicationRequest","subject":{"reference":"Patient/p"},"authoredOn":"2020-01-01","contained":[{"resourceType":"Medication","id":"m","code":{"coding":[{"code":"drug"}]}}],"medicationReference":{"reference":"#m"}}
      """#
    #expect(try read([order]).events == ["p local:drug @\(start) (day)"])
  }

  /// What cannot be read is at fault, and no other time stands in for it.
  @Test(arguments: [
    #""effectiveDateTime":"2020-01-01T05:00:00Z","issued":"01.02.2020""#,
    #""effectiveDateTime":"01.01.2020","issued":"2020-02-01T00:00:00Z""#,
    #""effectiveDateTime":"01.01.2020""#,
    #""effectivePeriod":{"start":"2020-01-01","end":"2020-13-01"}"#,
  ])
  func unreadableTimes(_ times: String) throws {
    let (events, batch) = try read([observation("Patient/p", times)], policy: .skip(atMost: 1))
    #expect(events.isEmpty)
    #expect(batch.report.skipped == [.badTime: 1])
    let error = #expect(throws: SiteDataError.self) {
      try read([observation("Patient/p", times)])
    }
    #expect(error?.description.contains("a time that cannot be read") == true)
    #expect(error?.advice.contains("2024-01-31T08:15:00") == true)
  }

  @Test func nullIsNoTime() throws {
    let (events, _) = try read([observation("Patient/p", at + #","issued":null"#)])
    #expect(events == ["p local:x @\(start + 18_000)"])
  }

  @Test func unreadableEndsOfEncounters() throws {
    let encounter = #"""
      {"resourceType":"Encounter","subject":{"reference":"Patient/p"},"period":{"start":"2020-01-01","end":"soon"}}
      """#
    let (events, batch) = try read([encounter], policy: .skip(atMost: 1))
    #expect(events.isEmpty && batch.report.skipped == [.badTime: 1])
  }

  @Test func byteOrderMark() throws {
    let text = "\u{FEFF}" + observation("Patient/p", at)
    #expect(try read([text, observation("Patient/p", at)]).events.count == 2)
  }
}
