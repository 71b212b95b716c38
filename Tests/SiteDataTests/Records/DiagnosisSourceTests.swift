import Foundation
import Records
import StrictYAML
import Testing

@testable import SiteData

/// Diagnoses of a CSV extract: their spelling, and a code system that nobody declared.
@Suite struct DiagnosisSourceTests {
  private let recipe = RecordsRecipe(
    variables: [
      RecordVariable("failure", codes: [.group(.charlson, "chf")]),
      RecordVariable("I50", codes: [CodePattern("icd10:I50.*")]),
      RecordVariable("end", codes: [.exact("end")]),
    ],
    index: IndexRule(.event(variable: "failure", condition: nil), .first),
    outcome: RecordOutcome("seen", variable: "end"),
    features: [FeatureRequest(Measure("I50", .ever, .count), name: "I50")])

  private func description(_ system: String) throws -> RecordsDescription {
    let diagnoses = try RecordsFixture.write(
      "id,t,c\n1,2020-01-01,I50.9\n2,2020-01-01,i509\n3,2020-01-01,J18.9\n", "d.csv")
    func source(_ system: String) -> RecordsDescription.Source {
      .delimited(
        files: [diagnoses],
        mapping: DelimitedMapping(
          subject: .column("id"), when: .column("t", .calendar(zone: 0)),
          layout: .long(code: "c", value: nil, unit: nil), codeSystem: system))
    }
    return RecordsDescription(sources: [source(system)])
  }

  /// Index events of a group are found although nobody declared the system.
  @Test func theVoteComesBeforeTheIndexEvents() throws {
    var passes: Set<Int> = []
    let extraction = try FeatureExtraction(recipe, try description("icd")) { step in
      passes.insert(step.pass)
      #expect(step.passCount == 3)
    }
    #expect(passes == [1, 2, 3])
    #expect(extraction.undeclaredDiagnoses == .icd10)
    #expect(extraction.table.subjects == ["1", "2"])
    let text = try RecordsSurvey.text(recipe, try description("icd"))
    #expect(text.contains("  failure: 2 records, 67 % of the patients"), "\(text)")
  }

  /// Codes with and without dots, in upper and lower case, are the same.
  @Test func spellings() throws {
    let table = try FeatureExtraction(recipe, try description("icd10")).table
    #expect(table.subjects == ["1", "2"])
    #expect(table.column("I50")?.values == .numbers([0, 0]), "known when the day is over")
    let events = try RecordsFixture.events(try description("icd10").open()).events
    #expect(
      events.map { $0.split(separator: " ")[1] } == ["icd10:I509", "icd10:I509", "icd10:J189"])
  }

  @Test(arguments: ["ICD-10", "icd9", "icd10"]) func systems(word: String) throws {
    let yaml = "sources: [{form: long, file: a, subject: i, time: t, code: c, system: \(word)}]"
    do {
      _ = try RecordsDescription(yaml: YAMLDocument(text: yaml, file: "r.yaml").root, folder: "")
      #expect(word == "icd10")
    } catch {
      #expect(word != "icd10" && error.advice.contains("icd9cm"), "\(error)")
    }
  }
}
