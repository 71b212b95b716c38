import Study
import Validation

/// Who took part, and table 1.
extension ReportWriter {
  mutating func cohortSection() -> Markup {
    let totals = result.totals
    let intro: Markup = """
      <p>The cohort has \(NumberText.quantity(totals.patientCount, "patient")), of whom \
      \(NumberText.count(totals.eventCount)) \
      (\(NumberText.percent(share(totals.eventCount, totals.patientCount)))) had \
      \(result.study.outcome). \(NumberText.count(totals.trainingCount)) patients trained the model; \
      \(NumberText.count(totals.holdoutCount)) were kept aside for evaluation: \
      \(result.study.holdout).</p>

      """
    let body = intro + participationTable() + flowTable() + harmonisationTables() + tableOne()
    return section("cohort", "Hospitals and patients", body)
  }

  private mutating func participationTable() -> Markup {
    let rows = result.sites.map { site -> [Markup] in
      let part = performance[site.name]
      let holdout = part?.patientCount.map { NumberText.count($0) } ?? belowMinimum(part)
      let events = part?.eventCount.map { NumberText.count($0) } ?? belowMinimum(part)
      return [
        .cell(site.name),
        .cell(site.patientCount.map { NumberText.count($0) } ?? "< \(minimumCell)"),
        .cell(holdout), .cell(events), .cell(NumberText.percent(part?.prevalence?.value)),
        .cell("\(site.sumsTakenPart) of \(site.sumCount)"),
        .cell(provenance.absences[site.name] ?? reason(site.name) ?? "took part throughout"),
      ]
    }
    let absent = provenance.absences.filter { !sites.contains($0.key) }.sorted { $0.key < $1.key }
      .map { absence -> [Markup] in
        let none = Markup.cell(NumberText.absent)
        return [.cell(absence.key), none, none, none, none, none, .cell(absence.value)]
      }
    return table(
      "The hospitals of the study",
      reading: """
        Each row is a hospital. The held-out patients and events are those the results below rest \
        on. A hospital missing from a secure sum has no part in that step of the training.
        """, released: .siteMetrics,
      [
        Table(
          columns: [
            .words("Hospital"), .numbers("Patients"), .numbers("Held out"), .numbers("Events"),
            .numbers("Prevalence"), .numbers("Secure sums"), .words("Remarks"),
          ], rows: rows + absent)
      ])
  }

  /// What stands for a count that is not released.
  private func belowMinimum(_ performance: SitePerformance?) -> String {
    switch performance?.suppressed {
    case .smallSite: "< \(minimumCell)"
    case .smallClass: "held back"
    default: NumberText.absent
    }
  }

  // MARK: Table 1

  private static let sitesPerTable = 6

  private mutating func tableOne() -> Markup {
    let perTable = Self.sitesPerTable
    let groups = stride(from: 0, to: max(sites.count, 1), by: perTable).map {
      Array(sites[$0..<min($0 + perTable, sites.count)])
    }
    let tables = groups.map { group in
      Table(
        columns: [.words("Characteristic"), .numbers("All, training")]
          + group.map { .numbers($0) },
        rows: result.features.flatMap { rows(of: $0, at: group) }, isDense: true)
    }
    return table(
      "Characteristics of the patients by hospital",
      reading: """
        Numbers: median with the middle half (quartiles) below it; in the column of all hospitals \
        the 10 % and 90 % points stand below. Categories and flags: patients and their share of those \
        with a value. “Missing” is the share of patients without a value. “&lt; \(minimumCell)” marks \
        counts of which at least one patient and fewer than \(minimumCell) were merged into another \
        cell, so a neighbouring count may hold some of them; – means not available.
        """, released: .sumsAndSiteCounts, tables)
  }

  private func rows(of feature: StudyResult.FeatureFacts, at group: [String]) -> [[Markup]] {
    let summaries = group.map { site in
      result.distributions[site]?.first { $0.feature == feature.name }
    }
    let unit = feature.unit.map { ", \($0)" } ?? ""
    var rows: [[Markup]] = []
    switch feature.kind {
    case "number":
      let all: Markup
      if let deciles = feature.deciles, deciles.count == 9 {
        all = .cell(
          NumberText.significant(deciles[4]),
          below: "\(NumberText.significant(deciles[0])) to \(NumberText.significant(deciles[8]))")
      } else {
        all = .cell(NumberText.absent)
      }
      rows.append(["<b>\(feature.name)</b>\(unit)", all] + summaries.map(quartileCell))
    default:
      rows.append(
        ["<b>\(feature.name)</b>", .cell("")] + summaries.map { $0 == nil ? .cell("–") : .cell("") }
      )
      rows += levelRows(of: feature, summaries)
    }
    rows.append(
      [
        "<span class=\"indent\">missing</span>", .cell(NumberText.percent(feature.missingShare)),
      ] + summaries.map(missingCell))
    return rows
  }

  private func quartileCell(_ summary: FeatureSummary?) -> Markup {
    guard let summary else { return .cell(NumberText.absent) }
    guard !summary.isSuppressed, let quartiles = summary.quartiles else {
      return .cell(summary.isSuppressed ? "< \(minimumCell)" : NumberText.absent)
    }
    return .cell(
      NumberText.significant(quartiles.median),
      below: """
        \(NumberText.significant(quartiles.lower)) to \(NumberText.significant(quartiles.upper))
        """)
  }

  private func missingCell(_ summary: FeatureSummary?) -> Markup {
    guard let summary, !summary.isSuppressed else { return .cell(NumberText.absent) }
    if summary.missingCount == 0, summary.mergedCellCount > 0 {
      return .cell("< \(minimumCell) pat.")
    }
    return .cell(NumberText.percent(summary.missingShare))
  }

  private func levelRows(
    of feature: StudyResult.FeatureFacts, _ summaries: [FeatureSummary?]
  ) -> [[Markup]] {
    let levels = feature.levels ?? []
    let total = levels.reduce(0) { $0 + $1.count }
    // A flag is told by its "yes"; a category by every level and the rest.
    let named: [(label: String, all: String, position: (FeatureSummary) -> Int?)]
    if feature.kind == "flag" {
      named = [
        (
          "yes", NumberText.percent(feature.positiveShare),
          { Self.position(of: "yes", in: $0) }
        )
      ]
    } else {
      named = levels.map { entry in
        (
          entry.level, "\(NumberText.count(entry.count)) (\(percent(entry.count, total)))",
          { summary in
            Self.position(of: entry.level, in: summary)
              ?? (entry.level == "other" ? summary.counts.count - 1 : nil)
          }
        )
      }
    }
    return named.map { level in
      ["<span class=\"indent\">\(level.label)</span>", .cell(level.all)]
        + summaries.map { summary -> Markup in
          guard let summary else { return .cell(NumberText.absent) }
          guard !summary.isSuppressed else { return .cell("< \(minimumCell)") }
          guard let position = level.position(summary), summary.counts.indices.contains(position)
          else { return .cell(NumberText.absent) }
          let count = summary.counts[position]
          if count == 0, summary.mergedCellCount > 0 { return .cell("< \(minimumCell)") }
          return .cell("\(NumberText.count(count)) (\(percent(count, summary.observedCount)))")
        }
    }
  }

  private func percent(_ count: Int, _ total: Int) -> String {
    NumberText.percent(share(count, total), 0)
  }

  private static func position(of level: String, in summary: FeatureSummary) -> Int? {
    guard case .levels(let levels) = summary.bins else { return nil }
    return levels.firstIndex(of: level)
  }
}
