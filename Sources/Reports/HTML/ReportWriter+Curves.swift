import Study
import Validation

/// Curves drawn from each hospital's released table of risks.
extension ReportWriter {
  /// ROC and calibration side by side.
  mutating func curvePair() -> Markup {
    let roc = LineOverlay(
      id: nextFigureID + "-roc", title: "ROC curves of the hospitals",
      summaryText: "Sensitivity against 1 − specificity. "
        + sites.map {
          "\($0): AUROC \(NumberText.fixed(performance[$0]?.discrimination?.value, 3))"
        }
        .joined(separator: "; "),
      series: sites.enumerated().compactMap { index, site in
        guard let part = performance[site], !part.roc.isEmpty else { return nil }
        return LineOverlay.Series(
          label: site, index: index,
          points: part.roc.map { Point(x: $0.falsePositiveRate, y: $0.truePositiveRate) },
          detail: NumberText.fixed(part.discrimination?.value, 3))
      }, xLabel: "1 − specificity (false alarms)", yLabel: "sensitivity (events found)")
    let top = calibrationLimit
    let calibration = LineOverlay(
      id: nextFigureID + "-calibration", title: "Calibration curves of the hospitals",
      summaryText: "Observed share with the outcome against predicted risk. "
        + sites.map { site in
          let index = performance[site]?.smoothCalibration?.integratedCalibrationIndex
          return "\(site): mean distance \(NumberText.fixed(index, 3))"
        }.joined(separator: "; "),
      series: sites.enumerated().compactMap { index, site in
        guard let part = performance[site], !part.calibrationCurve.isEmpty else { return nil }
        let smooth = part.smoothCalibration
        return LineOverlay.Series(
          label: site, index: index,
          points: smooth?.curve.map { Point(x: $0.predicted, y: $0.observed) } ?? [],
          dots: part.calibrationCurve.map { Point(x: $0.meanPredicted, y: $0.observed.value) },
          detail: smooth.map { "ICI \(NumberText.fixed($0.integratedCalibrationIndex, 3))" } ?? "")
      }, xLabel: "predicted risk", yLabel: "observed share with the outcome", x: 0...top,
      y: 0...top)
    return figure(
      "ROC and calibration of every hospital",
      reading: """
        Left: the share of events found against the share of false alarms as the threshold falls; the \
        farther from the dashed diagonal, the better the ranking. Right: in groups of patients with \
        similar predicted risk (dots), the share who had the outcome; the line is a smooth fit \
        (restricted cubic spline). On the diagonal risks mean what they say, above it they are too low. \
        ICI is the mean distance of the line from the diagonal. \(missingCurves)
        """, released: .siteCounts(.validate),
      "<div class=\"pair\"><div>\(roc.markup)</div><div>\(calibration.markup)</div></div>")
  }

  private var missingCurves: String {
    let absent = sites.filter { performance[$0]?.riskTable == nil }
    guard !absent.isEmpty else { return "" }
    return "Without curves: "
      + NumberText.list(absent.map { "\($0) (\(reason($0) ?? "not available"))" }) + "."
  }

  /// The end of the calibration axes: beyond the highest group, on a round number.
  private var calibrationLimit: Double {
    let ends = sites.flatMap { site -> [Double] in
      guard let part = performance[site] else { return [] }
      return part.calibrationCurve.flatMap { [$0.meanPredicted, $0.observed.value] }
        + (part.smoothCalibration?.curve.flatMap { [$0.predicted, $0.observed] } ?? [])
    }
    let top = ends.max() ?? 1
    return min(1, max(0.2, (top * 10).rounded(.up) / 10))
  }

  // MARK: Decision curves

