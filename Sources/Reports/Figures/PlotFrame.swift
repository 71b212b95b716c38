/// A rectangle with two axes, and the clipping of lines to it.
struct PlotFrame {
  let box: Box
  let x: Scale
  let y: Scale

  init(_ box: Box, x: ClosedRange<Double>, y: ClosedRange<Double>) {
    self.box = box
    self.x = Scale(x, from: box.x, to: box.right)
    self.y = Scale(y, from: box.bottom, to: box.y)
  }

  /// Grid, ticks, tick labels and the names of the axes.
  func drawAxes(
    in drawing: inout Drawing, xLabel: String?, yLabel: String?, tickCount: Int = 5,
    asPercent: Bool = false, size: Double = 11
  ) {
    drawing.rectangle(box, "frame")
    func label(_ value: Double, _ scale: Scale, _ ticks: [Double]) -> String {
      asPercent ? NumberText.fixed(value * 100, 0) : NumberText.fixed(value, scale.places(ticks))
    }
    let xTicks = x.ticks(tickCount)
    for tick in xTicks {
      let place = x.place(tick)
      drawing.line(place, box.y, place, box.bottom, "grid")
      drawing.text(
        place, box.bottom + 15, label(tick, x, xTicks), "t muted", anchor: .middle, size: size)
    }
    let yTicks = y.ticks(tickCount)
    for tick in yTicks {
      let place = y.place(tick)
      drawing.line(box.x, place, box.right, place, "grid")
      drawing.text(
        box.x - 6, place + 4, label(tick, y, yTicks), "t muted", anchor: .end, size: size)
    }
    if let xLabel {
      drawing.text(
        box.x + box.width / 2, box.bottom + 33, xLabel, "t", anchor: .middle, size: size + 1)
    }
    if let yLabel {
      let place = Point(x: box.x - 38, y: box.y + box.height / 2)
      drawing.text(
        place.x, place.y, yLabel, "t", anchor: .middle, size: size + 1, rotated: -90)
    }
  }

  func place(_ point: Point) -> Point { Point(x: x.place(point.x), y: y.place(point.y)) }

  /// A line through values, cut where it leaves the frame at the top or bottom.
  func drawLine(_ values: [Point], _ style: String, in drawing: inout Drawing) {
    var piece: [Point] = []
    func flush(_ drawing: inout Drawing) {
      if piece.count > 1 { drawing.path(piece.map(place), style) }
      piece = []
    }
    let inside = values.filter { $0.x.isFinite && $0.y.isFinite && x.contains($0.x) }
    for (index, value) in inside.enumerated() {
      if index > 0, let crossing = crossing(inside[index - 1], value) {
        piece.append(crossing.first)
        if let second = crossing.second { piece.append(second) }
        if !y.contains(value.y) { flush(&drawing) }
      }
      if y.contains(value.y) { piece.append(value) } else if index == 0 { piece = [] }
    }
    flush(&drawing)
  }

  /// Where the segment between two values crosses the lower or upper end of y.
  private func crossing(_ a: Point, _ b: Point) -> (first: Point, second: Point?)? {
    guard a.y != b.y else { return nil }
    func at(_ level: Double) -> Point? {
      let share = (level - a.y) / (b.y - a.y)
      guard share > 0, share < 1 else { return nil }
      return Point(x: a.x + share * (b.x - a.x), y: level)
    }
    let crossings = [y.domain.lowerBound, y.domain.upperBound].compactMap(at)
      .sorted { ($0.y - a.y).magnitude < ($1.y - a.y).magnitude }
    guard let first = crossings.first else { return nil }
    return (first, crossings.count > 1 ? crossings[1] : nil)
  }
}
