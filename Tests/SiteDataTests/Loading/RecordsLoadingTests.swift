import Cohort
import Foundation
import Records
import StrictYAML
import Testing

@testable import SiteData

/// From a site's records to a study's cohort.
@Suite struct RecordsLoadingTests {
  private let folder = NSTemporaryDirectory() + "records-\(UUID().uuidString.prefix(8))"

  private let recipe = RecordsRecipe(
    variables: [
      RecordVariable("stay", codes: [.exact("stay")]),
      RecordVariable("ward", codes: [.exact("ward")], kind: .category),
      RecordVariable(
        "pulse", codes: [.exact("pulse")],
        kind: .number(unit: "/min", hardRange: 0...300, warnRange: nil)),
      RecordVariable("death", codes: [.exact("death")]),
    ], index: IndexRule(.event(variable: "stay", condition: nil), .every),
    predictionOffset: 24 * 3600,
    criteria: [
      RecordCriterion(
        Measure("pulse", .sinceIndex, .count), ValueCondition(.greater, ["0"]), reason: "a pulse")
    ],
    outcome: RecordOutcome("died", variable: "death", horizon: 30 * 86_400),
    features: [
      FeatureRequest(Measure("ward", .ever, .last), name: "ward", isLabel: true),
      FeatureRequest(Measure("pulse", .sinceIndex, .mean)),
      FeatureRequest(Measure("pulse", .sinceIndex, .slope)),
    ])

  private var cohort: CohortSpecification {
    CohortSpecification(
      patientColumn: "subject", rowsPerPatient: .all, features: recipe.modelFeatures,
      outcome: OutcomeSpecification(column: "died", positive: .oneOf(["1"]), name: "death"),
      include: [
        Criterion(
          column: "pulse_mean_since", comparison: .less, values: ["250"], reason: "no fast pulse")
      ], holdout: .hash(fraction: 0.3, key: "k"))
  }

  private func write(_ text: String, _ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: (("\(folder)/\(name)") as NSString).deletingLastPathComponent,
      withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
  }

  /// Patients of three wards; `only` one ward's.
  private func records(only: String? = nil) -> String {
    var text = "id,t,what,value\n"
    for patient in 0..<60 {
      let ward = ["a", "b", "c"][patient % 3]
      guard only == nil || only == ward else { continue }
      for month in 1...(1 + patient % 2) {
        let day = "\(patient),2020-0\(month)-02"
        text += "\(day)T00:00:00,stay,\n\(day)T00:00:00,ward,\(ward)\n"
        for hour in 1..<max(1, patient % 7) {
          text += "\(day)T0\(hour):00:00,pulse,\(Double(600 + 37 * patient + hour) / 10)\n"
        }
      }
      if patient % 5 == 0 { text += "\(patient),2020-01-20T00:00:00,death,\n" }
    }
    return text
  }

  private let mapping = "{form: long, file: r.csv, subject: id, time: t, code: what, value: value}"

