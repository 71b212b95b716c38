import Cohort

extension DataFile {
  /// A builder for the file's columns.
  func builder(
    _ cohort: CohortSpecification, _ purpose: CohortBuilder.Purpose
  ) throws(SiteDataError) -> CohortBuilder {
    do {
      return try CohortBuilder(cohort, columns: sourceColumns(), purpose: purpose)
    } catch {
      throw translate(error)
    }
  }

  /// The position of a column that is asked for by name; nil when none is asked for.
  func index(of name: String?, detail: String) throws(SiteDataError) -> Int? {
    guard let name else { return nil }
    guard let index = columns.firstIndex(where: { $0.name == name }) else {
      throw missing(name, detail: detail)
    }
    return index
  }

  /// The next row that is well formed, with its number; a row that is not throws with its place.
  mutating func nextRow() throws(SiteDataError) -> (row: Int, fields: [String])? {
    guard let record = try reader.next() else { return nil }
    rowCount += 1
    if let fault = record.faults.first {
      throw SiteDataError(
        fault.code, file: description.file, row: rowCount, line: record.line,
        column: fault.column,
        columnName: fault.column <= columns.count ? columns[fault.column - 1].name : nil,
        message: "the field cannot be read", advice: Self.advice(fault.code))
    }
    guard record.fields.count == columns.count else {
      throw SiteDataError(
        .raggedRow, file: description.file, row: rowCount, line: record.line,
        message: "the row has \(record.fields.count) fields and the file \(columns.count) columns",
        advice: Self.advice(.raggedRow))
    }
    return (rowCount, normalised(record))
  }

  /// Adds a row to a builder.
  func append(
    _ fields: [String], _ row: Int, to builder: inout CohortBuilder
  ) throws(SiteDataError) {
    do {
      try builder.append(fields, sourceRow: row)
    } catch {
      throw translate(error)
    }
  }

  /// The finished table.
  func finish(_ builder: CohortBuilder) throws(SiteDataError) -> CohortTable {
    do {
      return try builder.finish()
    } catch {
      throw translate(error)
    }
  }

  /// A fault of the cohort as a fault of this file.
  private func translate(_ error: CohortError) -> SiteDataError {
    let path = description.file
    switch error.code {
    case .missingColumn:
      return missing(error.name, detail: error.detail)
    case .unitMismatch:
      return SiteDataError(
        .unitMismatch, file: path, columnName: error.name, message: error.detail,
        advice: "correct `unit` in site.yaml, or ask for a study that uses this unit")
    case .duplicateColumn:
      return SiteDataError(
        .duplicateColumn, file: path, columnName: error.name, message: error.message,
        advice: "rename one of them")
    case .raggedRow:
      return SiteDataError(
        .raggedRow, file: path, row: error.row, message: error.message,
        advice: Self.advice(.raggedRow))
    case .badSpecification, .shapeMismatch, .tooLarge:
      return SiteDataError(
        .unsuitable, file: path, columnName: error.name.isEmpty ? nil : error.name,
        message: error.detail.isEmpty ? error.message : "\(error.message): \(error.detail)",
        advice: "check the study's cohort section")
    }
  }
}
