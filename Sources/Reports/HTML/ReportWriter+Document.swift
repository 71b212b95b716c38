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
      <head>
      <meta charset="utf-8" />
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
      style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta name="generator" content="Wardround \(provenance.softwareVersion)" />
      <title>\(result.study.title)</title>
      <style>
      \(Markup(unchecked: StyleSheet.text))
      </style>
      </head>
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
      tile(
        "Hospitals", NumberText.count(sites.count),
        "\(NumberText.count(totals.patientCount)) patients"),
      tile(
        "Outcome", NumberText.percent(share(totals.eventCount, totals.patientCount)),
        "\(NumberText.count(totals.eventCount)) with \(result.study.outcome)"),
      tile(
        "AUROC within hospitals", NumberText.fixed(auroc?.mean, 3),
        "95 % interval " + NumberText.interval(auroc?.interval, 3)),
      tile(
        "AUROC in a new hospital", NumberText.interval(auroc?.predictionInterval, 2),
        "95 % prediction interval"),
      tile(
        "Observed : expected", NumberText.fixed(ratio?.mean, 2),
        "ideal 1; " + NumberText.interval(ratio?.interval, 2)),
      tile(
        "Calibration slope", NumberText.fixed(slope?.mean, 2),
        "ideal 1; " + NumberText.interval(slope?.interval, 2)),
      result.privacy.map {
        tile(
          "Privacy guarantee", "ε = \(NumberText.significant($0.provenEpsilon, 3))",
          "δ = \(NumberText.significant($0.delta)); per patient, every release")
      } ?? tile("Privacy guarantee", "none", "no noise added; secure sums"),
      tile(
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

  private func tile(_ name: String, _ value: String, _ range: String) -> Markup {
    """
    <div class="tile"><span class="name">\(name)</span><span class="value">\(value)</span>\
    <span class="range">\(range)</span></div>

    """
  }

  func share(_ count: Int, _ total: Int) -> Double? {
    total > 0 ? Double(count) / Double(total) : nil
  }
}
