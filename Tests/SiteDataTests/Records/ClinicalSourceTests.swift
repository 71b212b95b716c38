import Foundation
import PortableNumerics
import Records
import Testing

@testable import SiteData

@Suite struct ClinicalSourceTests {
  private let schema = [
    """
    CREATE TABLE person (person_id INTEGER, gender_concept_id INTEGER, year_of_birth INTEGER,
      month_of_birth INTEGER, day_of_birth INTEGER, birth_datetime TEXT)
    """,
    """
    CREATE TABLE visit_occurrence (visit_occurrence_id INTEGER, person_id INTEGER,
      visit_concept_id INTEGER, visit_start_date TEXT, visit_start_datetime TEXT,
      visit_end_date TEXT, visit_end_datetime TEXT, visit_source_value TEXT)
    """,
    """
    CREATE TABLE condition_occurrence (person_id INTEGER, condition_concept_id INTEGER,
      condition_start_date TEXT, condition_start_datetime TEXT, visit_occurrence_id INTEGER,
      condition_source_value TEXT, condition_source_concept_id INTEGER)
    """,
    "CREATE TABLE concept (concept_id INTEGER, vocabulary_id TEXT)",
    """
    CREATE TABLE measurement (person_id INTEGER, measurement_concept_id INTEGER,
      measurement_date TEXT, measurement_datetime TEXT, value_as_number REAL,
      value_as_concept_id INTEGER, unit_concept_id INTEGER, unit_source_value TEXT,
      measurement_source_value TEXT, value_source_value TEXT)
    """,
  ]

