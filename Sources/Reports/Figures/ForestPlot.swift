import Validation

/// One row per hospital with its interval, and the summary over hospitals below: a diamond for the
/// mean, a bar for the prediction interval.
struct ForestPlot {
  struct Row {
    var label: String
    /// Stands between label and plot, such as "n (events)".
    var detail: String
    var value: Double?
    var interval: Interval?
    /// Share of the summary's weights; sets the size of the square.
    var weight: Double?
    /// Why there is no value.
    var reason: String?
    /// Decimals where they are not the plot's.
    var places: Int?
  }

  struct Summary {
    var label: String
    var value: Double
    var interval: Interval?
    var predictionInterval: Interval?
  }

  var id: String
  var title: String
  var summaryText: String
  var rows: [Row]
  var summary: Summary?
  var axis: String
  var detailHeading: String
  var valueHeading: String
  var places = 3
  var isLogarithmic = false
  /// Where "no effect" or "ideal" lies.
  var reference: Double?
  /// The widest the axis may become.
  var limits: ClosedRange<Double> = -1e6...1e6
  var labelHeading = "Hospital"
  var labelWidth = 178.0

  private static let rowHeight = 23.0

  var markup: Markup {
    let width = 760.0
    let detailRight = 262.0
    let plot = Box(
      x: 280, y: 34, width: 308,
      height: Double(rows.count) * Self.rowHeight + (summary == nil ? 6 : 66))
    var drawing = Drawing(
      id: id, width: width, height: plot.bottom + 44, title: title, summary: summaryText)
    let scale = Scale(
      domain, from: plot.x + 8, to: plot.right - 8, isLogarithmic: isLogarithmic)

    drawing.text(0, 18, labelHeading, "t head")
    drawing.text(detailRight, 18, detailHeading, "t head", anchor: .end)
    drawing.text(width, 18, valueHeading, "t head", anchor: .end)
    drawing.line(0, 27, width, 27, "rule")
    let ticks = scale.ticks(6)
    for tick in ticks {
      let x = scale.place(tick)
      drawing.line(x, plot.y, x, plot.bottom, "grid")
      let text =
        isLogarithmic ? NumberText.significant(tick) : NumberText.fixed(tick, scale.places(ticks))
      drawing.text(x, plot.bottom + 16, text, "t muted", anchor: .middle, size: 11)
    }
    drawing.text(
      plot.x + plot.width / 2, plot.bottom + 35, axis, "t", anchor: .middle, size: 12)
    if let reference, scale.contains(reference) {
      drawing.line(scale.place(reference), plot.y, scale.place(reference), plot.bottom, "ideal")
    }
    if let summary, scale.contains(summary.value) {
      let x = scale.place(summary.value)
      drawing.line(x, plot.y, x, plot.bottom - 40, "pooled")
    }
    for (index, row) in rows.enumerated() {
      let y = plot.y + (Double(index) + 0.5) * Self.rowHeight + 4
      drawing.text(0, y + 4, row.label, "t", width: labelWidth)
      drawing.text(detailRight, y + 4, row.detail, "t muted num", anchor: .end)
      draw(row, at: y, plot: plot, scale: scale, width: width, in: &drawing)
    }
    if let summary {
      draw(summary, plot: plot, scale: scale, width: width, detailRight, in: &drawing)
    }
    return drawing.markup
  }

  private func draw(
    _ row: Row, at y: Double, plot: Box, scale: Scale, width: Double, in drawing: inout Drawing
  ) {
    guard let value = row.value else {
      let box = Box(x: plot.x + 8, y: y - 6, width: plot.width - 16, height: 12)
      drawing.hatch(box, hint: row.reason)
      drawing.text(width, y + 4, NumberText.absent, "t muted num", anchor: .end)
      return
    }
    if let interval = row.interval {
      drawWhisker(interval, at: y, scale: scale, in: &drawing)
    }
    let text = NumberText.estimate(value, row.interval, row.places ?? places)
    let side = 5 + 9 * (row.weight ?? 0.1).squareRoot()
    if scale.contains(value) {
      drawing.rectangle(
        Box(x: scale.place(value) - side / 2, y: y - side / 2, width: side, height: side), "mark",
        hint: "\(row.label): \(text)")
    }
    drawing.text(width, y + 4, text, "t num", anchor: .end)
  }

  private func drawWhisker(
    _ interval: Interval, at y: Double, scale: Scale, in drawing: inout Drawing
  ) {
    let left = scale.clamped(interval.lower)
    let right = scale.clamped(interval.upper)
    drawing.line(left, y, right, y, "whisker")
    // An arrow where the interval goes on beyond the axis.
    if interval.lower < scale.domain.lowerBound {
      drawing.path(
        [Point(x: left + 6, y: y - 4), Point(x: left, y: y), Point(x: left + 6, y: y + 4)],
        "whisker")
    }
    if interval.upper > scale.domain.upperBound {
      drawing.path(
        [Point(x: right - 6, y: y - 4), Point(x: right, y: y), Point(x: right - 6, y: y + 4)],
        "whisker")
    }
  }

  private func draw(
    _ summary: Summary, plot: Box, scale: Scale, width: Double, _ detailRight: Double,
    in drawing: inout Drawing
  ) {
    let y = plot.bottom - 43
    drawing.line(0, y - 16, width, y - 16, "rule")
    drawing.text(0, y + 4, summary.label, "t head")
    let lower = scale.clamped(summary.interval?.lower ?? summary.value)
    let upper = scale.clamped(summary.interval?.upper ?? summary.value)
    let middle = scale.clamped(summary.value)
    drawing.path(
      [
        Point(x: lower, y: y), Point(x: middle, y: y - 8), Point(x: max(upper, lower + 1), y: y),
        Point(x: middle, y: y + 8),
      ], "diamond", closed: true)
    drawing.text(
      width, y + 4, NumberText.estimate(summary.value, summary.interval, places), "t num head",
      anchor: .end)
    let below = y + 26
    drawing.text(0, below + 4, "Prediction interval for a new hospital", "t")
    if let interval = summary.predictionInterval {
      let left = scale.clamped(interval.lower)
      let right = scale.clamped(interval.upper)
      drawing.rectangle(
        Box(x: left, y: below - 3, width: max(right - left, 1), height: 6), "prediction")
      drawing.text(
        width, below + 4, NumberText.interval(interval, places), "t num", anchor: .end)
    } else {
      drawing.text(width, below + 4, "needs 3 hospitals", "t muted", anchor: .end)
    }
  }

  /// From the smallest to the largest end, a little more, inside the limits.
  private var domain: ClosedRange<Double> {
    var ends = rows.flatMap { row -> [Double] in
      [row.value, row.interval?.lower, row.interval?.upper].compactMap { $0 }
    }
    if let summary {
      ends += [
        summary.value, summary.predictionInterval?.lower, summary.predictionInterval?.upper,
      ].compactMap { $0 }
    }
    if let reference { ends.append(reference) }
    let kept = ends.map { min(max($0, limits.lowerBound), limits.upperBound) }
    guard let low = kept.min(), let high = kept.max() else {
      return isLogarithmic ? 0.5...2 : 0...1
    }
    if isLogarithmic {
      return max(low / 1.08, 1e-6)...max(high * 1.08, max(low / 1.08, 1e-6) * 1.2)
    }
    let margin = max((high - low) * 0.04, 0.005)
    return max(low - margin, limits.lowerBound)...min(high + margin, limits.upperBound)
  }
}