  mutating func decisionFigure() -> Markup {
    let threshold = result.study.threshold
    let xTop = min(0.99, max(0.5, (threshold * 20).rounded(.up) / 10))
    let prevalence = sites.compactMap { performance[$0]?.prevalence?.value }.max() ?? 0.5
    let yTop = max(0.05, (prevalence * 1.1 * 20).rounded(.up) / 20)
    let grid = PanelGrid(count: sites.count)
    var drawing = Drawing(
      id: nextFigureID, width: PanelGrid.width, height: grid.height(extra: 22),
      title: "Decision curves of the hospitals",
      summary: "Net benefit of the model, of acting on everybody and on nobody, by threshold.")
    for (index, site) in sites.enumerated() {
      let part = performance[site]
      let points = part?.decisionCurve ?? []
      grid.drawHeading(index, site, detail: benefitText(points), in: &drawing)
      guard !points.isEmpty else {
        grid.drawVoid(index, reason(site) ?? "not available", in: &drawing)
        continue
      }
      let frame = PlotFrame(grid.box(index), x: 0...xTop, y: (-yTop / 6)...yTop)
      frame.drawAxes(
        in: &drawing, xLabel: "threshold", yLabel: grid.isFirstInRow(index) ? "net benefit" : nil,
        tickCount: 4, size: 10)
      frame.drawLine([Point(x: 0, y: 0), Point(x: xTop, y: 0)], "ghost", in: &drawing)
      frame.drawLine(treatAll(points, to: xTop), "ghost dashed", in: &drawing)
      if frame.x.contains(threshold) {
        let x = frame.x.place(threshold)
        drawing.line(x, frame.box.y, x, frame.box.bottom, "cut")
      }
      frame.drawLine(
        points.map { Point(x: $0.threshold, y: $0.model) }, "line \(Palette.series(index))",
        in: &drawing)
    }
    let y = grid.height() + 8
    drawing.line(44, y, 70, y, "line c0")
    drawing.text(78, y + 4, "act on the model", "t", size: 11)
    drawing.line(220, y, 246, y, "ghost dashed")
    drawing.text(254, y + 4, "act on everybody", "t", size: 11)
    drawing.line(392, y, 418, y, "ghost")
    drawing.text(426, y + 4, "act on nobody", "t", size: 11)
    drawing.line(548, y, 574, y, "cut")
    drawing.text(582, y + 4, "threshold of the study", "t", size: 11)
    return figure(
      "Whether acting on the model does more good than harm, by hospital",
      reading: """
        Net benefit counts events found minus false alarms, the latter weighted by the odds of the \
        threshold: acting at 10 % says that nine false alarms are a fair price for one event found. \
        The model is useful where its line lies above both grey ones. The remark gives the net \
        benefit at the study’s threshold over the better of the two, per 1000 patients.
        """, released: .siteCounts(.validate), drawing.markup)
  }

  private func treatAll(_ points: [NetBenefit], to end: Double) -> [Point] {
    guard
      let prevalence = points.first.map({ point -> Double in
        // ȳ − (1 − ȳ) w = t, solved for ȳ.
        let odds = point.threshold / (1 - point.threshold)
        return (point.treatAll + odds) / (1 + odds)
      })
    else { return [] }
    return (0...100).map { step in
      let threshold = end * Double(step) / 100
      let odds = threshold / (1 - threshold)
      return Point(x: threshold, y: prevalence - (1 - prevalence) * odds)
    }
  }

  private func benefitText(_ points: [NetBenefit]) -> String {
    guard let point = points.first(where: { $0.threshold == result.study.threshold }) else {
      return ""
    }
    return signed((point.model - max(point.treatAll, 0)) * 1000, 0) + " per 1000"
  }

  // MARK: Risks

