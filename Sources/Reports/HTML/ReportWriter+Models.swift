import PortableNumerics
import Study
import Validation

/// The study's models beside each other, and what the primary model has learnt.
extension ReportWriter {
  mutating func modelsSection() -> Markup {
    let rows = result.models.enumerated().map { index, model -> [Markup] in
      let at = result.performance.first { $0.model == model.name }?.sites ?? [:]
      let ordered = sites.compactMap { site in
        at[site].map { (site: site, performance: $0) }
      }
      let auroc = PerformanceSummary(.auroc, sites: ordered)
      let ratio = PerformanceSummary(.observedExpectedRatio, sites: ordered)
      let slope = PerformanceSummary(.calibrationSlope, sites: ordered)
      return [
        .cell(model.name, below: index == 0 ? "primary model" : ""), .cell(model.training),
        .cell(NumberText.estimate(auroc?.mean, auroc?.interval, 3)),
        .cell(NumberText.fixed(pooledBrier(ordered.map(\.performance)), 4)),
        .cell(NumberText.percent(pooledAccuracy(ordered.map(\.performance)), 1)),
        .cell(NumberText.fixed(slope?.mean, 2)), .cell(NumberText.fixed(ratio?.mean, 2)),
        .cell(NumberText.fixed(model.trainingLogLoss, 4)),
        .cell("\(model.iterationCount)", below: model.converged ? "" : "not converged"),
      ]
    }
    let overview = table(
      "The study’s models",
      reading: """
        The first model is the primary one; the others were trained on the same patients in the same \
        preparation. AUROC, slope and O:E: random-effects means over the hospitals. Brier and accuracy: \
        over all held-out patients of the hospitals that released them. Log-loss: on the training \
        patients, lower is better.
        """, released: .siteMetrics,
      [
        Table(
          columns: [
            .words("Model"), .words("Training"), .numbers("AUROC (95 % interval)"),
            .numbers("Brier"), .numbers("Accuracy"), .numbers("Slope"), .numbers("O:E"),
            .numbers("Log-loss"), .numbers("Rounds"),
          ], rows: rows, isDense: true)
      ])
    var values = Markup.empty
    for model in result.models.dropFirst() { values += valuesTable(model.name) }
    return section("models", "The study’s models compared", overview + modelsBySite() + values)
  }

  /// Brier score over all held-out patients of the hospitals that released it.
  func pooledBrier(_ parts: [SitePerformance]) -> Double? {
    var sum = 0.0
    var count = 0
    for part in parts {
      guard let brier = part.brier, let patients = part.patientCount else { continue }
      sum += brier.value * Double(patients)
      count += patients
    }
    return count > 0 ? sum / Double(count) : nil
  }

  /// Accuracy at the threshold over all held-out patients of the hospitals that released it.
  func pooledAccuracy(_ parts: [SitePerformance]) -> Double? {
    let shares = parts.compactMap { $0.thresholdPerformance?.accuracy }
    return share(shares.reduce(0) { $0 + $1.count }, shares.reduce(0) { $0 + $1.total })
  }

  private mutating func modelsBySite() -> Markup {
    guard result.models.count > 1 else { return .empty }
    let rows = result.models.map { model in
      sites.map { site in
        result.performance.first { $0.model == model.name }?.sites[site]?.discrimination?.value
      }
    }
    let known = rows.flatMap { $0.compactMap { $0 } }
    let low = known.min().map { max(0, min(0.9, ($0 * 20).rounded(.down) / 20)) } ?? 0.5
    let map = HeatMap(
      id: nextFigureID, title: "AUROC of the study's models at every hospital",
      summaryText: zip(result.models, rows).map { model, row in
        "\(model.name): "
          + zip(sites, row).map { "\($0) \(NumberText.fixed($1, 3))" }.joined(separator: ", ")
      }.joined(separator: "; "), rows: result.models.map(\.name), columns: sites, values: rows,
      ramp: .cividis, range: low...max(known.max() ?? 1, low + 0.05), rowHeading: "Model",
      columnHeading: "Hospital", legend: "AUROC", format: { NumberText.fixed($0, 3) })
    return figure(
      "The study’s models at every hospital",
      reading: "Each cell is the AUROC of a model on the hospital’s held-out patients.",
      released: .siteMetrics, map.markup)
  }
}
