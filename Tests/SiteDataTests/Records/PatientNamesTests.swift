import Foundation
import Records
import Testing

@testable import SiteData

/// Where one file is one patient, its name is an identifier: nothing that is shown or logged has it.
@Suite struct PatientNamesTests {
  private static let patients = ["Doe-Jane-19470312", "Roe-Richard-19500101", "Zoe-Anna-19990909"]

  private let recipe = RecordsRecipe(
    variables: [RecordVariable("hr", codes: [.exact("hr"), .exact("loinc:8867-4")])],
    index: IndexRule(.event(variable: "hr", condition: nil)),
    features: [FeatureRequest(Measure("hr", .ever, .count))])

  private func folder(_ ending: String, _ text: (String) -> String) throws -> String {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for name in Self.patients {
      try Data(text(name).utf8).write(to: folder.appending(path: name + ending))
    }
    return folder.path
  }

  private func description(_ form: String, _ folder: String) -> RecordsDescription {
    let source: RecordsDescription.Source =
      switch form {
      case "2012": .physioNet2012(path: folder, outcomes: nil)
      case "2019": .physioNet2019(folder: folder)
      default: .fhir(path: folder, ignoresZones: false)
      }
    return RecordsDescription(sources: [source])
  }

  private func text(_ form: String, _ name: String) -> String {
    let hourly = PhysioNet.codes2019.keys.sorted()
    return switch form {
    case "2012": "Time,Parameter,Value\n00:07,HR,73\n"
    case "2019":
      (hourly + ["ICULOS"]).joined(separator: "|") + "\n"
        + hourly.map { $0 == "HR" ? "80" : "NaN" }.joined(separator: "|") + "|2\n"
    default:
      #"{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"\#(name)"}},"#
        + #"{"resource":{"resourceType":"Observation","subject":{"reference":"Patient/\#(name)"},"#
        + #""effectiveDateTime":"2020-01-01","code":{"coding":[{"system":"http://loinc.org","#
        + #""code":"8867-4"}]},"valueQuantity":{"value":80}}}]}"#
    }
  }

  private func ending(_ form: String) -> String {
    ["2012": ".txt", "2019": ".psv"][form] ?? ".json"
  }

  private func names(_ text: String) -> Bool {
    Self.patients.contains { text.contains($0) || text.contains($0.prefix(3)) }
  }

  @Test(arguments: ["2012", "2019", "fhir"]) func nobodyIsNamed(form: String) throws {
    let folder = try folder(ending(form)) { text(form, $0) }
    let described = description(form, folder)
    let source = try described.open()
    #expect(source.name == "3 files in \(folder)/")
    let extraction = try FeatureExtraction(recipe, described)
    #expect(extraction.table.rowCount == 3)
    #expect(!names(extraction.summary()), "\(extraction.summary())")
    #expect(form == "fhir" || extraction.report.rows == ["3 files in \(folder)/": 3])
    #expect(!names(try RecordsSurvey.text(recipe, described)))
    let check = RecordsCheck.run(described, site: "a")
    #expect(check.isUsable && !names(check.text()))
    #expect(!names(String(decoding: try JSONEncoder().encode(check), as: UTF8.self)))
  }

  /// Errors have a place that the hospital finds: the position of the file in the sorted folder.
  @Test(arguments: ["2012", "2019", "fhir"]) func errorsNameNobody(form: String) throws {
    let folder = try folder(ending(form)) { name in
      let whole = text(form, name)
      return name.hasPrefix("Roe") ? String(whole.dropLast(2)) + "|," : whole
    }
    let check = RecordsCheck.run(description(form, folder), site: "a")
    #expect(!check.isUsable && !names(check.text()))
    #expect(check.problems.first?.places.first?.hasPrefix("file 2 of 3 in \(folder)/") == true)
    do {
      _ = try FeatureExtraction(recipe, description(form, folder))
      Issue.record("the second file is broken")
    } catch {
      #expect(!names(error.description) && error.description.contains("file 2 of 3"))
    }
    // A file that cannot be opened, one that is empty, and one without its columns.
    for damage in [nil, "", "x\n"] {
      let file = "\(folder)/\(Self.patients[1])\(ending(form))"
      try FileManager.default.removeItem(atPath: file)
      if let damage {
        try Data(damage.utf8).write(to: URL(filePath: file))
      } else {
        try FileManager.default.createDirectory(
          atPath: file, withIntermediateDirectories: true)
      }
      let check = RecordsCheck.run(description(form, folder), site: "a")
      #expect(!names(check.text()), "\(check.text())")
      #expect(form == "fhir" && damage == "" || !check.isUsable)
    }
  }

  /// Files that are no patients keep their names: a person has to find them.
  @Test func otherFilesAreNamed() throws {
    let path = try RecordsFixture.write("id,t,c\n1,soon,a\n", "laboratory.csv")
    let mapping = DelimitedMapping(
      subject: .column("id"), when: .column("t", .calendar(zone: 0)),
      layout: .long(code: "c", value: nil, unit: nil))
    let described = RecordsDescription(sources: [.delimited(files: [path], mapping: mapping)])
    #expect(RecordsCheck.run(described, site: "a").text().contains("laboratory.csv, line 2"))
  }
}
