import Records

/// Tables and figures of a hospital's own records.
extension ProfilePage {
  static func variables(_ overview: ProfileOverview) -> Markup {
    let rows = overview.variables.map { variable -> [Markup] in
      let tally = variable.tally
      return [
        .cell(variable.name), .cell(NumberText.count(variable.recordCount)),
        .cell(share(variable.patientCount, overview.patientCount)),
      ]
        + [
          tally.missingCount, tally.wordCount, tally.unknownUnitCount, tally.convertedCount,
          tally.hardRangeCount, tally.warnRangeCount, tally.neverKnownCount, tally.undatedCount,
        ].map { .cell($0 == 0 ? "" : NumberText.count($0)) }
    }
    return section(
      "Variables and what cleaning does",
      table(
        "variables",
        """
        Records of each variable, and the share of the patients who have any. Without a value, words and \
        unknown units count as missing; impossible values, outside the hard range, do too; unusual ones, \
        outside the warn range, are kept. Known at no stated time: in no feature. Without any time: as an \
        outcome unknown.
        """,
        Table(
          columns: [
            .words("Variable"), .numbers("Records"), .numbers("Patients"), .numbers("No value"),
            .numbers("Words"), .numbers("Unit unknown"), .numbers("Converted"),
            .numbers("Impossible"), .numbers("Unusual"), .numbers("Known when?"),
            .numbers("No time"),
          ], rows: rows, isDense: true))
        + coverage(overview))
  }

  /// A bar for every variable: the share of the patients who have it.
  private static func coverage(_ overview: ProfileOverview) -> Markup {
    guard overview.patientCount > 0, !overview.variables.isEmpty else { return "" }
    let rowHeight = 18.0
    let bars = Box(x: 190, y: 8, width: 470, height: rowHeight * Double(overview.variables.count))
    var drawing = Drawing(
      id: "coverage", width: 760, height: bars.bottom + 30, title: "Who has which variable",
      summary: "For every variable the share of the patients with at least one record of it.")
    let scale = Scale(0...100, from: bars.x, to: bars.right)
    for tick in scale.ticks(5) {
      let place = scale.place(tick)
      drawing.line(place, bars.y, place, bars.bottom, "grid")
      drawing.text(
        place, bars.bottom + 16, NumberText.fixed(tick, 0) + " %", "t muted", anchor: .middle,
        size: 11)
    }
    for (position, variable) in overview.variables.enumerated() {
      let part = Double(variable.patientCount) / Double(overview.patientCount)
      let y = bars.y + rowHeight * Double(position)
      drawing.text(bars.x - 8, y + 13, variable.name, anchor: .end, size: 11.5, width: 178)
      drawing.rectangle(
        Box(x: bars.x, y: y + 3, width: bars.width * part, height: rowHeight - 6), "bar c0")
      drawing.text(
        bars.right + 8, y + 13, NumberText.percent(part), "t num muted", size: 11)
    }
    return figure("Patients with at least one record of a variable.", drawing)
  }

  static func distributions(_ overview: ProfileOverview) -> Markup {
    let all = overview.variables.flatMap { variable in
      variable.distributions.map { (variable.name, $0) }
    }
    guard !all.isEmpty else { return "" }
    let rows = all.map { name, found -> [Markup] in
      [
        .cell(name), .cell(found.unit.isEmpty ? "none" : found.unit),
        .cell(NumberText.count(found.valueCount)),
      ]
        + ProfileOverview.probabilities.indices.map { place in
          .cell(
            found.quantiles.indices.contains(place)
              ? NumberText.significant(found.quantiles[place]) : NumberText.absent)
        }
    }
    return section(
      "Units and distributions",
      table(
        "units",
        """
        Values as they are recorded, before any conversion, by the unit that the records name. Quantiles \
        are right to 2 % and are given where at least \(ProfileOverview.minimumValues) values of at least \
        \(ProfileOverview.minimumPatients) patients are there, none of them below 0.
        """,
        Table(
          columns: [.words("Variable"), .words("Unit in the records"), .numbers("Values")]
            + ProfileOverview.probabilities.map { .numbers(NumberText.percent($0, 0)) },
          rows: rows)) + panels(all.filter { !$0.1.shares.isEmpty }))
  }

