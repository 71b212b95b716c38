/// Several hospitals' curves in one square frame with a legend below.
struct LineOverlay {
  struct Series {
    var label: String
    /// Position of the hospital in the roster: decides colour and dash.
    var index: Int
    var points: [Point]
    /// Points drawn as dots beside the line.
    var dots: [Point] = []
    /// Stands behind the label in the legend.
    var detail = ""
  }

  var id: String
  var title: String
  var summaryText: String
  var series: [Series]
  var xLabel: String
  var yLabel: String
  var x: ClosedRange<Double> = 0...1
  var y: ClosedRange<Double> = 0...1
  var hasDiagonal = true

  var markup: Markup {
    let width = 400.0
    let side = 332.0
    let legendColumns = series.count > 8 ? 2 : 1
    let legendRows = (series.count + legendColumns - 1) / legendColumns
    let box = Box(x: 54, y: 10, width: side, height: side)
    var drawing = Drawing(
      id: id, width: width, height: box.bottom + 56 + Double(legendRows) * 19, title: title,
      summary: summaryText)
    let frame = PlotFrame(box, x: x, y: y)
    frame.drawAxes(in: &drawing, xLabel: xLabel, yLabel: yLabel)
    if hasDiagonal {
      frame.drawLine(
        [Point(x: x.lowerBound, y: x.lowerBound), Point(x: x.upperBound, y: x.upperBound)],
        "ideal", in: &drawing)
    }
    for entry in series {
      let style = Palette.series(entry.index)
      frame.drawLine(entry.points, "line \(style)", in: &drawing)
      for dot in entry.dots where x.contains(dot.x) && y.contains(dot.y) {
        let place = frame.place(dot)
        drawing.circle(place.x, place.y, radius: 2.6, "dot \(style)")
      }
    }
    let columnWidth = (width - 20) / Double(legendColumns)
    for (position, entry) in series.enumerated() {
      let column = position / max(legendRows, 1)
      let left = 20 + Double(column) * columnWidth
      let top = box.bottom + 56 + Double(position % max(legendRows, 1)) * 19
      drawing.line(left, top, left + 26, top, "line \(Palette.series(entry.index))")
      // Two columns leave no room for the remark; the number stands in the tables too.
      let detail = legendColumns > 1 ? "" : entry.detail
      let detailWidth = detail.isEmpty ? 0 : Drawing.width(of: detail, size: 11) + 6
      let room = columnWidth - 46 - detailWidth
      drawing.text(left + 34, top + 4, entry.label, "t", size: 11.5, width: room)
      if !detail.isEmpty {
        drawing.text(
          left + columnWidth - 8, top + 4, detail, "t muted num", anchor: .end, size: 11)
      }
    }
    return drawing.markup
  }
}
