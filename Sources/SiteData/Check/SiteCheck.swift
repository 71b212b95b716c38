import Cohort
import StrictYAML

/// Reads a site's whole file and explains every problem with file, row, column and advice, without
/// ever showing a value.
public enum SiteCheck {
  /// The most rows that a text names per kind of problem and column, unless all are asked for.
  public static let maximumExamples = 20

  /// Checks the table of a site; nil when it has none.
  public static func run(_ site: SiteConfiguration) -> CheckReport? {
    site.data.map { run($0, site: site.site, minimumCell: site.policy.minimumCell) }
  }

  /// Checks a described file. `minimumCell` is the smallest count that is shown.
  public static func run(
    _ data: DataDescription, site: String, minimumCell: Int
  ) -> CheckReport {
    var log = ProblemLog()
    var file: DataFile
    do {
      file = try DataFile(data)
    } catch {
      return stopped(error, data, site)
    }
    checkHeader(file, &log)
    var tallies = file.columns.map {
      ColumnTally(name: $0.name, declared: $0.declared, missingCodes: data.missingCodes)
    }
    var rows = RowTally(
      patientIndex: data.patientColumn.flatMap { name in
        file.columns.firstIndex { $0.name == name }
      })
    do {
      while let record = try file.reader.next() {
        rows.rowCount += 1
        guard check(record, row: rows.rowCount, file, &log) else { continue }
        let fields = file.normalised(record)
        rows.add(fields, row: rows.rowCount, line: record.line, &log)
        for index in fields.indices {
          report(
            tallies[index].add(fields[index]), tallies[index], index, rows.rowCount, record.line,
            &log)
        }
      }
    } catch {
      log.add(
        error.code.rawValue, .error, row: rows.rowCount + 1, line: error.line ?? 0,
        message: error.message, advice: error.advice)
    }
    if rows.rowCount == 0 {
      log.add(
        "empty-file", .error, message: "the file has no data rows",
        advice: "check the export that writes it")
    }
    for (index, tally) in tallies.enumerated() {
      checkColumn(tally, index, rows.rowCount, minimumCell, &log)
    }
    return CheckReport(
      site: site, file: data.file, rowCount: rows.rowCount,
      patients: rows.patientCount.map { shown($0, minimumCell) }, problems: log.problems(),
      columns: tallies.map { summary($0, rows.rowCount, minimumCell) })
  }

  private static func stopped(
    _ error: SiteDataError, _ data: DataDescription, _ site: String
  ) -> CheckReport {
    var log = ProblemLog()
    log.add(
      error.code.rawValue, .error, column: error.column.map { $0 - 1 }, name: error.columnName,
      message: error.message, advice: error.advice)
    return CheckReport(
      site: site, file: data.file, rowCount: 0, patients: nil, problems: log.problems(),
      columns: [])
  }

  private static func checkHeader(_ file: DataFile, _ log: inout ProblemLog) {
    let names = file.columns.map(\.name)
    for declared in file.description.columns where !names.contains(declared.name) {
      let near = Suggestion.nearest(to: declared.name, among: names)
      log.add(
        "missing-column-\(declared.name)", .error, name: declared.name,
        message: "declared in site.yaml but not in the file's header",
        advice: near.map { "did you mean `\($0)`?" } ?? "add it to the file or remove it")
    }
    guard !file.description.columns.isEmpty else {
      log.add(
        "nothing-declared", .warning,
        message: "no column is declared, so types and units are not checked",
        advice: "list the columns under `data.columns` in site.yaml")
      return
    }
    for (index, column) in file.columns.enumerated() where column.declared == nil {
      log.add(
        "undeclared-column", .note, column: index, name: column.name,
        message: "not declared in site.yaml, so no study can use it",
        advice: "declare it if studies may use it")
    }
  }

  /// Whether the record can be read further.
  private static func check(
    _ record: CSVRecord, row: Int, _ file: DataFile, _ log: inout ProblemLog
  ) -> Bool {
    for fault in record.faults {
      let name = fault.column <= file.columns.count ? file.columns[fault.column - 1].name : nil
      log.add(
        fault.code.rawValue, .error, column: fault.column - 1, name: name, row: row,
        line: record.line,
        message: fault.code == .wrongEncoding
          ? "the bytes are not in the declared encoding" : "text follows a closing quote",
        advice: DataFile.advice(fault.code))
    }
    guard record.fields.count == file.columns.count else {
      log.add(
        "ragged-row", .error, row: row, line: record.line,
        message: "the number of fields is not that of the \(file.columns.count) columns",
        advice: DataFile.advice(.raggedRow))
      return false
    }
    return true
  }

  private static func report(
    _ finding: ColumnTally.Finding, _ tally: ColumnTally, _ index: Int, _ row: Int, _ line: Int,
    _ log: inout ProblemLog
  ) {
    func add(_ kind: String, _ message: String, _ advice: String) {
      log.add(
        kind, .warning, column: index, name: tally.name, row: row, line: line, message: message,
        advice: advice)
    }
    switch finding {
    case .sound: break
    case .notANumber:
      add(
        "unreadable-number", "not a number; a study reads it as missing",
        "write a decimal point and no unit, or add the text to `missing`")
    case .notAFlag:
      add(
        "unreadable-flag", "neither yes nor no; a study reads it as missing",
        "write 0 or 1, or map the words under `levels`")
    case .notADate:
      add("unreadable-date", "not a date", "write dates as YYYY-MM-DD")
    case .outOfRange:
      add(
        "out-of-range", "outside the range declared in site.yaml",
        "correct the value at its source, or add its code to `missing`")
    case .unknownLevel:
      add(
        "unknown-level", "a word that is not among the declared levels",
        "correct the word, or add it to `levels`")
    }
  }

  /// A count, or "<k" below the minimum cell; zero is shown.
  static func shown(_ count: Int, _ minimumCell: Int) -> String {
    count == 0 || count >= minimumCell ? "\(count)" : "<\(minimumCell)"
  }

  private static func summary(
    _ tally: ColumnTally, _ rowCount: Int, _ minimumCell: Int
  ) -> CheckReport.Column {
    func percent(_ count: Int) -> String {
      guard rowCount > 0 else { return "-" }
      let tenths = (Double(count) / Double(rowCount) * 1000).rounded()
      return "\(tenths / 10)%"
    }
    let isSmall = tally.missingCount > 0 && tally.missingCount < minimumCell
    return CheckReport.Column(
      name: tally.name, type: tally.declared?.type.rawValue ?? "undeclared",
      unit: tally.declared?.unit,
      missing: isSmall ? "<" + percent(minimumCell) : percent(tally.missingCount),
      present: isSmall
        ? ">\(max(rowCount - minimumCell, 0))" : shown(tally.presentCount, minimumCell),
      levelCount: tally.levelCount)
  }
}
