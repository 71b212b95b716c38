import Cohort

/// Reads a hospital's file as the cohort of a study. Rows stop here.
public enum SiteData {
  /// The study's cohort from the site's data.
  ///
  /// Reads the file once, row by row. A row that is not well formed stops the reading with its
  /// place: nothing is dropped in silence; `SiteCheck` lists all such rows.
  public static func load(
    _ site: SiteConfiguration, cohort: CohortSpecification
  ) throws(SiteDataError) -> CohortTable {
    var cohort = cohort
    if cohort.patientColumn == nil { cohort.patientColumn = site.data.patientColumn }
    return try load(site.data, cohort: cohort)
  }

  /// The study's cohort from one described file.
  public static func load(
    _ data: DataDescription, cohort: CohortSpecification
  ) throws(SiteDataError) -> CohortTable {
    try read(data, cohort, .study).table
  }

  /// The rows of a file for prediction: every row in order, only the features' columns needed.
  ///
  /// - Parameter identifierColumn: a column whose texts are returned beside the table, to label the
  ///   predictions; nil gives the row numbers.
  public static func loadForPrediction(
    _ data: DataDescription, features: [FeatureSpecification], identifierColumn: String? = nil
  ) throws(SiteDataError) -> (table: CohortTable, identifiers: [String]) {
    let specification = CohortSpecification(
      features: features,
      outcome: OutcomeSpecification(column: "\u{0}outcome", positive: .oneOf(["1"]), name: ""),
      holdout: .column(name: "\u{0}", holdoutValue: ""))
    return try read(data, specification, .prediction, identifierColumn: identifierColumn)
  }

  private static func read(
    _ data: DataDescription, _ cohort: CohortSpecification, _ purpose: CohortBuilder.Purpose,
    identifierColumn: String? = nil
  ) throws(SiteDataError) -> (table: CohortTable, identifiers: [String]) {
    var file = try DataFile(data)
    var builder: CohortBuilder
    do {
      builder = try CohortBuilder(cohort, columns: file.sourceColumns(), purpose: purpose)
    } catch {
      throw translate(error, file)
    }
    var identifierIndex: Int?
    if let identifierColumn {
      guard let index = file.columns.firstIndex(where: { $0.name == identifierColumn }) else {
        throw file.missing(identifierColumn, detail: "to label the predictions")
      }
      identifierIndex = index
    }
    var identifiers: [String] = []
    var row = 0
    while let record = try file.reader.next() {
      row += 1
      if let fault = record.faults.first {
        throw SiteDataError(
          fault.code, file: data.file, row: row, line: record.line, column: fault.column,
          columnName: fault.column <= file.columns.count
            ? file.columns[fault.column - 1].name : nil,
          message: "the field cannot be read", advice: DataFile.advice(fault.code))
      }
      guard record.fields.count == file.columns.count else {
        throw SiteDataError(
          .raggedRow, file: data.file, row: row, line: record.line,
          message: "the row has \(record.fields.count) fields and the file \(file.columns.count)"
            + " columns",
          advice: DataFile.advice(.raggedRow))
      }
      if purpose == .prediction {
        identifiers.append(identifierIndex.map { CellText.trim(record.fields[$0]) } ?? "\(row)")
      }
      do {
        try builder.append(file.normalised(record), sourceRow: row)
      } catch {
        throw translate(error, file)
      }
    }
    do {
      return (try builder.finish(), identifiers)
    } catch {
      throw translate(error, file)
    }
  }

  private static func translate(_ error: CohortError, _ file: DataFile) -> SiteDataError {
    let path = file.description.file
    switch error.code {
    case .missingColumn:
      return file.missing(error.name, detail: error.detail)
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
        advice: DataFile.advice(.raggedRow))
    case .badSpecification, .shapeMismatch, .tooLarge:
      return SiteDataError(
        .unsuitable, file: path, columnName: error.name.isEmpty ? nil : error.name,
        message: error.detail.isEmpty ? error.message : "\(error.message): \(error.detail)",
        advice: "check the study's cohort section")
    }
  }
}
