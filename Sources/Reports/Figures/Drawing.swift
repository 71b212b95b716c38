/// An SVG drawing: a few shapes in user units, with a title and a description for those who do not
/// see it. Colours come from the classes of the report's style sheet, so that a figure follows
/// light, dark and print.
struct Drawing {
  /// Where a text stands relative to its point.
  enum Anchor: String {
    case start, middle, end
  }

  let width: Double
  let height: Double
  /// Unique in the document; prefixes the ids of title and description.
  let id: String
  /// What the figure is.
  let title: String
  /// What it shows, in words.
  let summary: String
  private var body: String = ""

  init(id: String, width: Double, height: Double, title: String, summary: String) {
    self.id = id
    self.width = width
    self.height = height
    self.title = title
    self.summary = summary
  }

  /// A coordinate with at most two decimals; a number that is not finite becomes 0.
  static func coordinate(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    let hundredths = Int((min(max(value, -1e6), 1e6) * 100).rounded())
    let whole = hundredths.magnitude / 100
    let rest = hundredths.magnitude % 100
    let sign = hundredths < 0 ? "-" : ""
    guard rest > 0 else { return "\(sign)\(whole)" }
    if rest % 10 == 0 { return "\(sign)\(whole).\(rest / 10)" }
    return "\(sign)\(whole).\(rest < 10 ? "0" : "")\(rest)"
  }

  private func c(_ value: Double) -> String { Self.coordinate(value) }

  mutating func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String
  ) {
    body += "<line x1=\"\(c(x1))\" y1=\"\(c(y1))\" x2=\"\(c(x2))\" y2=\"\(c(y2))\""
    body += " class=\"\(style)\"></line>"
  }

  /// `fill` overrides the class's colour: "#rrggbb".
  mutating func rectangle(_ box: Box, _ style: String, fill: String? = nil, hint: String? = nil) {
    body += "<rect x=\"\(c(box.x))\" y=\"\(c(box.y))\" width=\"\(c(box.width))\""
    body += " height=\"\(c(box.height))\" class=\"\(style)\""
    if let fill { body += " fill=\"\(fill)\"" }
    body += ">\(Self.hint(hint))</rect>"
  }

  mutating func circle(
    _ x: Double, _ y: Double, radius: Double, _ style: String, hint: String? = nil
  ) {
    body += "<circle cx=\"\(c(x))\" cy=\"\(c(y))\" r=\"\(c(radius))\" class=\"\(style)\">"
    body += "\(Self.hint(hint))</circle>"
  }

  mutating func path(_ points: [Point], _ style: String, closed: Bool = false) {
    guard let first = points.first else { return }
    var d = "M\(c(first.x)) \(c(first.y))"
    for point in points.dropFirst() { d += "L\(c(point.x)) \(c(point.y))" }
    body += "<path d=\"\(d)\(closed ? "Z" : "")\" class=\"\(style)\"></path>"
  }

  /// A text that is shortened to `width` user units at `size`, with the whole of it as a hint.
  mutating func text(
    _ x: Double, _ y: Double, _ value: String, _ style: String = "t", anchor: Anchor = .start,
    size: Double? = nil, fill: String? = nil, width: Double? = nil, rotated: Double? = nil
  ) {
    let shown = width.map { Self.shortened(value, width: $0, size: size ?? 12) } ?? value
    body += "<text x=\"\(c(x))\" y=\"\(c(y))\" class=\"\(style)\""
    if anchor != .start { body += " text-anchor=\"\(anchor.rawValue)\"" }
    if let size { body += " font-size=\"\(c(size))\"" }
    if let fill { body += " fill=\"\(fill)\"" }
    if let rotated { body += " transform=\"rotate(\(c(rotated)) \(c(x)) \(c(y)))\"" }
    body += ">\(Self.hint(shown == value ? nil : value))\(Markup.escaped(shown))</text>"
  }

  /// Diagonal lines over a box: a value that is missing or held back.
  mutating func hatch(_ box: Box, hint: String? = nil) {
    rectangle(box, "void", hint: hint)
    let step = 7.0
    var offset = step
    while offset < box.width + box.height {
      let x1 = box.x + min(offset, box.width)
      let y1 = box.y + max(0, offset - box.width)
      let x2 = box.x + max(0, offset - box.height)
      let y2 = box.y + min(offset, box.height)
      line(x1, y1, x2, y2, "hatch")
      offset += step
    }
  }

  private static func hint(_ text: String?) -> String {
    text.map { "<title>\(Markup.escaped($0))</title>" } ?? ""
  }

  /// About how wide a text is in user units in the report's font.
  static func width(of text: String, size: Double = 12) -> Double {
    text.unicodeScalars.reduce(0) { sum, scalar in
      switch scalar {
      case "i", "j", "l", "I", ".", ",", ":", ";", "'", "|", " ", "(", ")", "f", "t", "r":
        sum + 0.34 * size
      case "m", "w", "M", "W", "@", "%": sum + 0.9 * size
      default:
        sum + (scalar.value > 0x2E80 ? size : (scalar.properties.isUppercase ? 0.7 : 0.57) * size)
      }
    }
  }

  /// The text, cut with an ellipsis where it is wider than `width`.
  static func shortened(_ text: String, width: Double, size: Double = 12) -> String {
    guard Self.width(of: text, size: size) > width else { return text }
    var result = text
    while !result.isEmpty, Self.width(of: result + "…", size: size) > width {
      result.removeLast()
    }
    return result + "…"
  }

  /// The finished figure.
  var markup: Markup {
    let root: Markup = """
      <svg xmlns="http://www.w3.org/2000/svg" class="drawing" role="img" \
      viewBox="0 0 \(c(width)) \(c(height))" aria-labelledby="\(id)-title \(id)-summary" \
      style="max-width:\(c(width))px"><title id="\(id)-title">\(title)</title>\
      <desc id="\(id)-summary">\(summary)</desc>
      """
    return root + Markup(unchecked: body) + "</svg>"
  }
}

/// A point in user units.
struct Point: Equatable {
  var x: Double
  var y: Double
}

/// An upright box in user units.
struct Box: Equatable {
  var x: Double
  var y: Double
  var width: Double
  var height: Double

  var right: Double { x + width }
  var bottom: Double { y + height }
}
