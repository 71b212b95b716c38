import Study
import Validation

/// How the hospitals differ.
extension ReportWriter {
  mutating func driftSection() -> Markup {
    let body =
      findingsList() + stabilityMaps() + missingMaps() + quartileFigure() + valueTable()
      + omittedList()
    return section("drift", "How the hospitals differ", body)
  }

  private func findingsList() -> Markup {
    let findings = result.drift.findings
    guard !findings.isEmpty else {
      return .paragraph(
        """
        No difference between the hospitals is both large enough to matter and beyond chance, given \
        the number of comparisons. This does not show that the hospitals are alike.
        """)
    }
    let items = findings.prefix(30).map { finding -> Markup in
      let numbers = finding.measures.map {
        "\($0.name) \(NumberText.significant($0.value))"
      }
      return """
        <li><span><span class="what">\(finding.sentence)</span>\
        <span class="numbers">\(numbers.joined(separator: "; ")); adjusted p \
        \(NumberText.pValue(finding.adjustedPValue))\(mergedRemark(finding))</span></span></li>

        """
    }
    let rest = findings.count - items.count
    let more =
      rest > 0
      ? Markup.paragraph("\(NumberText.quantity(rest, "smaller finding")) are in the JSON report.")
      : .empty
    return """
      <h3>Findings, the most telling first</h3>
      <p>Each hospital is compared with the others. A difference is listed where it is large and, after \
      adjusting for all comparisons (Benjamini-Hochberg), not chance. A finding is a question to the \
      hospital, not a fault of it.</p>
      <ol class="findings">
      \(items)</ol>
      \(more)
      """
  }

  /// A warning where the small-cell rule has changed the counts that were compared.
  private func mergedRemark(_ finding: DriftFinding) -> String {
    guard finding.subject == .feature || finding.subject == .score else { return "" }
    let name = finding.feature ?? DriftReport.scoreName
    let summary = result.distributions[finding.site]?.first { $0.feature == name }
    guard let merged = summary?.mergedCellCount, merged > 0 else { return "" }
    return """
      ; caution: \(NumberText.quantity(merged, "cell")) below \(minimumCell) patients \
      \(merged == 1 ? "was" : "were") merged at this hospital, which alone can make it look different
      """
  }

  // MARK: Heat maps

  private static let rowsPerMap = 28
  private static let rowLimit = 84

  /// Names of the distributions in order: the features, then the score.
  private var distributionNames: [String] {
    var names: [String] = []
    for entry in result.drift.distributions where !names.contains(entry.feature) {
      names.append(entry.feature)
    }
    return names
  }

  private func maps(
    _ names: [String], title: String, ramp: Palette.Ramp, range: ClosedRange<Double>,
    legend: String, format: @escaping (Double) -> String,
    value: (_ site: String, _ name: String) -> Double?
  ) -> Markup {
    let shown = Array(names.prefix(Self.rowLimit))
    let chunks = stride(from: 0, to: shown.count, by: Self.rowsPerMap).map {
      Array(shown[$0..<min($0 + Self.rowsPerMap, shown.count)])
    }
    let drawings = chunks.enumerated().map { index, names -> Markup in
      let values = names.map { name in sites.map { value($0, name) } }
      return HeatMap(
        id: index == 0 ? nextFigureID : "\(nextFigureID)-part-\(index + 1)", title: title,
        summaryText: zip(names, values).map { name, row in
          "\(name): "
            + zip(sites, row).map { "\($0) \($1.map(format) ?? NumberText.absent)" }
            .joined(separator: ", ")
        }.joined(separator: "; "), rows: names, columns: sites, values: values, ramp: ramp,
        range: range, rowHeading: "Feature", columnHeading: "Hospital", legend: legend,
        format: format
      ).markup
    }
    return Markup(drawings)
  }

  private func remark(_ names: [String]) -> String {
    names.count > Self.rowLimit
      ? "The first \(Self.rowLimit) of \(names.count) features; the others are in the JSON report."
      : ""
  }

  private mutating func stabilityMaps() -> Markup {
    let names = distributionNames
    guard !names.isEmpty else { return .empty }
    let body = maps(
      names, title: "Population stability index by feature and hospital", ramp: .alarm,
      range: 0...0.5, legend: "PSI beyond chance (0.1 notable, 0.25 large)",
      format: { NumberText.fixed($0, 2) }
    ) { site, name in
      result.drift.distribution(site: site, feature: name)?.comparison.excessPopulationStability
    }
    return figure(
      "Which features are distributed differently, and where",
      reading: """
        Each cell compares a hospital with the others pooled (without those that stand out \
        themselves): the population stability index minus what chance alone would give. Below 0.1 \
        little, from 0.25 a lot; colours end at 0.5. The last row is the predicted risk. Hatched: could \
        not be compared. Where a hospital is so small that cells were merged, it looks more different \
        than it is. \(remark(names))
        """, released: .siteCounts(.drift), body)
  }

  private mutating func missingMaps() -> Markup {
    let names = result.features.map(\.name)
    guard !names.isEmpty else { return .empty }
    let body = maps(
      names, title: "Share of patients without a value, by feature and hospital", ramp: .absence,
      range: 0...1, legend: "share of patients without a value",
      format: { NumberText.percent($0, 0) }
    ) { site, name in
      guard let summary = result.distributions[site]?.first(where: { $0.feature == name }),
        !summary.isSuppressed
      else { return nil }
      return summary.missingShare
    }
    return figure(
      "What the hospitals do not record",
      reading: """
        Dark: most patients have no value. Where values are missing for a reason, such as a test ordered \
        only for the sickest, the model may learn the habit of ordering instead of the patient. \
        \(remark(names))
        """, released: .siteCounts(.drift), body)
  }