  @Test func omop() throws {
    let path = try RecordsFixture.database(
      schema + [
        "INSERT INTO person VALUES (-4406053801395356975, 8532, 1970, 3, 4, NULL)",
        "INSERT INTO person VALUES (2, 8507, 1980, NULL, NULL, '1980-02-03 00:00:00')",
        """
        INSERT INTO visit_occurrence VALUES (9, 2, 9201, '2020-01-01', '2020-01-01 06:00:00',
          '2020-01-03', NULL, 'x')
        """,
        """
        INSERT INTO condition_occurrence VALUES (2, 316139, '2020-01-01', NULL, 9, '428.0', 44)
        """,
        "INSERT INTO condition_occurrence VALUES (2, 0, '2020-01-01', NULL, NULL, 'I50.9', NULL)",
        "INSERT INTO concept VALUES (44, 'ICD9CM')",
        """
        INSERT INTO measurement VALUES (2, 3016723, '2020-01-01', '2020-01-01 08:00:00', 0.1, 0,
          8840, 'mg', 'crea', NULL)
        """,
        "INSERT INTO measurement VALUES (2, 0, '2020-01-02', NULL, NULL, 45877985, 0, '', 'c', '')",
      ])
    let (events, batch) = try RecordsFixture.events(OMOPSource(.sqlite(path: path)))
    let start: Int64 = 1_577_836_800
    #expect(
      events == [
        "-4406053801395356975 person:birth @5356800 (day)",
        "-4406053801395356975 person:gender @always = F", "2 person:birth @318384000 (day)",
        "2 person:gender @always = M", "2 visit @\(start + 21600) begins",
        "2 visit:9201 @\(start + 21600) begins", "2 visit-end @\(start + 172800) (day) = 42 ends",
        "2 visit-end:9201 @\(start + 172800) (day) = 42 ends",
        "2 omop:316139 @\(start) (day) known \(start + 3 * 86400 - 1)",
        "2 icd9cm:4280 @\(start) (day) known \(start + 3 * 86400 - 1)",
        "2 omop-source:I50.9 @\(start) (day)", "2 icd:I509 @\(start) (day)",
        "2 omop:3016723 @\(start + 28800) = 0.1 mg/dL",
        "2 omop-source:c @\(start + 86400) (day) = 45877985",
      ])
    #expect(batch.report.rows["person"] == 2)
    #expect(batch.report.rows["death"] == nil, "a table that is not there is not counted")
  }

  @Test func omopFaults() throws {
    let empty = try RecordsFixture.database(["CREATE TABLE x (y)"])
    #expect(throws: SiteDataError(.database, file: "", message: "", advice: "")) {
      try OMOPSource(.sqlite(path: empty)).open()
    }
    #expect(throws: SiteDataError(.unreadableFile, file: "", message: "", advice: "")) {
      try OMOPSource(.sqlite(path: "/nowhere/omop.sqlite")).open()
    }
    let noDatabase = try RecordsFixture.write("this is no database at all, only text", "x.sqlite")
    #expect(throws: SiteDataError.self) { try OMOPSource(.sqlite(path: noDatabase)).open() }
    let bad = try RecordsFixture.database(
      schema + [
        "INSERT INTO person VALUES (1, 8532, 1970, 3, 4, NULL)",
        "INSERT INTO measurement VALUES (1, 5, 'soon', NULL, 1, 0, 0, '', '', '')",
        "INSERT INTO measurement VALUES (1, 5, '2020-01-01', NULL, 1, 0, 0, '', '', '')",
      ])
    #expect(throws: SiteDataError(.badRecord, file: "", message: "", advice: "")) {
      try RecordsFixture.events(OMOPSource(.sqlite(path: bad)))
    }
    let (events, batch) = try RecordsFixture.events(
      OMOPSource(.sqlite(path: bad), policy: .skip(atMost: 1)))
    #expect(events.last == "1 omop:5 @1577836800 (day) = 1")
    #expect(batch.report.skipped == [.badTime: 1])
    #expect("drop table; --".isPlainIdentifier == false)
    #expect("cdm_5".isPlainIdentifier)
  }

  private let fhir = #"""
    {"resourceType":"Condition","id":"c","subject":{"reference":"Patient/p"},"encounter":{"reference":"Encounter/e"},"code":{"coding":[{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"I50.9"}]}}
    {"resourceType":"Patient","id":"p","birthDate":"1960-05","gender":"male","deceasedDateTime":"2020-02-01T00:00:00Z"}
    {"resourceType":"Encounter","id":"e","class":{"code":"IMP"},"subject":{"reference":"Patient/p"},"period":{"start":"2020-01-01T00:00:00+01:00","end":"2020-01-02T00:00:00Z"}}
    {"resourceType":"Observation","id":"o","subject":{"reference":"urn:uuid:p"},"effectiveDateTime":"2020-01-01T05:00:00Z","issued":"2020-01-01T06:00:00Z","code":{"coding":[{"system":"http://loinc.org","code":"85354-9"}]},"component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},"valueQuantity":{"value":1.2e2,"unit":"mmHg","code":"mm[Hg]"}}]}
    {"resourceType":"Observation","subject":{"reference":"Patient/p"},"effectiveDateTime":"2020-01-01","code":{"coding":[{"code":"x"}]},"valueString":"caf\u00e9 \ud83d\ude00"}
    {"resourceType":"Location","id":"l"}
    """#

  @Test func fhirResources() throws {
    let path = try RecordsFixture.write(fhir, "export.ndjson")
    let (events, batch) = try RecordsFixture.events(FHIRSource(path: path))
    let start: Int64 = 1_577_836_800
    #expect(
      events == [
        "p icd10cm:I509 @\(start - 3600) known \(start + 86400)",
        "p person:birth @\(-303_868_800 + 43_200) ±1339200",
        "p person:gender @always = M", "p death @1580515200", "p visit @\(start - 3600) begins",
        "p visit:IMP @\(start - 3600) begins", "p visit-end @\(start + 86400) = 25 ends",
        "p visit-end:IMP @\(start + 86400) = 25 ends",
        "p loinc:85354-9 @\(start + 18000) known \(start + 21600)",
        "p loinc:8480-6 @\(start + 18000) known \(start + 21600) = 120 mm[Hg]",
        "p local:x @\(start) (day) = café 😀",
      ])
    #expect(batch.report.rows["Observation"] == 2)
    #expect(batch.report.rows["Location"] == 1)
  }

  @Test func malformedLines() throws {
    let bad = fhir + "\n{\"resourceType\":\"Patient\",\"id\":\n{\"a\" 1}\n\n[1,2\n"
    let path = try RecordsFixture.write(bad, "export.ndjson")
    let error = #expect(throws: SiteDataError.self) {
      try RecordsFixture.events(FHIRSource(path: path))
    }
    #expect(error?.line == 7)
    #expect(error?.column == 32)
    let source = try FHIRSource(path: path, policy: .skip(atMost: 3))
    let (events, batch) = try RecordsFixture.events(source)
    #expect(events.count == 11)
    #expect(batch.report.skipped == [.malformed: 3])
  }

  @Test func randomJSONNeverTraps() throws {
    var random = SplitMix64(seed: 13)
    let start = Array(fhir.utf8)
    var tape = JSONTape()
    for _ in 0..<1500 {
      var bytes = Array(start.prefix(Int(random.next() % UInt64(start.count))))
      for _ in 0..<Int(random.next() % 6) where !bytes.isEmpty {
        bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
      }
      bytes.withUnsafeBufferPointer { buffer in
        guard (try? tape.read(buffer)) != nil else { return }
        var batch = EventBatch()
        let decoder = FHIRDecoder(zone: 0, ignoresZones: false)
        _ = decoder.decode(JSONValue(tape: tape, bytes: buffer, position: 0), &batch)
      }
    }
    let deep = Array(String(repeating: "[", count: 100_000).utf8)
    let isRefused = deep.withUnsafeBufferPointer { (try? tape.read($0)) == nil }
    #expect(isRefused)
  }

  @Test func physioNetFolders() throws {
    let folder = URL(
      filePath: try RecordsFixture.write(
        "Time,Parameter,Value\n00:00,Age,54\n00:07,HR,73\n", "7.txt")
    ).deletingLastPathComponent().path
    #expect(
      try RecordsFixture.events(PhysioNet.challenge2012(folder)).events == [
        "7 age @0 = 54", "7 hr @420 = 73",
      ])
    let header = PhysioNet.codes2019.keys.sorted().joined(separator: "|") + "|ICULOS\n"
    let row =
      PhysioNet.codes2019.keys.sorted().map { ["HR": "90", "FiO2": "0.4"][$0] ?? "NaN" }
      .joined(separator: "|") + "|2\n"
    let hourly = URL(filePath: try RecordsFixture.write(header + row, "p1.psv"))
      .deletingLastPathComponent().path
    #expect(
      try RecordsFixture.events(PhysioNet.challenge2019(hourly)).events == [
        "p1 fio2 @7200 = 0.4 1", "p1 hr @7200 = 90",
      ])
  }
}
