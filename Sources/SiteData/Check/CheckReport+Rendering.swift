import Foundation

extension CheckReport {
  /// The report for a terminal: the problems, worst first, then the columns.
  ///
  /// - Parameter namesAll: whether every row of a problem is named, or the first
  ///   `SiteCheck.maximumExamples`.
  public func text(namesAll: Bool = false) -> String {
    var lines = ["\(site): \(file)"]
    var size = "\(rowCount) rows, \(columns.count) columns"
    if let patients { size += ", \(patients) patients" }
    lines.append(size)
    lines.append("")
    if problems.isEmpty {
      lines.append("No problem found.")
    }
    for problem in problems {
      var head = problem.severity.rawValue.uppercased()
      if let column = problem.column {
        head += "  column " + (problem.columnNumber.map { "\($0) " } ?? "") + "`\(column)`"
      }
      lines.append("\(head)  \(problem.message)")
      if !problem.rows.isEmpty {
        let named = namesAll ? problem.rows.count : SiteCheck.maximumExamples
        let shown = zip(problem.rows, problem.lines).prefix(named).map { "\($0) (line \($1))" }
        let rest = problem.count - shown.count
        lines.append(
          "  \(problem.count == 1 ? "row" : "\(problem.count) rows:") "
            + shown.joined(separator: ", ") + (rest > 0 ? " and \(rest) more" : ""))
      }
      lines.append("  → \(problem.advice)")
    }
    if !columns.isEmpty {
      lines.append("")
      lines += table()
    }
    lines.append("")
    lines.append(verdict)
    return lines.joined(separator: "\n") + "\n"
  }

  private var verdict: String {
    let errors = count(.error)
    let warnings = count(.warning)
    if errors > 0 {
      return "Not usable yet: \(errors) \(errors == 1 ? "kind" : "kinds") of error to correct."
    }
    return warnings > 0
      ? "Usable; \(warnings) \(warnings == 1 ? "thing" : "things") to look at." : "Usable."
  }

  private func table() -> [String] {
    let rows =
      [["column", "type", "unit", "present", "missing", "levels"]]
      + columns.map {
        [
          $0.name, $0.type, $0.unit ?? "", $0.present, $0.missing,
          $0.levelCount.map { "\($0)" } ?? "",
        ]
      }
    let widths = (0..<6).map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      var line = ""
      for (index, cell) in row.enumerated() {
        let padding = String(repeating: " ", count: widths[index] - cell.count)
        line += (index == 3 || index == 4) ? padding + cell : cell + padding
        line += "  "
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }

  /// The report as one JSON object with sorted keys.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
