import Foundation
import Study
import Testing
import Validation

@testable import Reports

/// Numbers, markup, the terminal summary and the model card.
@Suite struct TextTests {
  @Test func formatsNumbersWithoutALocale() {
    #expect(NumberText.fixed(0.8155, 3) == "0.816")
    #expect(NumberText.fixed(-0.004, 2) == "0.00")
    #expect(NumberText.fixed(-1.5, 1) == "−1.5")
    #expect(NumberText.fixed(.nan, 2) == "–")
    #expect(NumberText.fixed(.infinity, 2) == "–")
    #expect(NumberText.fixed(12, 0) == "12")
    #expect(NumberText.significant(0.012345) == "0.0123")
    #expect(NumberText.significant(123_456) == "123000")
    #expect(NumberText.significant(99.96) == "100")
    #expect(NumberText.significant(1.5e-9) == "1.5 × 10^−9")
    #expect(NumberText.significant(-0.1) == "−0.1")
    #expect(NumberText.count(1_234_567) == "1,234,567")
    #expect(NumberText.count(12) == "12")
    #expect(NumberText.percent(0.1234) == "12.3 %")
    #expect(NumberText.pValue(0.0002) == "< 0.001")
    #expect(NumberText.list(["a", "b", "c"]) == "a, b and c")
    for value in [1e300, -1e300, .leastNonzeroMagnitude, 1e18, 0.1 + 0.2] {
      #expect(!NumberText.significant(value).isEmpty && !NumberText.fixed(value, 3).isEmpty)
    }
  }

  @Test func markupEscapesWhatIsInterpolated() {
    let hostile = "<a href='x'>&\"\u{0}\u{202E}"
    let markup: Markup = "<p title=\"\(hostile)\">\(hostile)</p>"
    let escaped = "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{FFFD}\u{FFFD}"
    #expect(markup.text == "<p title=\"\(escaped)\">\(escaped)</p>")
    let nested: Markup = "<div>\(markup)</div>"
    #expect(nested.text == "<div>" + markup.text + "</div>")
  }

  @Test func coordinatesAreShortAndFinite() {
    #expect(Drawing.coordinate(1) == "1")
    #expect(Drawing.coordinate(1.5) == "1.5")
    #expect(Drawing.coordinate(-0.126) == "-0.13")
    #expect(Drawing.coordinate(2.05) == "2.05")
    #expect(Drawing.coordinate(.nan) == "0")
    #expect(Drawing.coordinate(-0.001) == "0")
    #expect(Drawing.coordinate(1e300) == "1000000")
  }

  @Test func scalesHaveRoundTicks() {
    #expect(
      Scale(0...1, from: 0, to: 100).ticks(5).map { NumberText.fixed($0, 1) }
        == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
    let odds = Scale(0.4...3, from: 0, to: 100, isLogarithmic: true)
    #expect(odds.ticks(6).contains(1) && odds.ticks(6).count >= 3)
    #expect((odds.place(1) - 100 * (0.9162907 / 2.0149030)).magnitude < 1e-4)
    #expect(Scale(3...3, from: 0, to: 1).place(0.5) == 0.5)
    #expect(Scale(-1...1, from: 0, to: 1, isLogarithmic: true).domain == 0.5...2)
  }

  @Test func linesAreCutAtTheFrame() {
    var drawing = Drawing(id: "d", width: 100, height: 100, title: "t", summary: "s")
    let frame = PlotFrame(Box(x: 0, y: 0, width: 100, height: 100), x: 0...1, y: 0...1)
    frame.drawLine(
      [Point(x: 0, y: 0.5), Point(x: 0.5, y: 1.5), Point(x: 1, y: 0.5)], "line", in: &drawing)
    #expect(drawing.markup.text.contains("M0 50L25 0"))
    #expect(drawing.markup.text.contains("M75 0L100 50"))
  }

  @Test func summaryFitsATerminalAndCannotSteerIt() async throws {
    var result = try await StudyFixture.result.value
    result.notes.append("red \u{1B}[31m and\nnew line")
    let lines = TextSummary.lines(result, provenance: StudyFixture.provenance)
    let text = lines.joined(separator: "\n")
    #expect(lines.allSatisfy { $0.allSatisfy { !$0.isNewline } })
    #expect(!text.contains("\u{1B}") && !text.contains("\u{202E}"))
    let auroc = try #require(
      result.performance[0].sites[StudyFixture.plainName]?.discrimination)
    #expect(text.contains(NumberText.fixed(auroc.value, 3)))
    #expect(text.contains(result.drift.findings[0].sentence))
    let heading = try #require(lines.first { $0.contains("AUROC (95 % interval)") })
    #expect(heading.count <= 116)
    if ProcessInfo.processInfo.environment["WARDROUND_REPORT_PREVIEW"] != nil { print(text) }
  }

  @Test func cardNamesWhatNobodyHasSaid() async throws {
    let card = ModelCard(
      try await StudyFixture.result.value, provenance: StudyFixture.provenance)
    #expect(card.fields.allSatisfy { !$0.text.isEmpty })
    #expect(card.fields.first { $0.name == "Human oversight" }?.isMissing == true)
    #expect(card.markdown.contains("| Intended user | ward physician &amp; nurse |"))
    #expect(!card.markdown.contains("<script>"))
    #expect(
      card.markdown.split(separator: "\n").allSatisfy { $0.hasPrefix("|") || $0.hasPrefix("#") })
  }

  @Test func cutsCurvesOfManyHospitalsIntoReadableFigures() throws {
    let series = (0..<20).map { index in
      LineOverlay.Series(
        label: "Hospital with a rather long name \(index)", index: index,
        points: [Point(x: 0, y: 0), Point(x: 1, y: 1)], detail: "0.800")
    }
    let overlay = LineOverlay(
      id: "o", title: "t", summaryText: "s", series: series, xLabel: "x", yLabel: "y")
    #expect(Set((0..<24).map(Palette.series)).count == 24)
    #expect(overlay.markup.text.contains("…"))
    let map = HeatMap(
      id: "h", title: "t", summaryText: "s", rows: ["a"], columns: (0..<20).map { "site \($0)" },
      values: [(0..<20).map { $0 == 3 ? nil : Double($0) / 20 }], ramp: .alarm, range: 0...1,
      rowHeading: "r", columnHeading: "c", legend: "l", format: { NumberText.fixed($0, 2) })
    #expect(map.markup.text.contains("class=\"hatch\""))
    #expect(map.markup.text.components(separatedBy: "class=\"cell\"").count == 19 + 40 + 1)
  }
}
