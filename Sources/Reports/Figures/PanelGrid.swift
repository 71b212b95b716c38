/// Small panels of equal size, one per hospital, on common axes.
struct PanelGrid {
  let columns: Int
  let count: Int
  let panelHeight: Double
  static let width = 760.0
  private let left = 52.0
  private let gap = 40.0

  init(count: Int, panelHeight: Double = 120) {
    self.count = count
    columns = count == 4 ? 2 : min(3, max(count, 1))
    self.panelHeight = panelHeight
  }

  private var rowHeight: Double { panelHeight + 60 }
  private var panelWidth: Double {
    (Self.width - left - 8 - gap * Double(columns - 1)) / Double(columns)
  }

  /// Height of the figure, with `extra` for a legend below.
  func height(extra: Double = 0) -> Double {
    Double((count + columns - 1) / columns) * rowHeight + extra
  }

  /// The inner box of a panel; its heading stands above it.
  func box(_ index: Int) -> Box {
    Box(
      x: left + Double(index % columns) * (panelWidth + gap),
      y: Double(index / columns) * rowHeight + 24, width: panelWidth, height: panelHeight)
  }

  /// Whether a panel is the first of its row, and so carries the name of the y axis.
  func isFirstInRow(_ index: Int) -> Bool { index % columns == 0 }

  /// The heading of a panel, with a small remark at its right end.
  func drawHeading(
    _ index: Int, _ label: String, detail: String = "", in drawing: inout Drawing
  ) {
    let box = box(index)
    let detailWidth = detail.isEmpty ? 0 : Drawing.width(of: detail, size: 10.5) + 8
    drawing.text(box.x, box.y - 8, label, "t head", width: box.width - detailWidth)
    if !detail.isEmpty {
      drawing.text(box.right, box.y - 8, detail, "t muted", anchor: .end, size: 10.5)
    }
  }

  /// A panel without anything to draw.
  func drawVoid(_ index: Int, _ reason: String, in drawing: inout Drawing) {
    let box = box(index)
    drawing.hatch(box, hint: reason)
    let words = reason.split(separator: " ")
    var lines: [String] = [""]
    for word in words {
      let candidate = lines[lines.count - 1] + (lines[lines.count - 1].isEmpty ? "" : " ") + word
      if Drawing.width(of: candidate, size: 11) > box.width - 24, lines.count < 5 {
        lines.append(String(word))
      } else {
        lines[lines.count - 1] = candidate
      }
    }
    let height = Double(lines.count) * 15 + 10
    let top = box.y + (box.height - height) / 2
    drawing.rectangle(
      Box(x: box.x + 8, y: top, width: box.width - 16, height: height), "plate")
    for (line, text) in lines.enumerated() {
      drawing.text(
        box.x + box.width / 2, top + 16 + Double(line) * 15, text, "t muted", anchor: .middle,
        size: 11, width: box.width - 20)
    }
  }
}
