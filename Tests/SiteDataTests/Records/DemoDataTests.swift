import Cohort
import Foundation
import Records
import Testing

@testable import SiteData

/// Counts of the public demos as their own documentation gives them.
@Suite struct DemoDataTests {
  private static let omop = RecordsFixture.data("mimic_iv_demo_omop")
  private static let fhir = RecordsFixture.data("mimic_iv_demo_fhir")
  private static let synthea = RecordsFixture.data("synthea_fhir_r4")
  private static let tables = [
    "person": 100, "visit_occurrence": 852, "condition_occurrence": 16_441,
    "drug_exposure": 18_229, "procedure_occurrence": 18_447, "device_exposure": 3855, "death": 15,
    "observation_period": 100,
  ]

  private var recipe: RecordsRecipe {
    get throws {
      RecordsRecipe(
        variables: [
          RecordVariable("birth", codes: [.exact("person:birth")]),
          RecordVariable("sex", codes: [.exact("person:gender")], kind: .category),
          RecordVariable("death", codes: [.exact("death")]),
          RecordVariable(
            "discharge", codes: [.exact("visit-end:9201"), .exact("visit-end:262")],
            kind: .number(unit: "h", hardRange: nil, warnRange: nil)),
          RecordVariable("visit", codes: [.exact("visit")]),
          RecordVariable("heart_failure", codes: [.exact("omop:319835")]),
        ], birth: "birth", death: "death",
        index: IndexRule(.event(variable: "discharge", condition: nil), .every),
        outcome: RecordOutcome("readmitted", variable: "visit", horizon: 30 * RecordTime.day),
        features: [
          FeatureRequest(Measure("birth", .ever, .yearsSince)),
          FeatureRequest(Measure("sex", .ever, .last)),
          FeatureRequest(Measure("discharge", .last(3600), .last)),
          FeatureRequest(Measure("visit", .last(365 * RecordTime.day), .count)),
          FeatureRequest(Measure("visit", .ever, .hoursSince)),
          FeatureRequest(Measure("heart_failure", .ever, .present)),
        ])
    }
  }

  /// The demo's counts; and the same patients through a CSV extract give the same table, byte for
  /// byte.
  @Test(.enabled(if: omop != nil, "the OMOP demo is not here"))
  func omopDemo() throws {
    let folder = try #require(Self.omop)
    let database = try RecordsFixture.omopDatabase(folder, Self.tables.keys.sorted())
    let source = OMOPSource(.sqlite(path: database))
    let extraction = try FeatureExtraction(recipe, source: source)
    #expect(extraction.report.rows == Self.tables)
    #expect(extraction.report.skippedCount == 0)
    #expect(extraction.table.flow.map(\.rowCount) == [100, 51, 51, 51])
    let csv = try Self.export(source)
    let mapping = DelimitedMapping(
      subject: .column("subject"), when: .column("time", .calendar(zone: 0)),
      knownColumn: "known", layout: .long(code: "code", value: "value", unit: "unit"))
    let always = DelimitedMapping(
      subject: .column("subject"), when: .always,
      layout: .long(code: "code", value: "value", unit: nil))
    let extract = CombinedSource([
      DelimitedSource(files: [csv.timed], mapping: mapping),
      DelimitedSource(files: [csv.timeless], mapping: always),
    ])
    let same = try FeatureExtraction(recipe, source: extract)
    #expect(same.table.csv() == extraction.table.csv())
  }

  /// All events of a source as two long CSV files, in another order than the source's.
  private static func export(_ source: any EventSource) throws -> (timed: String, timeless: String)
  {
    var batch = EventBatch()
    var reader = try source.open()
    var timed: [String] = []
    var timeless: [String] = []
    while try reader.next(&batch) {
      for event in batch.events {
        let lexicon = batch.lexicon
        let code = CSVWriter.field(lexicon.codes.text(event.code))
        let value =
          event.text == Lexicon.none
          ? (event.value.isNaN ? "" : "\(event.value)")
          : CSVWriter.field(lexicon.texts.text(event.text))
        let subject = lexicon.subjects.text(event.subject)
        if event.time == RecordTime.always {
          timeless.append("\(subject),\(code),\(value)")
        } else {
          let unit = event.unit == Lexicon.none ? "" : lexicon.units.text(event.unit)
          // Dates without a time of day stay dates.
          let isDay = event.span == Int32(RecordTime.day - 1)
          let time =
            isDay ? RecordTime.text(event.time).prefix(10) : RecordTime.text(event.time)[...]
          let known =
            event.knownAt == event.latest ? time : RecordTime.text(event.knownAt)[...]
          timed.append("\(subject),\(time),\(known),\(code),\(value),\(unit)")
        }
      }
    }
    let header = "subject,time,known,code,value,unit\n"
    return (
      try RecordsFixture.write(header + timed.reversed().joined(separator: "\n")),
      try RecordsFixture.write("subject,code,value\n" + timeless.joined(separator: "\n"))
    )
  }

  /// Resources by type; medication administrations and the like are left to the command line, since
  /// they are large and not read.
  @Test(.enabled(if: fhir != nil, "the FHIR demo is not here"))
  func fhirDemo() throws {
    let folder = try #require(Self.fhir) + "/fhir/Mimic"
    let files = [
      "Condition", "ConditionED", "Encounter", "EncounterED", "EncounterICU", "Patient",
      "Procedure", "ProcedureED", "ProcedureICU", "ObservationMicroTest",
      "ObservationVitalSignsED",
    ]
    // One export with these files: conditions have the times of their encounters.
    let export = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: export, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: export) }
    for file in files {
      try FileManager.default.createSymbolicLink(
        atPath: export.appending(path: "\(file).ndjson.gz").path,
        withDestinationPath: "\(folder)\(file).ndjson.gz")
    }
    var batch = EventBatch()
    var reader = try FHIRSource(path: export.path).open()
    var diagnoses = (all: 0, atOnce: 0)
    while try reader.next(&batch) {
      for event in batch.events where batch.lexicon.assumedDiagnoses[event.code] != nil {
        diagnoses.all += 1
        if event.knownAt <= event.latest { diagnoses.atOnce += 1 }
      }
    }
    #expect(
      batch.report.rows == [
        "Condition": 4506 + 545, "Encounter": 637, "Patient": 100, "Procedure": 3450,
        "Observation": 8193,
      ])
    #expect(diagnoses.all >= 4506 + 545 && diagnoses.atOnce == 0)
    #expect(batch.lexicon.subjects.count == 100)
    let codes = batch.lexicon.codes
    #expect(codes.existing("loinc:8480-6") != nil)
    #expect(codes.existing("death") != nil)
    #expect(batch.report.skippedCount == 0)
  }

  @Test(.enabled(if: synthea != nil, "the FHIR bundles are not here"))
  func syntheaBundles() throws {
    let folder = try #require(Self.synthea)
    let source = try FHIRSource(path: folder)
    #expect(source.files.count == 36)
    // Bundles of a sixth of the patients: the whole set takes long without optimisation.
    var batch = EventBatch()
    for file in source.files.prefix(6) {
      var reader = try FHIRSource(path: file).open()
      while try reader.next(&batch) {}
    }
    #expect(batch.report.rows["Patient"] == 6)
    #expect(batch.lexicon.subjects.count == 6)
    #expect(batch.lexicon.units.existing("mm[Hg]") != nil)
    #expect(batch.lexicon.codes.existing("loinc:8480-6") != nil)
    #expect(batch.report.skippedCount == 0)
  }
}
