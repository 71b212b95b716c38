/// A table of coloured cells with their values written in them. Absent values are hatched.
struct HeatMap {
  var id: String
  var title: String
  var summaryText: String
  var rows: [String]
  var columns: [String]
  /// [rows × columns].
  var values: [[Double?]]
  /// Cells with a frame, as (row, column).
  var framed: Set<Cell> = []
  var ramp: Palette.Ramp
  /// The value at the two ends of the colours.
  var range: ClosedRange<Double>
  var rowHeading: String
  var columnHeading: String
  /// What the colours mean, below the map.
  var legend: String
  var format: (Double) -> String

  struct Cell: Hashable {
    var row: Int
    var column: Int
  }

  var markup: Markup {
    let labelWidth = min(
      230, max(90, (rows.map { Drawing.width(of: $0) }.max() ?? 90) + 14))
    let width = 760.0
    let cellWidth = min(96, (width - labelWidth) / Double(max(columns.count, 1)))
    let cellHeight = 25.0
    let longest = columns.map { Drawing.width(of: $0, size: 11.5) }.max() ?? 0
    let isTilted = longest > cellWidth - 8
    let headHeight = isTilted ? min(112, longest * 0.72 + 14) : 22
    let top = headHeight + 18
    let bottom = top + Double(rows.count) * cellHeight
    var drawing = Drawing(
      id: id, width: width, height: bottom + 46, title: title, summary: summaryText)
    drawing.text(0, top - 8, rowHeading, "t head", size: 11.5)
    drawing.text(labelWidth, 11, columnHeading, "t head", size: 11.5)
    for (index, label) in columns.enumerated() {
      let x = labelWidth + (Double(index) + 0.5) * cellWidth
      if isTilted {
        drawing.text(
          x - 2, top - 6, label, "t", size: 11.5, width: headHeight / 0.72 - 12, rotated: -45)
      } else {
        drawing.text(x, top - 8, label, "t", anchor: .middle, size: 11.5)
      }
    }
    let size = cellWidth < 40 ? 9.5 : 11.5
    for (row, label) in rows.enumerated() {
      let y = top + Double(row) * cellHeight
      drawing.text(
        labelWidth - 8, y + cellHeight / 2 + 4, label, "t", anchor: .end, width: labelWidth - 10)
      for column in columns.indices {
        let box = Box(
          x: labelWidth + Double(column) * cellWidth + 1, y: y + 1, width: cellWidth - 2,
          height: cellHeight - 2)
        let value =
          values.indices.contains(row) && values[row].indices.contains(column)
          ? values[row][column] : nil
        guard let value, value.isFinite else {
          drawing.hatch(box, hint: "\(label), \(columns[column]): not available")
          drawing.text(
            box.x + box.width / 2, y + cellHeight / 2 + 4, NumberText.absent, "t muted",
            anchor: .middle, size: size)
          continue
        }
        let share = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
        let colour = ramp.colour(share)
        drawing.rectangle(
          box, "cell", fill: colour.fill,
          hint: "\(label), \(columns[column]): \(format(value))")
        drawing.text(
          box.x + box.width / 2, y + cellHeight / 2 + 4, format(value), "num cell-text",
          anchor: .middle, size: size, fill: colour.text)
        if framed.contains(Cell(row: row, column: column)) {
          drawing.rectangle(
            Box(x: box.x + 1, y: box.y + 1, width: box.width - 2, height: box.height - 2), "ring")
        }
      }
    }
    drawLegend(at: bottom + 18, from: labelWidth, in: &drawing)
    return drawing.markup
  }

  private func drawLegend(at y: Double, from x: Double, in drawing: inout Drawing) {
    let steps = 40
    let width = 150.0
    drawing.text(
      x - 8, y + 10, NumberText.significant(range.lowerBound), "t muted", anchor: .end, size: 11)
    for step in 0..<steps {
      let colour = ramp.colour(Double(step) / Double(steps - 1))
      drawing.rectangle(
        Box(
          x: x + Double(step) * width / Double(steps), y: y, width: width / Double(steps) + 0.3,
          height: 12), "cell", fill: colour.fill)
    }
    drawing.text(
      x + width + 8, y + 10, NumberText.significant(range.upperBound), "t muted", size: 11)
    drawing.text(x + width + 44, y + 10, legend, "t muted", size: 11)
  }
}
