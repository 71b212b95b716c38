import PrivacyAudit
import Study
import Validation

/// Writes the sections of a report in order and numbers its tables and figures.
struct ReportWriter {
  let result: StudyResult
  let provenance: ReportProvenance
  let audit: AuditFacts?
  /// Roster order; the position decides a hospital's colour.
  let sites: [String]
  /// The primary model's performance, by site.
  let performance: [String: SitePerformance]
  private var figureCount = 0
  private var tableCount = 0
  private(set) var contents: [(id: String, title: String)] = []

  init(_ result: StudyResult, _ provenance: ReportProvenance, audit: AuditFacts? = nil) {
    self.result = result
    self.audit = audit
    self.provenance = provenance
    sites = result.sites.map(\.name)
    let name = result.models.first?.name
    performance =
      (result.performance.first { $0.model == name } ?? result.performance.first)?.sites ?? [:]
  }

  /// The primary model.
  var primary: FittedModel? { result.models.first }

  /// The smallest number of patients in a cell that a site publishes.
  var minimumCell: Int { result.study.minimumCell }

  /// A random-effects summary of the primary model.
  func summary(_ measure: PerformanceSummary.Measure) -> PerformanceSummary? {
    result.summaries.first { $0.measure == measure }
  }

  /// Why a site has no value of a measure; nil when nothing is known to be missing.
  func reason(_ site: String) -> String? {
    guard let performance = performance[site] else {
      return provenance.absences[site] ?? "reported no performance"
    }
    switch performance.suppressed {
    case .smallSite: return "fewer than \(minimumCell) patients: held back"
    case .smallClass: return "fewer than \(minimumCell) patients of one outcome: held back"
    case .none: break
    }
    if performance.patientCount == 0 { return "no patients in the holdout" }
    if performance.discrimination == nil { return "patients of one outcome only" }
    return nil
  }

  // MARK: Parts of a page

  /// A section with its heading, listed in the contents.
  mutating func section(_ id: String, _ title: String, _ body: Markup) -> Markup {
    contents.append((id, title))
    return """
      <section id="\(id)" aria-labelledby="\(id)-heading">
      <h2 id="\(id)-heading">\(contents.count). \(title)</h2>
      \(body)
      </section>

      """
  }

  /// The id that the next figure will have; its drawing carries it.
  var nextFigureID: String { "figure-\(figureCount + 1)" }

  /// A numbered figure: title, how to read it, what left the hospitals for it.
  mutating func figure(
    _ title: String, reading: Markup, released: Released, _ body: Markup
  ) -> Markup {
    figureCount += 1
    return """
      <figure id="figure-\(figureCount)">
      <figcaption><b>Figure \(figureCount). \(title).</b> \(reading) \(markup(released))</figcaption>
      <div class="plot">\(body)</div>
      </figure>

      """
  }

  /// A numbered table: title, how to read it, what left the hospitals for it.
  mutating func table(
    _ title: String, reading: Markup, released: Released, _ tables: [Table]
  ) -> Markup {
    tableCount += 1
    let id = "table-\(tableCount)"
    let style = tables.reduce(0) { $0 + $1.rows.count } <= 16 ? "tabular short" : "tabular"
    let bodies = tables.map { table -> Markup in
      """
      <div class="scroll" role="region" tabindex="0" aria-labelledby="\(id)-title">\
      \(table.markup(labelledBy: "\(id)-title"))</div>

      """
    }
    return """
      <figure id="\(id)" class="\(style)">
      <figcaption><b id="\(id)-title">Table \(tableCount). \(title).</b> \(reading) \
      \(markup(released))</figcaption>
      \(bodies)
      </figure>

      """
  }
}
