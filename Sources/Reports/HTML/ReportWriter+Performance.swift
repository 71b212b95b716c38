import Study
import Validation

/// How the primary model does at every hospital.
extension ReportWriter {
  mutating func performanceSection() -> Markup {
    let name = primary?.name ?? "the model"
    let intro: Markup = """
      <p>All results of this section are those of the primary model, <b>\(name)</b>, computed by \
      each hospital on its own held-out patients, who took no part in the training.</p>

      """
    let body =
      intro + aurocForest() + calibrationForests() + curvePair() + decisionFigure() + riskFigure()
      + siteTable() + valuesTable(name) + summaryTable()
    return section("performance", "Performance on every hospital’s own patients", body)
  }

  /// One decimal where the counts behind O:E are held back.
  func ratioPlaces(_ part: SitePerformance?) -> Int {
    guard let ratio = part?.observedExpected else { return 2 }
    return ratio.observedCount == nil ? 1 : 2
  }

  private func patientsAndEvents(_ site: String) -> String {
    guard let part = performance[site], let patients = part.patientCount else {
      return NumberText.absent
    }
    let events = part.eventCount.map { NumberText.count($0) } ?? "held back"
    return "\(NumberText.count(patients)) (\(events))"
  }

  private func forest(
    _ measure: PerformanceSummary.Measure, title: String, axis: String, heading: String,
    places: Int, isLogarithmic: Bool = false, reference: Double?, limits: ClosedRange<Double>,
    value: (SitePerformance) -> (Double, Interval?)?
  ) -> Markup {
    let summary = summary(measure)
    let rows = sites.map { site -> ForestPlot.Row in
      let pair = performance[site].flatMap(value)
      return ForestPlot.Row(
        label: site, detail: patientsAndEvents(site), value: pair?.0, interval: pair?.1,
        weight: summary?.analysis.studies.first { $0.site == site }?.weight,
        reason: reason(site) ?? "not available",
        places: measure == .observedExpectedRatio ? ratioPlaces(performance[site]) : nil)
    }
    let spoken = rows.map { "\($0.label) \(NumberText.estimate($0.value, $0.interval, places))" }
    let pooled =
      summary.map { "; mean \(NumberText.estimate($0.mean, $0.interval, places))" } ?? ""
    return ForestPlot(
      id: nextFigureID, title: title, summaryText: spoken.joined(separator: "; ") + pooled,
      rows: rows,
      summary: summary.map {
        ForestPlot.Summary(
          label: "Mean over \(NumberText.quantity($0.analysis.count, "hospital"))",
          value: $0.mean, interval: $0.interval, predictionInterval: $0.predictionInterval)
      }, axis: axis, detailHeading: "n (events)", valueHeading: heading, places: places,
      isLogarithmic: isLogarithmic, reference: reference, limits: limits
    ).markup
  }

  private mutating func aurocForest() -> Markup {
    let drawing = forest(
      .auroc, title: "AUROC of every hospital",
      axis: "AUROC (0.5: no better than chance, 1: perfect)", heading: "AUROC (95 % interval)",
      places: 3, reference: 0.5, limits: 0.3...1
    ) { part in
      part.discrimination.map { ($0.value, $0.logitInterval) }
    }
    return figure(
      "How well the model ranks patients, by hospital",
      reading: """
        The square is the hospital’s AUROC, larger where it weighs more in the mean; the line is its \
        95 % interval (DeLong, logit scale). The diamond is the random-effects mean (REML, \
        Hartung-Knapp interval); the bar below is where the AUROC of a new hospital is to be expected. \
        Hatched: not available.
        """, released: .siteMetrics, drawing)
  }

  private mutating func calibrationForests() -> Markup {
    let ratio = forest(
      .observedExpectedRatio, title: "Observed over expected events of every hospital",
      axis: "observed : expected events (1: right on average)", heading: "O:E (95 % interval)",
      places: 2, isLogarithmic: true, reference: 1, limits: 0.2...5
    ) { part in
      part.observedExpected.flatMap { $0.ratio > 0 ? ($0.ratio, $0.interval) : nil }
    }
    let first = figure(
      "Whether the risks are right on average, by hospital",
      reading: """
        Above 1 more patients had the outcome than the model predicted (risks too low), below 1 fewer \
        (risks too high). Mean on the log scale. A value without a line is one whose counts are \
        held back and which is rounded to one decimal.
        """, released: .siteMetrics, ratio)
    let slope = forest(
      .calibrationSlope, title: "Calibration slope of every hospital",
      axis: "calibration slope (1: ideal)", heading: "Slope (95 % interval)", places: 2,
      reference: 1, limits: -1...4
    ) { part in
      part.recalibration?.slope.map { ($0.value, $0.interval) }
    }
    return first
      + figure(
        "Whether the risks are spread rightly, by hospital",
        reading: """
          Below 1 the predicted risks are too extreme (high risks too high, low ones too low), above \
          1 not extreme enough.
          """, released: .siteMetrics, slope)
  }

  // MARK: Tables

