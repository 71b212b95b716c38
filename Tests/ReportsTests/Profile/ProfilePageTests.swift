import Cohort
import Foundation
import Records
import Testing

@testable import Reports

/// The page of a hospital's own records: well-formed, closed, without patients.
@Suite struct ProfilePageTests {
  private static let hostile = "<script>alert(\"x\")</script>"

  /// 60 patients with six values each, one of them far out; a study whose outcome is a death.
  private func content() throws -> ProfilePage.Content {
    var batch = EventBatch()
    func index(_ interner: inout Interner, _ text: String) throws -> Int32 {
      let number = interner.index(text)
      return try #require(number)
    }
    for patient in 0..<60 {
      let subject = try index(&batch.lexicon.subjects, "pat-\(patient)")
      func add(_ code: String, _ time: Int64, _ value: Double = .nan, unit: String? = nil) throws {
        var event = Event(
          subject: subject, code: try index(&batch.lexicon.codes, code), time: time, value: value)
        if let unit { event.unit = try index(&batch.lexicon.units, unit) }
        batch.events.append(event)
      }
      try add("stay", 1_000_000)
      for hour in 0..<6 {
        let value = patient == 7 && hour == 3 ? 9377 : 90 + Double((patient * 6 + hour) % 80)
        try add("glu", 1_000_000 - Int64(hour), value, unit: "mg/dL")
      }
      try add("bad:\(Self.hostile)", 1_000_000, 1)
      if patient % 4 == 0 { try add("death", 1_100_000) }
    }
    let glucose = try #require(RecordVariable("glucose", clinical: "glu"))
    let recipe = RecordsRecipe(
      variables: [
        glucose, RecordVariable("stay", codes: [.exact("stay")]),
        RecordVariable("death", codes: [.exact("death")]),
      ],
      index: IndexRule(.event(variable: "stay", condition: nil), .every),
      outcome: RecordOutcome(Self.hostile, variable: "death", horizon: 1_000_000),
      features: [FeatureRequest(Measure("glucose", .ever, .mean), name: "glucose")])
    var profile = try RecordsProfile(recipe)
    profile.receive(batch)
    var scan = try IndexScan(recipe)
    try scan.receive(batch)
    var builder = try FeatureBuilder(recipe, index: scan.finish(batch.lexicon))
    try builder.receive(batch)
    var report = ReadingReport()
    report.rows = ["records": batch.events.count]
    report.skipped = [.badTime: 3]
    report.withdrawn = ["Observation": 2]
    return ProfilePage.Content(
      source: "records.csv & more", generatedAt: "2026-01-01T00:00:00Z", softwareVersion: "0.1.0",
      overview: profile.overview(batch.lexicon), report: report,
      cohort: CohortOverview(builder.finish(batch.lexicon), suspects: ["glucose knows"]))
  }

  @Test func isWellFormedAndLoadsNothing() throws {
    let page = ProfilePage.render(try content())
    if let path = ProcessInfo.processInfo.environment["WARDROUND_PROFILE_PREVIEW"] {
      try Data(page.utf8).write(to: URL(fileURLWithPath: path))
    }
    let reader = PageReader()
    try reader.read(page)
    #expect(reader.failure == nil, "\(reader.failure ?? "") line \(reader.failureLine)")
    #expect(reader.ids.count == Set(reader.ids).count, "an id stands twice")
    #expect(Set(reader.references).isSubset(of: Set(reader.ids)))
    #expect(reader.headingCellsWithoutScope == 0)
    #expect(
      reader.elements.isDisjoint(with: ["script", "iframe", "object", "embed", "link", "img", "a"]))
    #expect(reader.titles == ["Who has which variable", "Distributions of the values"])
    for value in reader.drawingValues { #expect(Double(value) != nil, "\(value)") }
    let allowed = page.replacingOccurrences(of: "http://www.w3.org/1999/xhtml", with: "")
      .replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
    for forbidden in ["http:", "https:", "src=", "url(", "@import"] {
      #expect(!allowed.contains(forbidden), "\(forbidden)")
    }
    #expect(page.contains("default-src 'none'") && !page.contains(Self.hostile))
  }

  /// Everything the data steward asks for, and nothing of one patient.
  @Test func saysWhatIsThereAndNobody() throws {
    let content = try content()
    let reader = PageReader()
    try reader.read(ProfilePage.render(content))
    for words in [
      "must not leave the hospital", "records.csv & more", "mg/dL", "a time that cannot be read",
      "Observation: entered in error", "glucose knows", "Code systems", "60", "25.0 %",
    ] {
      #expect(reader.text.contains(words), "\(words)")
    }
    #expect(!reader.text.contains("pat-"))
    // One far value moves no quantile; it is counted as impossible.
    #expect(!reader.text.contains("9377") && !reader.text.contains("9,377"))
    let glucose = try #require(content.overview.variables.first)
    #expect(glucose.tally.hardRangeCount == 1 && glucose.distributions.count == 1)
    #expect(glucose.distributions[0].quantiles.allSatisfy { (88...172).contains($0) })
    #expect(glucose.distributions[0].shares.reduce(0, +) > 0.85)
    #expect(ProfilePage.render(content) == ProfilePage.render(content))
  }

  /// A page of nothing at all is a page.
  @Test func anEmptySource() throws {
    let reader = PageReader()
    try reader.read(
      ProfilePage.render(
        ProfilePage.Content(
          source: "", generatedAt: "", softwareVersion: "",
          overview: ProfileOverview(
            patientCount: 0, recordCount: 0, unmappedCount: 0, variables: [], systems: [],
            unmappedCodes: [], delays: [], findings: []), report: ReadingReport(), cohort: nil)))
    #expect(reader.failure == nil && reader.text.contains("Nothing stood out."))
  }
}