  /// The shape of every distribution, between its outer quantiles.
  private static func panels(_ all: [(String, ProfileOverview.Distribution)]) -> Markup {
    guard !all.isEmpty else { return "" }
    let grid = PanelGrid(count: all.count, panelHeight: 84)
    var drawing = Drawing(
      id: "distributions", width: PanelGrid.width, height: grid.height(),
      title: "Distributions of the values",
      summary:
        "For every variable and unit, how the middle nine tenths of the values are distributed.")
    for (position, (name, found)) in all.enumerated() {
      let box = grid.box(position)
      grid.drawHeading(
        position, found.unit.isEmpty ? name : "\(name), \(found.unit)",
        detail: NumberText.count(found.valueCount), in: &drawing)
      let low = found.quantiles.first ?? 0
      let high = found.quantiles.last ?? 1
      let scale = Scale(low...max(high, low.nextUp), from: box.x, to: box.right)
      let top = max(found.shares.max() ?? 0, 1e-9)
      let width = box.width / Double(found.shares.count)
      for (bin, share) in found.shares.enumerated() {
        let height = box.height * share / top
        drawing.rectangle(
          Box(
            x: box.x + width * Double(bin), y: box.bottom - height, width: max(0, width - 0.8),
            height: height), "bar c0")
      }
      drawing.line(box.x, box.bottom, box.right, box.bottom, "rule")
      if found.quantiles.count == 5 {
        let middle = scale.clamped(found.quantiles[2])
        drawing.line(middle, box.y, middle, box.bottom, "ideal")
      }
      let ends = [(low, box.x, Drawing.Anchor.start), (high, box.right, Drawing.Anchor.end)]
      for (value, x, anchor) in ends {
        drawing.text(
          x, box.bottom + 14, NumberText.significant(value), "t muted", anchor: anchor, size: 10.5)
      }
    }
    return figure(
      """
      Values between the 5th and the 95th hundredth; the dashed line is the median. Two humps in one panel are \
      often two units.
      """, drawing)
  }

  static func codes(_ overview: ProfileOverview) -> Markup {
    let systems = overview.systems.map { part -> [Markup] in
      [
        .cell(part.word), .cell(NumberText.count(part.count)),
        .cell(share(part.count, overview.recordCount)),
      ]
    }
    let unmapped = overview.unmappedCodes.map { part -> [Markup] in
      [.cell(part.word), .cell(NumberText.count(part.count))]
    }
    return section(
      "Code systems",
      table(
        "systems", "Records by the system of their codes; “local” are codes that name none.",
        Table(
          columns: [.words("System"), .numbers("Records"), .numbers("Share")], rows: systems))
        + (unmapped.isEmpty
          ? .paragraph("No code without a variable is common.")
          : table(
            "unmapped",
            """
            The commonest codes that belong to no variable. If one of them is what the study asks for, name \
            it in the mapping.
            """, Table(columns: [.words("Code"), .numbers("Records")], rows: unmapped))))
  }

  static func delays(_ overview: ProfileOverview) -> Markup {
    let total = overview.delays.reduce(0) { $0 + $1.count }
    return section(
      "When records become known",
      table(
        "delays",
        "How long after the event a record became known. What is known later than a prediction is in no feature of it.",
        Table(
          columns: [.words("Known"), .numbers("Records"), .numbers("Share")],
          rows: overview.delays.map { part in
            [
              .cell(part.word), .cell(NumberText.count(part.count)),
              .cell(share(part.count, total)),
            ]
          })))
  }

  /// What was read and what was left out.
  static func reading(_ report: ReadingReport) -> Markup {
    let dropped =
      report.skipped.sorted { $0.key.rawValue < $1.key.rawValue }.map { ($0.key.words, $0.value) }
      + report.withdrawn.sorted { $0.key < $1.key }.map {
        ("\($0.key): entered in error, refuted, cancelled or not done", $0.value)
      }
    let read = table(
      "read", "What was read.",
      Table(
        columns: [.words("Table or file"), .numbers("Records")],
        rows: report.rows.sorted { $0.key < $1.key }.map {
          [.cell($0.key), .cell(NumberText.count($0.value))]
        }))
    let left: Markup =
      dropped.isEmpty
      ? .paragraph("No record was left out in reading.")
      : table(
        "dropped", "What was left out in reading, and why.",
        Table(
          columns: [.words("Reason"), .numbers("Records")],
          rows: dropped.map { [.cell($0.0), .cell(NumberText.count($0.1))] }))
    return section("What was read and what was dropped", read + left)
  }

  static func cohort(_ cohort: CohortOverview?) -> Markup {
    guard let cohort else { return "" }
    let flow = table(
      "flow", "From the patients of the records to the rows of the study.",
      Table(
        columns: [.words("Step"), .numbers("Rows"), .numbers("Patients")],
        rows: cohort.flow.map {
          [
            .cell($0.name), .cell(NumberText.count($0.rowCount)),
            .cell(NumberText.count($0.subjectCount)),
          ]
        }))
    let negatives = cohort.rowCount - cohort.eventCount
    let gaps = table(
      "missing",
      """
      Rows without a value, of those with \(cohort.outcome) and of those without. Where the two differ much, a \
      value is there because of how a patient does.
      """,
      Table(
        columns: [
          .words("Feature"), .numbers("Missing"), .numbers("With the outcome"),
          .numbers("Without it"),
        ],
        rows: cohort.gaps.map {
          [
            .cell($0.feature), .cell(share($0.withCount + $0.withoutCount, cohort.rowCount)),
            .cell(share($0.withCount, cohort.eventCount)), .cell(share($0.withoutCount, negatives)),
          ]
        }))
    return section("The study’s rows here", flow + gaps)
  }

  private static func figure(_ caption: String, _ drawing: Drawing) -> Markup {
    """
    <figure><figcaption>\(caption)</figcaption>
    <div class="plot">\(drawing.markup)</div></figure>

    """
  }
}
