import Study

/// The page around the sections.
extension ReportWriter {
  mutating func document() -> Markup {
    let sections: [Markup] = [
      limitsSection(), answerSection(), taskSection(), cohortSection(), performanceSection(),
      ownModelsSection(), modelsSection(), coefficientsSection(), treesSection(), driftSection(),
      privacySection(), disclosureSection(), preparationSection(), notesSection(),
      guidelineSection(),
      modelCardSection(), lineageSection(),
    ]
    let entries = contents.map { entry -> Markup in
      "<li><a href=\"#\(entry.id)\">\(entry.title)</a></li>\n"
    }
    return """
      <!DOCTYPE html>
      <html xmlns="http://www.w3.org/1999/xhtml" lang="en">
      \(PageFrame.head(title: result.study.title, softwareVersion: provenance.softwareVersion))
      <body>
      \(header)
      <nav aria-label="Contents"><ol>
      \(entries)</ol></nav>
      <main>
      \(sections)
      </main>
      <footer><p>Made by Wardround \(provenance.softwareVersion), \(provenance.generatedAt). \
      Plan <code>\(String(result.study.planDigest.prefix(16)))</code>, transcript \
      <code>\(String(provenance.transcriptDigest.prefix(16)))</code>. This file loads nothing from \
      the network.</p></footer>
      </body>
      </html>

      """
  }

  private var header: Markup {
    let totals = result.totals
    let auroc = summary(.auroc)
    let ratio = summary(.observedExpectedRatio)
    let slope = summary(.calibrationSlope)
    let tiles: [Markup] = [
      PageFrame.tile(
        "Hospitals", NumberText.count(sites.count),
        "\(NumberText.count(totals.patientCount)) patients"),
      PageFrame.tile(
        "Outcome", NumberText.percent(share(totals.eventCount, totals.patientCount)),
        "\(NumberText.count(totals.eventCount)) with \(result.study.outcome)"),
      PageFrame.tile(
        "AUROC within hospitals", NumberText.fixed(auroc?.mean, 3),
        "95 % interval " + NumberText.interval(auroc?.interval, 3)),
      PageFrame.tile(
        "AUROC in a new hospital", NumberText.interval(auroc?.predictionInterval, 2),
        "95 % prediction interval"),
      PageFrame.tile(
        "Observed : expected", NumberText.fixed(ratio?.mean, 2),
        "ideal 1; " + NumberText.interval(ratio?.interval, 2)),
      PageFrame.tile(
        "Calibration slope", NumberText.fixed(slope?.mean, 2),
        "ideal 1; " + NumberText.interval(slope?.interval, 2)),
      result.privacy.map {
        PageFrame.tile(
          "Privacy guarantee", "ε = \(NumberText.significant($0.provenEpsilon, 3))",
          "δ = \(NumberText.significant($0.delta)); per patient, every release")
      } ?? PageFrame.tile("Privacy guarantee", "none", "no noise added; secure sums"),
      PageFrame.tile(
        "Differences found", NumberText.count(result.drift.findings.count), "between the hospitals"),
    ]
    return """
      <header>
      <p class="kicker">Federated study report</p>
      <h1>\(result.study.title)</h1>
      <p class="subtitle">Predicting \(result.study.outcome) over \
      \(NumberText.quantity(sites.count, "hospital")): \(NumberText.list(sites)). \
      \(provenance.generatedAt).</p>
      <div class="tiles">\(tiles)</div>
      </header>
      """
  }

  func share(_ count: Int, _ total: Int) -> Double? {
    total > 0 ? Double(count) / Double(total) : nil
  }
}
