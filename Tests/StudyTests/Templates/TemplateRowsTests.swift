import Cohort
import Foundation
import Records
import SiteData
import Testing

@testable import Study

/// Every template that starts from records, over a small extract whose rows and outcomes are counted by hand.
@Suite struct TemplateRowsTests {
  private func table(
    _ template: StudyTemplate, _ records: String, forPrediction: Bool = false
  ) throws -> FeatureTable {
    let folder = NSTemporaryDirectory() + "template-\(UUID().uuidString.prefix(8))"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    func write(_ text: String, _ name: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
    try write("id,time,code,value\n" + records + "\n", "records.csv")
    try write(
      "sources: [{form: long, file: records.csv, subject: id, time: time, code: code, value: value}]\n",
      "records.yaml")
    let plan = try StudyPlan(yaml: template.text(study: "mine"), file: "study.yaml")
    var recipe = try #require(plan.records)
    if forPrediction { recipe.outcome = nil }
    let records = try RecordsDescription.read(path: "\(folder)/records.yaml")
    if !forPrediction {
      // What a study gets: the same rows.
      let cohort = try SiteData.load(records, cohort: plan.cohort, recipe: recipe)
      let table = try FeatureExtraction(recipe, records).table
      #expect(cohort.rowCount == table.rowCount && cohort.rowCount > 0)
      return table
    }
    return try FeatureExtraction(recipe, records).table
  }

  /// Subjects of the rows, and those of the rows with the outcome.
  private func rows(_ table: FeatureTable) -> (all: [String], events: [String]) {
    let events = zip(table.subjects, table.outcomes).compactMap { subject, outcome -> String? in
      if case .event = outcome { return subject }
      return nil
    }
    return (table.subjects, events)
  }

  /// Who died in hospital or on the day of the discharge is not there, however exactly the death is dated.
  @Test func readmission() throws {
    var text: [String] = []
    func stay(_ id: String, _ from: String, _ to: String) {
      text += ["\(id),\(from),visit:9201,", "\(id),\(to),visit-end:9201,"]
    }
    for id in [
      "alone", "back", "died-that-day", "died-later", "child", "late", "died-inside",
      "died-at-noon",
    ] {
      text.append("\(id),\(id == "child" ? 2015 : 1950)-03-01,person:birth,")
      stay(id, "2024-01-01 08:00", "2024-01-05 14:00")
    }
    stay("back", "2024-01-20 09:00", "2024-01-25 11:00")
    stay("late", "2024-02-14 09:00", "2024-02-15 11:00")
    text += [
      "died-that-day,2024-01-05,death,", "died-later,2024-02-20,death,",
      "died-inside,2024-01-04 03:00,death,", "died-at-noon,2024-01-06 12:00,death,",
    ]
    let table = try table(.readmission, text.joined(separator: "\n"))
    let (all, events) = rows(table)
    #expect(all == ["alone", "back", "back", "died-later", "late", "late"])
    #expect(events == ["back"])
    #expect(table.numbers("stay_hours").first == 102)
    #expect(table.flow.map(\.rowCount) == [8, 10, 9, 6, 6])
  }

  @Test func intensiveCareMortality() throws {
    var text: [String] = []
    for id in ["lives", "dies", "dies-at-once", "child"] {
      text += [
        "\(id),\(id == "child" ? 2015 : 1950)-03-01,person:birth,", "\(id),2024-01-01 08:00,icu,",
        "\(id),2024-01-01 10:00,hr,80", "\(id),2024-01-02 07:00,hr,100",
        "\(id),2024-01-02 09:00,hr,150",
      ]
    }
    text += ["dies,2024-01-11 08:00,death,", "dies-at-once,2024-01-01 20:00,death,"]
    let table = try table(.intensiveCareMortality, text.joined(separator: "\n"))
    let (all, events) = rows(table)
    #expect(all == ["dies", "lives"] && events == ["dies"])
    #expect(table.numbers("hr_max_since") == [100, 100])
  }

  /// The outcome is the next hour's label, which the last hour does not have; for prediction every hour is a
  /// row, with its own label in a column that no model gets.
  @Test func sepsis() throws {
    var text: [String] = []
    for id in ["septic", "well"] {
      for hour in 0..<6 {
        text += [
          "\(id),2024-01-01 0\(hour):00,sepsis_label,\(id == "septic" && hour >= 4 ? 1 : 0)",
          "\(id),2024-01-01 0\(hour):00,hr,\(80 + hour)",
        ]
      }
    }
    let records = text.joined(separator: "\n")
    let (all, events) = rows(try table(.sepsis, records))
    #expect(all.count == 10 && events == ["septic", "septic"])
    let every = try table(.sepsis, records, forPrediction: true)
    #expect(every.rowCount == 12)
    #expect(every.numbers("sepsis_label") == [0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0])
    let plan = try StudyPlan(yaml: StudyTemplate.sepsis.text(study: "mine"), file: "study.yaml")
    #expect(!plan.cohort.features.contains { $0.name == "sepsis_label" })
  }

  @Test func cancerSurvival() throws {
    var text: [String] = []
    for (id, end) in [("dies", ""), ("lives", "2018-01-01"), ("unknown", "2013-01-01")] {
      text += [
        "\(id),1950-03-01,person:birth,", "\(id),2012-01-01 08:00,diagnosis,",
        "\(id),2012-01-20,stage,2",
      ]
      if !end.isEmpty { text.append("\(id),\(end),last_contact,") }
    }
    text.append("dies,2014-01-01,death,")
    let table = try table(.cancerSurvival, text.joined(separator: "\n"))
    let (all, events) = rows(table)
    #expect(all == ["dies", "lives"] && events == ["dies"])
  }
}

extension FeatureTable {
  fileprivate func numbers(_ name: String) -> [Double] {
    guard case .numbers(let values)? = column(name)?.values else { return [] }
    return values
  }
}
