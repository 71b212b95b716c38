import Cohort
import StrictYAML

/// An opened data file: its reader stands at the first data row, its columns are known.
struct DataFile {
  let description: DataDescription
  var reader: CSVReader
  /// The file's columns from left to right, with what the hospital says about each; nil for a
  /// column that is not declared.
  let columns: [(name: String, declared: DataDescription.Column?)]
  /// Data rows read so far through `nextRow`.
  var rowCount = 0

  /// Opens the file and reads its header.
  init(_ description: DataDescription) throws(SiteDataError) {
    self.description = description
    reader = try CSVReader(
      path: description.file, delimiter: description.delimiter, encoding: description.encoding)
    guard description.hasHeader else {
      columns = description.columns.map { ($0.name, $0) }
      return
    }
    guard let header = try reader.next() else {
      throw SiteDataError(
        .emptyFile, file: description.file, message: "the file is empty",
        advice: "it should begin with a line of column names")
    }
    if let fault = header.faults.first {
      throw SiteDataError(
        fault.code, file: description.file, line: header.line, column: fault.column,
        message: "the header cannot be read", advice: Self.advice(fault.code))
    }
    let names = header.fields.map { CellText.trim($0) }
    var seen: [String: Int] = [:]
    for (index, name) in names.enumerated() {
      if let first = seen[name] {
        throw SiteDataError(
          .duplicateColumn, file: description.file, line: header.line, column: index + 1,
          columnName: name, message: "columns \(first + 1) and \(index + 1) have the same name",
          advice: "rename one of them in the header")
      }
      seen[name] = index
    }
    if let advice = DelimiterHint.advice(names), description.column(names[0]) == nil {
      throw SiteDataError(
        .missingColumn, file: description.file, line: header.line,
        message: "the header is one column: a wrong delimiter?", advice: advice)
    }
    columns = names.map { ($0, description.column($0)) }
  }

  /// What to do about a fault of the file's form.
  static func advice(_ code: SiteDataError.Code) -> String {
    switch code {
    case .wrongEncoding: "export the file as UTF-8, or declare its `encoding`"
    case .textAfterQuote: "double the quotes inside a quoted field"
    case .raggedRow: "give the row as many fields as the header, or quote fields with delimiters"
    default: "correct the row"
    }
  }

  /// The columns as the cohort builder takes them. A column that the file has but the hospital did
  /// not declare gets a name no study can ask for.
  func sourceColumns() -> [SourceColumn] {
    let offersAll = description.columns.isEmpty
    return columns.enumerated().map { index, column in
      if let declared = column.declared {
        return SourceColumn(
          column.name, unit: declared.unit,
          missingCodes: declared.missingCodes + description.missingCodes,
          levelNames: declared.levelNames)
      }
      return SourceColumn(
        offersAll ? column.name : "\u{0}\(index)", missingCodes: description.missingCodes)
    }
  }

  /// A record's fields with decimal points.
  func normalised(_ record: CSVRecord) -> [String] {
    guard description.hasDecimalComma, record.fields.count == columns.count else {
      return record.fields
    }
    var fields = record.fields
    for index in fields.indices {
      let type = columns[index].declared?.type ?? .number
      guard type == .number, fields[index].utf8.contains(UInt8(ascii: ",")) else { continue }
      let pointed = String(fields[index].map { $0 == "," ? "." : $0 })
      if CellText.number(CellText.trim(pointed)) != nil { fields[index] = pointed }
    }
    return fields
  }

  /// The problem of a column that a study needs and this file does not offer.
  func missing(_ name: String, detail: String) -> SiteDataError {
    let isInFile = columns.contains { $0.name == name }
    if isInFile {
      return SiteDataError(
        .missingColumn, file: description.file, columnName: name,
        message: "the column is in the file but not declared (\(detail))",
        advice: "declare it under `data.columns` in site.yaml if studies may use it")
    }
    let offered = columns.filter { description.columns.isEmpty || $0.declared != nil }.map(\.name)
    let near = Suggestion.nearest(to: name, among: offered)
    return SiteDataError(
      .missingColumn, file: description.file, columnName: name,
      message: "the study needs this column and the data have none of this name"
        + (detail.isEmpty ? "" : " (\(detail))"),
      advice: near.map { "the nearest name is `\($0)`: rename it in the header and in site.yaml" }
        ?? "add the column; a study or a model cannot do without it")
  }
}
