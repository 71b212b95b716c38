import Records

/// What a hospital sees of its own records, as one HTML page that stays in the hospital: text, tables and
/// figures, nothing loaded from elsewhere.
///
/// Like the report of a study it is well-formed XML, holds no script and has a content security policy that
/// allows none; every string of a source is escaped. Its counts are exact, whatever their size, so it says
/// on it that it must not leave. It holds no identifier of a patient; distributions are quantiles of many
/// values.
public enum ProfilePage {
  /// What the page is made of.
  public struct Content: Sendable {
    /// What the sources are, in words.
    public var source: String
    /// When it was made.
    public var generatedAt: String
    public var softwareVersion: String
    public var overview: ProfileOverview
    public var report: ReadingReport
    public var cohort: CohortOverview?

    public init(
      source: String, generatedAt: String, softwareVersion: String, overview: ProfileOverview,
      report: ReadingReport, cohort: CohortOverview?
    ) {
      self.source = source
      self.generatedAt = generatedAt
      self.softwareVersion = softwareVersion
      self.overview = overview
      self.report = report
      self.cohort = cohort
    }
  }

  /// The page's text. The same content gives the same bytes.
  public static func render(_ content: Content) -> String {
    let body: [Markup] = [
      findings(content), variables(content.overview), distributions(content.overview),
      codes(content.overview), delays(content.overview), reading(content.report),
      cohort(content.cohort),
    ]
    let page: Markup = """
      <!DOCTYPE html>
      <html xmlns="http://www.w3.org/1999/xhtml" lang="en">
      \(PageFrame.head(title: "Records of this hospital", softwareVersion: content.softwareVersion))
      <body>
      <header>
      <p class="kicker">Stays in this hospital</p>
      <h1>The hospital’s own records</h1>
      <p class="subtitle">\(content.source). \(content.generatedAt).</p>
      \(tiles(content))
      </header>
      <main>
      <section class="limits"><p><b>This page must not leave the hospital.</b> It is made for those who look \
      after the data here. Its counts are exact, also where they are of a few patients; no rule on small cells, \
      no noise and no approval stood between the records and this page. It names no patient.</p></section>
      \(body)
      </main>
      <footer><p>Made by Wardround \(content.softwareVersion), \(content.generatedAt). This file loads nothing \
      from the network. It must not leave the hospital.</p></footer>
      </body>
      </html>

      """
    return page.text
  }

  private static func tiles(_ content: Content) -> Markup {
    let overview = content.overview
    var tiles: [Markup] = [
      PageFrame.tile(
        "Patients", NumberText.count(overview.patientCount),
        "\(NumberText.count(overview.recordCount)) records"),
      PageFrame.tile(
        "Without a variable",
        share(overview.unmappedCount, overview.recordCount),
        "of the records: no variable gathers them"),
      PageFrame.tile(
        "To look at",
        NumberText.count(overview.findings.count + (content.cohort?.suspects.count ?? 0)),
        "below, in words"),
    ]
    if let cohort = content.cohort {
      tiles.append(
        PageFrame.tile(
          "Rows of the study", NumberText.count(cohort.rowCount),
          "\(share(cohort.eventCount, cohort.rowCount)) with \(cohort.outcome)"))
    }
    return "<div class=\"tiles\">\(tiles)</div>"
  }

  private static func findings(_ content: Content) -> Markup {
    let all = content.overview.findings + (content.cohort?.suspects ?? [])
    let list: Markup =
      all.isEmpty
      ? .paragraph("Nothing stood out.")
      : "<ol class=\"findings\">\(all.map { text -> Markup in "<li><span class=\"what\">\(text)</span></li>\n" })</ol>\n"
    return section("To look at", list)
  }

  static func section(_ title: String, _ body: Markup) -> Markup {
    "<section>\n<h2>\(title)</h2>\n\(body)</section>\n"
  }

  /// A table under its caption. `id` is unique on the page.
  static func table(_ id: String, _ caption: String, _ table: Table) -> Markup {
    """
    <figure class="tabular"><figcaption id="\(id)">\(caption)</figcaption>
    <div class="scroll">\(table.markup(labelledBy: id))</div></figure>

    """
  }

  static func share(_ part: Int, _ whole: Int) -> String {
    NumberText.percent(whole > 0 ? Double(part) / Double(whole) : nil)
  }
}
