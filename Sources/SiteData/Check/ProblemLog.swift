/// Collects problems by kind and column, with the rows of each.
struct ProblemLog {
  private struct Key: Hashable {
    let kind: String
    let column: Int?
  }

  private struct Entry {
    let severity: CheckReport.Severity
    let columnName: String?
    let message: String
    let advice: String
    var count = 0
    var rows: [Int] = []
    var lines: [Int] = []
  }

  private var entries: [Key: Entry] = [:]
  private var order: [Key] = []

  /// Adds one occurrence. `column` counts from 0; texts of the first occurrence stand.
  mutating func add(
    _ kind: String, _ severity: CheckReport.Severity, column: Int? = nil, name: String? = nil,
    row: Int? = nil, line: Int? = nil, count: Int = 1, message: @autoclosure () -> String,
    advice: @autoclosure () -> String
  ) {
    let key = Key(kind: kind, column: column)
    if entries[key] == nil {
      order.append(key)
      entries[key] = Entry(
        severity: severity, columnName: name, message: message(), advice: advice())
    }
    entries[key]?.count += count
    if let row, let line {
      entries[key]?.rows.append(row)
      entries[key]?.lines.append(line)
    }
  }

  /// The problems, worst first, then in the order of their columns.
  func problems() -> [CheckReport.Problem] {
    let found = order.enumerated().compactMap { index, key in
      entries[key].map { (index, key, $0) }
    }
    let sorted = found.sorted { left, right in
      if left.2.severity != right.2.severity { return left.2.severity < right.2.severity }
      let a = left.1.column ?? -1
      let b = right.1.column ?? -1
      return a == b ? left.0 < right.0 : a < b
    }
    return sorted.map { _, key, entry in
      CheckReport.Problem(
        kind: key.kind, severity: entry.severity, column: entry.columnName,
        columnNumber: key.column.map { $0 + 1 }, count: entry.count, rows: entry.rows,
        lines: entry.lines, message: entry.message, advice: entry.advice)
    }
  }
}
