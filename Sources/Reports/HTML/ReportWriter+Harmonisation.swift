import Study

/// How the hospitals record what the study reads: units, mistakes, code systems, gaps.
extension ReportWriter {
  /// Nothing for a study over tables.
  mutating func harmonisationTables() -> Markup {
    guard let found = result.harmonisation else { return "" }
    let all = found.sites
    let named = sites.filter { all[$0] != nil }
    let silent = sites.filter { all[$0] == nil }
    return unitTable(all, found.variables, named, silent) + systemTable(all, named)
      + missingTable(all, named)
  }

  private mutating func unitTable(
    _ all: [String: HarmonisationAnswer], _ recipe: [StudyResult.Harmonisation.Variable],
    _ named: [String],
    _ silent: [String]
  ) -> Markup {
    var rows: [[Markup]] = []
    var mistakes: [Markup] = []
    for (position, variable) in recipe.enumerated() {
      for site in named {
        guard let own = all[site]?.variables[position] else { continue }
        for mistake in own.mistakes {
          let part = mistake.percent == 100 ? "values" : "\(mistake.percent) % of the values"
          mistakes.append(
            """
            <b>\(site)</b>: \(part) of \(variable.name) declared as \(mistake.declaredUnit) look recorded \
            in \(mistake.likelyUnit).
            """)
        }
        let units = own.units.map { unit in
          "\(unit.word.isEmpty ? "no unit" : unit.word) \(NumberText.count(Int(unit.count)))"
        }
        rows.append(
          [
            .cell(variable.name), .cell(variable.unit ?? NumberText.absent), .cell(site),
            .cell(own.recordCount.map { NumberText.count(Int($0)) } ?? "held back"),
            .cell(units.joined(separator: ", ")),
          ]
            + own.parts.map { part in
              .cell(part.map { NumberText.count(Int($0)) } ?? "held back")
            })
      }
    }
    let found: Markup =
      mistakes.isEmpty
      ? "<p>No hospital’s values look recorded in another unit than they name.</p>\n"
      : "<h3>Units that a hospital may have mistaken</h3>\n" + .list(mistakes)
    let remark =
      silent.isEmpty ? "" : " \(NumberText.list(silent)) did not say."
    return found
      + table(
        "How the hospitals record what the study reads",
        reading: """
          Records of the study’s variables at each hospital, whoever came into the cohort. Units: as the \
          records name them; all are converted to the study’s. No value: without one, or with a code for \
          it. Unit unknown: without a conversion, left out. Impossible: outside the hard range, left out; \
          unusual: outside the warn range, kept. Numbers of fewer than \(minimumCell), or that leave fewer, \
          are held back, and so are variables that fewer patients have.\(remark)
          """, released: .siteCounts(.profile),
        [
          Table(
            columns: [
              .words("Variable"), .words("Study’s unit"), .words("Hospital"), .numbers("Records"),
              .words("Units found"), .numbers("No value"), .numbers("Unit unknown"),
              .numbers("Converted"), .numbers("Impossible"), .numbers("Unusual"),
            ], rows: rows, isDense: true)
        ])
  }

  private mutating func systemTable(
    _ all: [String: HarmonisationAnswer], _ named: [String]
  ) -> Markup {
    let rows = named.compactMap { site -> [Markup]? in
      guard let own = all[site] else { return nil }
      let total = max(own.recordCount, 1)
      let systems = own.systems.map { system in
        "\(system.word) \(NumberText.percent(Double(system.count) / Double(total)))"
      }
      return [
        .cell(site), .cell(NumberText.count(Int(own.recordCount))),
        .cell(systems.joined(separator: ", ")),
        .cell(
          own.unmappedCount.map { NumberText.percent(Double($0) / Double(total)) } ?? "held back"),
      ]
    }
    return table(
      "Code systems and what no variable gathers",
      reading: """
        Share of a hospital’s records by the system of their codes; “local” are codes that name none. \
        Unmapped: records that belong to no variable of the study. A hospital that stands out may use \
        codes that the study does not know.
        """, released: .siteCounts(.profile),
      [
        Table(
          columns: [
            .words("Hospital"), .numbers("Records"), .words("Code systems"), .numbers("Unmapped"),
          ], rows: rows)
      ])
  }

  private static let sitesPerMissingTable = 6

  private mutating func missingTable(
    _ all: [String: HarmonisationAnswer], _ named: [String]
  ) -> Markup {
    let perTable = Self.sitesPerMissingTable
    let groups = stride(from: 0, to: max(named.count, 1), by: perTable).map {
      Array(named[$0..<min($0 + perTable, named.count)])
    }
    func share(_ count: Int64?, _ whole: Int64?) -> String {
      guard let count, let whole else { return "held back" }
      return whole == 0 ? NumberText.absent : NumberText.percent(Double(count) / Double(whole), 0)
    }
    let tables = groups.map { group in
      Table(
        columns: [.words("Feature")] + group.map { .numbers($0) },
        rows: result.features.enumerated().map { position, feature in
          [.cell(feature.name)]
            + group.map { site in
              guard let own = all[site], own.missing.indices.contains(position) else {
                return .cell(NumberText.absent)
              }
              let gap = own.missing[position]
              return .cell(
                "\(share(gap.with, own.rows.with)) : \(share(gap.without, own.rows.without))")
            }
        }, isDense: true)
    }
    return table(
      "What is missing, with and without the outcome",
      reading: """
        Share of a hospital’s rows without a value, first of those with \(result.study.outcome), then of \
        those without. Where the two differ much, it is known of patients because of how they do, and a \
        model may read the habit of ordering tests. Held back: fewer than \(minimumCell) in a cell.
        """, released: .siteCounts(.profile), tables)
  }
}
