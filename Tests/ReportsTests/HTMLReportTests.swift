import Foundation
import Study
import Testing

@testable import Reports

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// The report as a file: well-formed, closed to the outside, complete.
@Suite struct HTMLReportTests {
  private func page() async throws -> String {
    let text = HTMLReport.render(
      try await StudyFixture.result.value, provenance: StudyFixture.provenance)
    if let path = ProcessInfo.processInfo.environment["WARDROUND_REPORT_PREVIEW"] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }
    return text
  }

  @Test func isWellFormedAndItsReferencesHold() async throws {
    let reader = PageReader()
    try reader.read(try await page())
    #expect(reader.failure == nil, "\(reader.failure ?? "") line \(reader.failureLine)")
    #expect(reader.ids.count == Set(reader.ids).count, "an id stands twice")
    #expect(Set(reader.references).isSubset(of: Set(reader.ids)))
    #expect(
      reader.elements.isDisjoint(with: ["script", "iframe", "object", "embed", "link", "img"]))
  }

  @Test func loadsNothing() async throws {
    let text = try await page()
    #expect(text.contains("default-src 'none'"))
    let allowed = text.replacingOccurrences(of: "http://www.w3.org/1999/xhtml", with: "")
      .replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "")
    for forbidden in ["http:", "https:", "src=", "url(", "@import", "javascript:", "onload"] {
      #expect(!allowed.contains(forbidden), "\(forbidden)")
    }
  }

  @Test func escapesEveryHostileString() async throws {
    let text = try await page()
    for hostile in [
      StudyFixture.hostileName, StudyFixture.quotedName, "]]>", "\u{202E}", "<b>\"", "lactate <b>",
      "<i>trauma", "<newton>", "<closer>", "<admission>", "<Clinic>", "& Sons",
    ] {
      #expect(!text.contains(hostile), "\(hostile)")
    }
    #expect(text.contains("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;"))
  }

  @Test func saysNothingThatIsNotANumber() async throws {
    let reader = PageReader()
    try reader.read(try await page())
    let words = reader.text.split { !$0.isLetter }.map { $0.lowercased() }
    for word in ["nan", "inf", "infinity", "nil", "optional"] {
      #expect(!words.contains(word), "\(word)")
    }
    for value in reader.drawingValues where Double(value) == nil {
      Issue.record("\(value) is not a coordinate")
    }
    #expect(reader.drawingValues.count > 500)
  }

  @Test func showsEveryFigureTableAndHospital() async throws {
    let reader = PageReader()
    try reader.read(try await page())
    for heading in [
      "What this study does not show", "The answer in one paragraph", "What the model is for",
      "Hospitals and patients", "Performance on every hospital’s own patients",
      "What working together brings", "The study’s models compared", "What the model looks at",
      "How the hospitals differ", "What left the hospitals", "How the values were prepared",
      "Notes of the run", "Reporting guideline", "Model card", "Lineage",
    ] {
      #expect(reader.text.contains(heading), "\(heading)")
    }
    let figures = [
      "AUROC of every hospital", "ROC curves of the hospitals",
      "Calibration curves of the hospitals",
      "Observed over expected events of every hospital", "Calibration slope of every hospital",
      "Decision curves of the hospitals", "Predicted risks of the hospitals",
      "AUROC of every model at every hospital", "AUROC of the study's models at every hospital",
      "Odds ratios of the primary model", "Population stability index by feature and hospital",
      "Share of patients without a value, by feature and hospital",
      "Medians and quartiles by hospital",
    ]
    #expect(
      Set(figures).isSubset(of: Set(reader.titles)), "\(Set(figures).subtracting(reader.titles))")
    #expect(reader.drawingCount == figures.count)
    for site in StudyFixture.sites {
      let shown = site.replacingOccurrences(of: "\u{202E}", with: "\u{FFFD}")
      #expect(reader.cells.filter { $0.contains(shown) }.count >= 3, "\(site)")
    }
    #expect(reader.text.contains("No formal privacy guarantee."))
    #expect(reader.text.contains("wardround study replay five & more.transcript"))
    #expect(reader.cells.contains { $0.hasPrefix("Faraway <Clinic>") })
    #expect(reader.headingCellsWithoutScope == 0)
  }

  /// Under every figure and table: the kind, how many values, and the smallest cell.
  @Test func statesWhatEveryNumberDisclosed() async throws {
    let result = try await StudyFixture.result.value
    let captions = try await page().components(separatedBy: "<span class=\"released\">").dropFirst()
      .map { $0.components(separatedBy: "</span>")[0] }
    #expect(captions.count > 12)
    for caption in captions {
      let says = (
        sums: caption.contains("kind P1"), answers: caption.contains("site answer"),
        nothing: caption.contains("nothing more")
      )
      #expect(says.sums || says.answers || says.nothing, "\(caption)")
      #expect(says.nothing || caption.contains("In numbers: "), "\(caption)")
      #expect(!says.answers || caption.contains("no cell below \(result.study.minimumCell)"))
      #expect(!says.sums || caption.contains("over at least \(StudyFixture.sites.count) hospitals"))
    }
    let newton = try #require(result.disclosures.first { $0.stage == "fit" })
    #expect(captions.contains { $0.contains("\(newton.valueCount) integers") })
  }

  @Test func printsTheNumbersOfTheResult() async throws {
    let result = try await StudyFixture.result.value
    let text = try await page()
    let performance = result.performance[0].sites
    for site in [StudyFixture.plainName, StudyFixture.quotedName, StudyFixture.hostileName] {
      let auroc = try #require(performance[site]?.discrimination)
      #expect(
        text.contains(NumberText.estimate(auroc.value, auroc.logitInterval, 3)), "\(site)")
    }
    let pooled = try #require(result.summaries.first { $0.measure == .auroc })
    #expect(text.contains(NumberText.interval(pooled.predictionInterval, 2)))
    for finding in result.drift.findings.prefix(30) {
      #expect(text.contains(Markup.escaped(finding.sentence)))
    }
    #expect(result.drift.findings.contains { $0.subject == .unit && $0.feature == "creatinine" })
    #expect(performance[StudyFixture.oneClassName]?.discrimination == nil)
    #expect(performance[StudyFixture.smallName]?.suppressed != Optional.none)
  }

  @Test func isTheSameEveryTime() async throws {
    #expect(try await page() == page())
  }

  @Test func saysSoWhereADisclosureIsNotAllowed() async throws {
    let result = try await StudyFixture.run(disclosures: [])
    let text = HTMLReport.render(result, provenance: StudyFixture.provenance)
    #expect(result.matrix == nil && result.leaveOneSiteOut == nil)
    #expect(text.contains("The model × site matrix is not part of this study"))
    #expect(text.contains("Models without one hospital are not part of this study"))
    let reader = PageReader()
    try reader.read(text)
    #expect(reader.failure == nil)
  }

  @Test func showsTwentyHospitals() async throws {
    let result = try await StudyFixture.runTwenty()
    let text = HTMLReport.render(result, provenance: StudyFixture.provenance)
    let reader = PageReader()
    try reader.read(text)
    #expect(reader.failure == nil)
    #expect(result.sites.count == 20)
    for site in result.sites {
      #expect(reader.cells.filter { $0.contains(site.name) }.count >= 3, "\(site.name)")
    }
    if let path = ProcessInfo.processInfo.environment["WARDROUND_REPORT_PREVIEW"] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path + ".twenty.html"))
    }
  }

  @Test func survivesAnEmptyResult() async throws {
    var result = try await StudyFixture.result.value
    result.sites = []
    result.models = []
    result.performance = []
    result.ownModels = [:]
    result.summaries = []
    result.distributions = [:]
    result.features = []
    result.disclosures = []
    let reader = PageReader()
    try reader.read(HTMLReport.render(result, provenance: StudyFixture.provenance))
    #expect(reader.failure == nil)
  }
}