  private mutating func siteTable() -> Markup {
    let rows = sites.map { site -> [Markup] in
      let part = performance[site]
      let absent = Markup.cell(NumberText.absent)
      func interval(_ range: Interval?, _ places: Int) -> String {
        range.map { NumberText.interval($0, places) } ?? ""
      }
      let accuracy = part?.thresholdPerformance?.accuracy
      let own = ownModelGains.first { $0.site == site }
      return [
        .cell(site, below: reason(site) ?? ""),
        part?.patientCount.map { Markup.cell(NumberText.count($0)) } ?? absent,
        part?.eventCount.map { Markup.cell(NumberText.count($0)) } ?? absent,
        part?.discrimination.map {
          Markup.cell(NumberText.fixed($0.value, 3), below: interval($0.logitInterval, 2))
        } ?? absent,
        part?.averagePrecision.map {
          Markup.cell(
            NumberText.fixed($0.value, 3), below: "prev. \(NumberText.fixed($0.prevalence, 2))")
        } ?? absent,
        part?.brier.map {
          Markup.cell(
            NumberText.fixed($0.value, 3),
            below: $0.scaled.map { "scaled \(NumberText.fixed($0, 2))" } ?? "")
        } ?? absent,
        part?.recalibration?.slope.map {
          Markup.cell(NumberText.fixed($0.value, 2), below: interval($0.interval, 2))
        } ?? absent,
        part?.recalibration.map {
          Markup.cell(
            NumberText.fixed($0.calibrationInTheLarge.value, 2),
            below: interval($0.calibrationInTheLarge.interval, 2))
        } ?? absent,
        part?.observedExpected.map {
          Markup.cell(
            NumberText.fixed($0.ratio, $0.observedCount == nil ? 1 : 2),
            below: interval($0.interval, 2))
        } ?? absent,
        accuracy.map {
          Markup.cell(NumberText.percent($0.value), below: alertText(part))
        } ?? absent,
        .cell(signed(own?.difference, 3)),
      ]
    }
    return table(
      "All measures by hospital",
      reading: """
        AUROC: ranking, with its 95 % interval. AUPRC: precision averaged over recall; a useless \
        model reaches the prevalence. Brier: mean squared error of the risk, lower is better; scaled 0 \
        is a model that tells everybody the prevalence. Slope: 1 is ideal. CITL: calibration in the \
        large, 0 is ideal, above 0 risks are too low. O:E: observed over expected events. Accuracy at \
        a risk of \(NumberText.percent(result.study.threshold, 1)); sensitivity / specificity below. \
        Gain: AUROC of this model minus that of the hospital’s own model.
        """, released: .siteMetrics,
      [
        Table(
          columns: [
            .words("Hospital"), .numbers("n"), .numbers("Events"), .numbers("AUROC"),
            .numbers("AUPRC"), .numbers("Brier"), .numbers("Slope"), .numbers("CITL"),
            .numbers("O:E"), .numbers("Accuracy"), .numbers("Gain"),
          ], rows: rows, isDense: true)
      ])
  }

  private func alertText(_ part: SitePerformance?) -> String {
    guard let at = part?.thresholdPerformance else { return "" }
    return """
      \(NumberText.fixed(at.sensitivity?.value, 2)) / \(NumberText.fixed(at.specificity?.value, 2))
      """
  }

  private mutating func summaryTable() -> Markup {
    let rows = result.summaries.map { summary -> [Markup] in
      let analysis = summary.analysis
      let omitted = analysis.omitted.map { "\($0.site) (\($0.reason))" }
      return [
        .cell(summary.measure.inWords), .cell("\(analysis.count)"),
        .cell(NumberText.fixed(summary.mean, 3)), .cell(NumberText.interval(summary.interval, 2)),
        .cell(NumberText.interval(summary.predictionInterval, 2)),
        .cell(NumberText.significant(analysis.tauSquared, 2)),
        .cell(NumberText.percent(analysis.iSquared, 0)), .cell(NumberText.pValue(analysis.qPValue)),
        .cell(omitted.isEmpty ? "none" : omitted.joined(separator: "; ")),
      ]
    }
    return table(
      "Random-effects summaries over the hospitals",
      reading: """
        Mean: what the average hospital sees. Prediction interval: what the next hospital may see; \
        with k hospitals it is wide by nature. τ² is the variance between hospitals (logit scale for \
        AUROC, log scale for O:E), I² the share of the variation that is not chance, p tests whether \
        there is any. REML with Hartung-Knapp intervals.
        """, released: .nothing,
      [
        Table(
          columns: [
            .words("Measure"), .numbers("k"), .numbers("Mean"), .numbers("95 % interval"),
            .numbers("95 % prediction"), .numbers("τ²"), .numbers("I²"), .numbers("p"),
            .words("Left out"),
          ], rows: rows, isDense: true)
      ])
  }
}

extension PerformanceSummary.Measure {
  /// The measure's name in a table.
  var inWords: String {
    switch self {
    case .auroc: "AUROC, within hospitals"
    case .observedExpectedRatio: "Observed : expected events"
    case .calibrationInTheLarge: "Calibration in the large"
    case .calibrationSlope: "Calibration slope"
    }
  }
}