  // MARK: Quartiles

  /// The numbers that differ most, at most six.
  private var telling: [String] {
    var names: [String] = []
    let ranked =
      result.drift.findings.compactMap { finding in
        finding.subject == .feature || finding.subject == .unit ? finding.feature : nil
      }
      + result.drift.distributions.filter { $0.subject == .feature }.sorted {
        $0.comparison.excessPopulationStability > $1.comparison.excessPopulationStability
      }.map(\.feature)
    for name in ranked where !names.contains(name) && names.count < 6 {
      if result.features.first(where: { $0.name == name })?.kind == "number" { names.append(name) }
    }
    return names
  }

  private mutating func quartileFigure() -> Markup {
    let names = telling
    guard !names.isEmpty else { return .empty }
    let grid = PanelGrid(count: names.count, panelHeight: Double(sites.count) * 17 + 8)
    var drawing = Drawing(
      id: nextFigureID, width: PanelGrid.width, height: grid.height(),
      title: "Medians and quartiles by hospital",
      summary: names.map { name in
        "\(name): "
          + sites.map { "\($0) \(NumberText.significant(quartiles($0, name)?.median))" }
          .joined(separator: ", ")
      }.joined(separator: "; "))
    for (index, name) in names.enumerated() {
      let unit = result.features.first { $0.name == name }?.unit ?? ""
      grid.drawHeading(index, name, detail: unit, in: &drawing)
      drawQuartiles(name, grid.box(index), in: &drawing)
    }
    return figure(
      "The numbers that differ most, hospital by hospital",
      reading: """
        The dot is the median, the bar the middle half of the patients. A hospital whose bar lies \
        apart has other patients, another way of measuring, or another unit. Left of each panel: the \
        number of the hospital (\(sites.enumerated().map { "\($0 + 1) \($1)" }.joined(separator: ", "))).
        """, released: .siteCounts(.drift), drawing.markup)
  }

  private func quartiles(_ site: String, _ name: String) -> FeatureSummary.Quartiles? {
    result.distributions[site]?.first { $0.feature == name }?.quartiles
  }

  private func drawQuartiles(_ name: String, _ box: Box, in drawing: inout Drawing) {
    let all = sites.compactMap { quartiles($0, name) }
    let low = all.map(\.lower).min() ?? 0
    let high = all.map(\.upper).max() ?? 1
    let margin = max((high - low) * 0.06, 1e-6)
    let x = Scale((low - margin)...(high + margin), from: box.x, to: box.right)
    drawing.rectangle(box, "frame")
    let ticks = x.ticks(4)
    for tick in ticks {
      let place = x.place(tick)
      drawing.line(place, box.y, place, box.bottom, "grid")
      drawing.text(
        place, box.bottom + 15, NumberText.significant(tick), "t muted", anchor: .middle, size: 10)
    }
    for (index, site) in sites.enumerated() {
      let y = box.y + 4 + (Double(index) + 0.5) * 17
      drawing.text(box.x - 6, y + 4, "\(index + 1)", "t muted", anchor: .end, size: 10)
      guard let part = quartiles(site, name) else {
        drawing.hatch(
          Box(x: box.x + 2, y: y - 5, width: box.width - 4, height: 10),
          hint: "\(site): not available")
        continue
      }
      let left = x.place(part.lower)
      let right = max(x.place(part.upper), left + 1)
      let style = Palette.series(index)
      drawing.rectangle(
        Box(x: left, y: y - 4.5, width: right - left, height: 9), "bar pale \(style)",
        hint: """
          \(site): median \(NumberText.significant(part.median)), \
          \(NumberText.significant(part.lower)) to \(NumberText.significant(part.upper))
          """)
      drawing.circle(x.place(part.median), y, radius: 4, "dot \(style)")
    }
  }

  // MARK: Values

  private mutating func valueTable() -> Markup {
    let values = result.drift.values.filter { $0.subject != .missingness }
    guard !values.isEmpty else { return .empty }
    let rows = values.map { value -> [Markup] in
      [
        .cell(value.name), .cell(value.site), .cell(NumberText.fixed(value.value, 3)),
        .cell(NumberText.fixed(value.valueElsewhere, 3)), .cell(NumberText.pValue(value.pValue)),
        .cell(NumberText.pValue(value.adjustedPValue)),
      ]
    }
    return table(
      "Outcome, calibration and ranking against the other hospitals",
      reading: """
        Each row compares a hospital with the others (without those that stand out themselves). The \
        adjusted p-value accounts for all comparisons of this section.
        """, released: .nothing,
      [
        Table(
          columns: [
            .words("Measure"), .words("Hospital"), .numbers("Here"), .numbers("Elsewhere"),
            .numbers("p"), .numbers("Adjusted p"),
          ], rows: rows)
      ])
  }

  private func omittedList() -> Markup {
    let omitted = result.drift.omitted
    guard !omitted.isEmpty else { return .empty }
    return "<h3>Not compared</h3>\n"
      + .list(omitted.map { omission -> Markup in "\(omission.site): \(omission.reason)" })
  }
}
