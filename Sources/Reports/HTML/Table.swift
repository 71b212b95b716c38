/// A table with a heading row and, by default, a heading cell at the start of each row.
struct Table {
  /// How a column is set.
  enum Column {
    /// Words, set left.
    case words(String)
    /// Numbers, set right in figures of equal width.
    case numbers(String)

    var heading: String {
      switch self {
      case .words(let text), .numbers(let text): text
      }
    }

    var style: String {
      switch self {
      case .words: "w"
      case .numbers: "n"
      }
    }
  }

  var columns: [Column]
  /// One entry per column each; the first is the row's heading.
  var rows: [[Markup]]
  /// Rows that carry a total or a summary.
  var emphasised: Set<Int> = []
  /// Whether text is smaller, for many columns.
  var isDense = false

  func markup(labelledBy id: String) -> Markup {
    let head = columns.map { column -> Markup in
      "<th scope=\"col\" class=\"\(column.style)\">\(column.heading)</th>"
    }
    let body = rows.enumerated().map { index, cells -> Markup in
      let parts = zip(columns, cells).enumerated().map { position, part -> Markup in
        position == 0
          ? "<th scope=\"row\" class=\"\(part.0.style)\">\(part.1)</th>"
          : "<td class=\"\(part.0.style)\">\(part.1)</td>"
      }
      let style = emphasised.contains(index) ? "total" : "plain"
      return "<tr class=\"\(style)\">\(parts)</tr>\n"
    }
    return """
      <table class="\(isDense ? "dense" : "normal")" aria-labelledby="\(id)">
      <thead><tr>\(head)</tr></thead>
      <tbody>
      \(body)</tbody></table>
      """
  }
}

extension Markup {
  /// A plain text cell.
  static func cell(_ text: String) -> Markup { Markup(escaping: text) }

  /// A value with a smaller line below it.
  static func cell(_ text: String, below: String) -> Markup {
    "\(text)<br /><span class=\"small\">\(below)</span>"
  }

  /// Paragraphs.
  static func paragraph(_ text: String) -> Markup { "<p>\(text)</p>\n" }

  /// A list with one entry per item.
  static func list(_ items: [Markup], style: String = "plain") -> Markup {
    "<ul class=\"\(style)\">\(items.map { item -> Markup in "<li>\(item)</li>\n" })</ul>\n"
  }
}
