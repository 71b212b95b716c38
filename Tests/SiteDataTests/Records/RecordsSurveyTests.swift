import Foundation
import Records
import Testing

@testable import SiteData

/// What a data steward sees of the hospital's own records, with planted faults.
@Suite struct RecordsSurveyTests {
  private func recipe(_ outcome: RecordOutcome?) throws -> RecordsRecipe {
    let glucose = try #require(RecordVariable("glucose", clinical: "glu"))
    return RecordsRecipe(
      variables: [
        glucose, RecordVariable("stay", codes: [.exact("stay")]),
        RecordVariable("death", codes: [.exact("death")]),
        RecordVariable(
          "score", codes: [.exact("score")],
          kind: .number(unit: nil, hardRange: nil, warnRange: nil)),
      ],
      index: IndexRule(.event(variable: "stay", condition: nil), .every),
      outcome: outcome,
      features: [
        FeatureRequest(Measure("glucose", .ever, .mean), name: "glucose"),
        FeatureRequest(Measure("score", .ever, .last), name: "score"),
      ])
  }

  /// 60 stays; every third patient dies, glucose is in mmol/L though declared as mg/dL, and the
  /// score knows who dies.
  private func description() throws -> RecordsDescription {
    var text = "id,t,what,value,unit\n"
    for patient in 0..<60 {
      let dies = patient % 3 == 0
      text += "pat-\(patient),2020-01-01,glu,\(5 + Double(patient % 7) / 3),mg/dL\n"
      text += "pat-\(patient),2020-01-01,score,\(dies ? 77 : 11),\n"
      text += "pat-\(patient),2020-01-01,house-code,1,\n"
      text += "pat-\(patient),2020-01-02,stay,,\n"
      if dies { text += "pat-\(patient),2020-01-10,death,,\n" }
    }
    let mapping = DelimitedMapping(
      subject: .column("id"), when: .column("t", .calendar(zone: 0)),
      layout: .long(code: "what", value: "value", unit: "unit"))
    return RecordsDescription(
      sources: [.delimited(files: [try RecordsFixture.write(text)], mapping: mapping)])
  }

  @Test func namesWhatIsWrongAndNobody() throws {
    let outcome = RecordOutcome("dies", variable: "death", horizon: 30 * RecordTime.day)
    let text = try RecordsSurvey.text(try recipe(outcome), try description())
    #expect(text.contains("260 records of 60 patients"))
    #expect(text.contains("glucose: values declared as mg/dL look recorded in mmol/L"))
    #expect(text.contains("commonest of them: house-code"))
    #expect(text.contains("Leak scan\n  score alone reaches AUROC 1.0"))
    #expect(!text.contains("pat-"), "no identifier")
    #expect(!text.contains("77"), "no value")
  }

  @Test func withoutAnOutcomeThereIsNoLeakScan() throws {
    let text = try RecordsSurvey.text(try recipe(nil), try description())
    #expect(!text.contains("Leak scan"))
  }

  @Test func aSourceThatCannotBeReadIsNamed() throws {
    let mapping = DelimitedMapping(
      subject: .column("id"), when: .always, layout: .wide([.init("a")]))
    let away = RecordsDescription(sources: [.delimited(files: ["/nowhere/a.csv"], mapping: mapping)]
    )
    let error = #expect(throws: FeatureExtraction.Failure.self) {
      try RecordsSurvey.text(recipe(nil), away)
    }
    #expect(error?.description.contains("/nowhere/a.csv") == true)
  }
}