  mutating func riskFigure() -> Markup {
    let grid = PanelGrid(count: sites.count, panelHeight: 96)
    var drawing = Drawing(
      id: nextFigureID, width: PanelGrid.width, height: grid.height(extra: 22),
      title: "Predicted risks of the hospitals",
      summary: "Share of patients with and without the outcome in each range of predicted risk.")
    let histograms = sites.map { performance[$0]?.riskTable.map { RiskHistogram($0) } }
    let top = histograms.compactMap { $0?.top }.max() ?? 1
    let lastBin = histograms.compactMap { $0?.lastBin }.max() ?? 19
    let risks = min(1, max(Double(lastBin + 1) / 20, result.study.threshold + 0.1))
    for (index, site) in sites.enumerated() {
      grid.drawHeading(index, site, in: &drawing)
      guard let histogram = histograms[index] else {
        grid.drawVoid(index, reason(site) ?? "not available", in: &drawing)
        continue
      }
      let box = grid.box(index)
      let frame = PlotFrame(box, x: 0...risks, y: -top...top)
      drawing.rectangle(box, "frame")
      let ticks = frame.x.ticks(5)
      for tick in ticks {
        drawing.text(
          frame.x.place(tick), box.bottom + 15, NumberText.fixed(tick, 1), "t muted",
          anchor: .middle, size: 10)
      }
      let style = Palette.series(index)
      for bin in histogram.events.indices where Double(bin + 1) / 20 <= risks + 1e-9 {
        let left = frame.x.place(Double(bin) / 20)
        let width = frame.x.place(Double(bin + 1) / 20) - left - 0.8
        let zero = frame.y.place(0)
        let up = zero - frame.y.place(histogram.events[bin])
        let down = frame.y.place(-histogram.others[bin]) - zero
        drawing.rectangle(
          Box(x: left, y: zero - up, width: width, height: up), "bar \(style)")
        drawing.rectangle(Box(x: left, y: zero, width: width, height: down), "bar pale \(style)")
      }
      drawing.line(box.x, frame.y.place(0), box.right, frame.y.place(0), "rule")
      let cut = frame.x.place(result.study.threshold)
      drawing.line(cut, box.y, cut, box.bottom, "cut")
      drawing.text(
        box.x + box.width / 2, box.bottom + 31, "predicted risk", "t", anchor: .middle, size: 10.5)
    }
    let y = grid.height() + 4
    drawing.rectangle(Box(x: 44, y: y - 5, width: 22, height: 11), "bar c0")
    drawing.text(74, y + 4, "with the outcome (upwards)", "t", size: 11)
    drawing.rectangle(Box(x: 262, y: y - 5, width: 22, height: 11), "bar pale c0")
    drawing.text(292, y + 4, "without the outcome (downwards)", "t", size: 11)
    drawing.line(510, y, 536, y, "cut")
    drawing.text(544, y + 4, "threshold of the study", "t", size: 11)
    return figure(
      "The risks that the model gives, by hospital",
      reading: """
        Each bar is a share of the patients of its class in a range of 5 percentage points. The better \
        the model separates, the less the upper and the lower half overlap. Inside a released row of \
        the risk table patients are taken as evenly spread around the row’s mean; the axis ends where \
        fewer than 0.4 % of every class are left.
        """, released: .siteCounts(.validate), drawing.markup)
  }
}

/// A table of risks as shares per class in twenty equal ranges of risk.
struct RiskHistogram {
  /// Shares of the patients with the outcome, which add up to 1.
  let events: [Double]
  /// Shares of the patients without it.
  let others: [Double]

  var top: Double { max(events.max() ?? 0, others.max() ?? 0) }

  /// The last range with at least four in a thousand patients of a class.
  var lastBin: Int? {
    events.indices.last { events[$0] > 0.004 || others[$0] > 0.004 }
  }

  init(_ table: RiskTable) {
    var events = [Double](repeating: 0, count: 20)
    var others = events
    for row in table.rows where row.upperCut > row.lowerCut {
      guard row.patientCount > 0 else { continue }
      // An even spread inside the row that has the row's mean risk.
      let mean = row.predictedSum / Double(row.patientCount)
      let start = max(row.lowerCut, min(2 * mean - row.upperCut, mean - 1e-6))
      let end = min(row.upperCut, max(2 * mean - row.lowerCut, mean + 1e-6))
      for bin in 0..<20 {
        let low = max(start, Double(bin) / 20)
        let high = min(end, Double(bin + 1) / 20)
        guard high > low else { continue }
        let share = (high - low) / (end - start)
        events[bin] += share * Double(row.eventCount)
        others[bin] += share * Double(row.nonEventCount)
      }
    }
    let eventTotal = max(events.reduce(0, +), 1)
    let otherTotal = max(others.reduce(0, +), 1)
    self.events = events.map { $0 / eventTotal }
    self.others = others.map { $0 / otherTotal }
  }
}