  /// The study reads the same from the records as from the table that `site features` writes of them.
  @Test func recordsGiveTheCohortOfTheirTable() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write(records(), "r.csv")
    try write("sources: [\(mapping)]\n", "records.yaml")
    let described = try RecordsDescription.read(path: "\(folder)/records.yaml")
    let made = try SiteData.load(described, cohort: cohort, recipe: recipe)
    let extraction = try FeatureExtraction(recipe, described)
    try write(extraction.table.csv(isElapsed: extraction.isElapsed), "table.csv")
    let columns = extraction.table.columnNames.map { name in
      DataDescription.Column(
        name, type: extraction.table.column(name)?.unit == nil ? .text : .number,
        unit: extraction.table.column(name)?.unit)
    }
    let read = try SiteData.load(
      DataDescription(file: "\(folder)/table.csv", columns: columns), cohort: cohort)
    #expect(made.rowCount > 40 && made.columns == read.columns)
    #expect(made.outcome == read.outcome && made.outcome.contains(1))
    #expect(made.isHoldout == read.isHoldout && made.patientKeys == read.patientKeys)
    #expect(
      made.flow.map(\.reason)
        == recipe.flowSteps + ["no fast pulse"])
    #expect(
      made.flow.map(\.remainingCount).dropLast() == extraction.table.flow.map(\.rowCount)[...])
    #expect(made.flow.last?.remainingCount == made.rowCount)
    #expect((made.flow.last?.excludedCount ?? 0) > 0)
  }

  /// One set of records shared out by a label gives each site what its own records give.
  @Test func sharedRecordsSplitAsSeparateOnes() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write(records(), "r.csv")
    try write("sources: [\(mapping)]\n", "records.yaml")
    let split = try SiteData.loadSplit(
      RecordsDescription.read(path: "\(folder)/records.yaml"), by: "ward", cohort: cohort,
      recipe: recipe)
    #expect(split.map(\.name) == ["a", "b", "c"])
    for (name, table) in split {
      try write(records(only: name), "\(name)/r.csv")
      let own = try SiteData.load(
        RecordsDescription.read(path: "\(folder)/records.yaml", folder: "\(folder)/\(name)"),
        cohort: cohort, recipe: recipe)
      // What the records are like is known where they are one site's own.
      #expect(table == own.with(flow: own.flow), "\(name)")
      #expect(table.recordsFacts == nil)
      #expect(own.recordsFacts?.variables.map(\.name) == recipe.variables.map(\.name))
    }
    #expect(throws: SiteDataError(.unsuitable, file: "", message: "", advice: "")) {
      try SiteData.loadSplit(
        RecordsDescription.read(path: "\(folder)/records.yaml"), by: "wards", cohort: cohort,
        recipe: recipe)
    }
  }

  /// Where a subject is a stay, a label tells the persons apart, and all stays of a person are on one
  /// side of the holdout; a stay of nobody is a person of its own.
  @Test func aPersonIsOnOneSideOfTheHoldout() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var text = "stay,person,split,died\n"
    for stay in 0..<90 {
      let person = stay < 80 ? "person-\(stay / 3)" : ""
      text += "\(stay),\(person),\(stay % 5 == 0 ? "test" : "train"),\(stay % 2)\n"
    }
    try write(text, "s.csv")
    try write(
      """
      sources:
        - {form: wide, file: s.csv, subject: stay, time: always, columns: [person, split]}
        - {form: wide, file: s.csv, subject: stay, time: 48 h, columns: [died]}
      """, "records.yaml")
    let names = ["person", "split"]
    let recipe = RecordsRecipe(
      variables: names.map { RecordVariable($0, codes: [.exact($0)], kind: .category) } + [
        RecordVariable(
          "died", codes: [.exact("died")], kind: .number(unit: nil, hardRange: nil, warnRange: nil))
      ], index: IndexRule(.start), predictionOffset: 24 * 3600,
      outcome: RecordOutcome(
        "dead", variable: "died", condition: ValueCondition(.equal, ["1"])),
      features: names.map { FeatureRequest(Measure($0, .ever, .last), name: $0, isLabel: true) }
        + [FeatureRequest(Measure("split", .ever, .count), name: "n")])
    for rule in [
      HoldoutRule.column(name: "split", holdoutValue: "test"), .hash(fraction: 0.4, key: "k"),
    ] {
      func sides(_ patient: String) throws -> [String: Set<Bool>] {
        let table = try SiteData.load(
          RecordsDescription.read(path: "\(folder)/records.yaml"),
          cohort: CohortSpecification(
            patientColumn: patient, rowsPerPatient: .all, features: recipe.modelFeatures,
            outcome: OutcomeSpecification(column: "dead", positive: .oneOf(["1"]), name: "d"),
            holdout: rule), recipe: recipe)
        #expect(table.rowCount == 90 && table.isHoldout.contains(true))
        // Rows are in the order of the stays' names.
        let stays = (0..<90).map(String.init).sorted()
        var sides: [String: Set<Bool>] = [:]
        for (stay, isHeldOut) in zip(stays.compactMap(Int.init), table.isHoldout) where stay < 80 {
          sides["\(stay / 3)", default: []].insert(isHeldOut)
        }
        return sides
      }
      #expect(try sides("subject").values.contains { $0.count == 2 })
      #expect(try sides("person").values.allSatisfy { $0.count == 1 })
    }
  }

  @Test(arguments: [
    "{records: records.yaml}", "{records: {file: records.yaml}}",
    "{records: {file: other/records.yaml, folder: .}}",
    "{records: {sources: [{form: long, file: r.csv, subject: id, time: t, code: what, value: value}]}}",
    "{file: table.csv, records: records.yaml}",
  ])
  func aSiteSaysWhereItsRecordsAre(data: String) async throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write(records(), "r.csv")
    try write("sources: [\(mapping)]\n", "records.yaml")
    try write("sources: [\(mapping)]\n", "other/records.yaml")
    let site = try SiteConfiguration.decode(
      "site: a\naggregator: {host: h}\ndata: \(data)\n", file: "site.yaml", folder: folder)
    #expect((site.data == nil) == !data.contains("table.csv"))
    let table = try await SiteData.loading(site, cohort: cohort, recipe: recipe)
    #expect(table.rowCount > 40)
    let check = try #require(RecordsCheck.run(site))
    #expect(check.isUsable && check.problems.isEmpty && check.subjectCount == 60)
  }

  /// What is missing is said with what to do.
  @Test func aSiteWithoutWhatTheStudyReadsSaysSo() throws {
    let table = try SiteConfiguration.decode(
      "site: a\naggregator: {host: h}\ndata: {file: t.csv}\n", file: "site.yaml", folder: folder)
    #expect(RecordsCheck.run(table) == nil)
    do {
      _ = try SiteData.load(table, cohort: cohort, recipe: recipe)
      Issue.record("a table is no records")
    } catch {
      #expect(error.description.contains("says nothing about records"), "\(error)")
      #expect(error.advice.contains("records.yaml"))
    }
    try write("sources: [\(mapping)]\n", "records.yaml")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let records = try SiteConfiguration.decode(
      "site: a\naggregator: {host: h}\ndata: {records: records.yaml}\n", file: "site.yaml",
      folder: folder)
    #expect(SiteCheck.run(records) == nil)
    do {
      _ = try SiteData.load(records, cohort: cohort)
      Issue.record("records are no table")
    } catch {
      #expect(error.description.contains("names no file"), "\(error)")
    }
    // The file is not there; the check says which.
    let check = try #require(RecordsCheck.run(records))
    #expect(!check.isUsable && check.text().contains("r.csv"), "\(check.text())")
    #expect(throws: YAMLProblem.self) {
      try SiteConfiguration.decode(
        "site: a\naggregator: {host: h}\ndata: {records: {file: records.yaml, skip: 3}}\n",
        file: "site.yaml", folder: folder)
    }
  }

  /// A summary of the first day is known when the day is over, not before.
  @Test func aSummaryIsKnownAtItsEnd() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try write("id,x\n1,7\n", "w.csv")
    try write(
      "sources: [{form: wide, file: w.csv, subject: id, time: 24 h, columns: [x]}]\n",
      "records.yaml")
    func x(after hours: Int64) throws -> FeatureColumn.Values? {
      let recipe = RecordsRecipe(
        variables: [
          RecordVariable(
            "x", codes: [.exact("x")], kind: .number(unit: nil, hardRange: nil, warnRange: nil))
        ], index: IndexRule(.start), predictionOffset: hours * 3600,
        features: [FeatureRequest(Measure("x", .ever, .count), name: "x")])
      return try FeatureExtraction(
        recipe, RecordsDescription.read(path: "\(folder)/records.yaml")
      ).table.column("x")?.values
    }
    #expect(try x(after: 23) == .numbers([0]))
    #expect(try x(after: 24) == .numbers([1]))
  }
}
