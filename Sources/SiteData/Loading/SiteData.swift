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
    guard let data = site.data else {
      throw SiteDataError(
        .unsuitable, file: "site.yaml",
        message: "the study reads a table and `data` names no file",
        advice: "add `file:` and its columns under `data`")
    }
    var cohort = cohort
    if cohort.patientColumn == nil { cohort.patientColumn = data.patientColumn }
    return try load(data, cohort: cohort)
  }

  /// The study's cohort from one described file.
  public static func load(
    _ data: DataDescription, cohort: CohortSpecification
  ) throws(SiteDataError) -> CohortTable {
    var file = try DataFile(data)
    var builder = try file.builder(cohort, .study)
    while let (row, fields) = try file.nextRow() { try file.append(fields, row, to: &builder) }
    return try file.finish(builder)
  }

  /// The rows of a file for prediction: every row in order, only the features' columns needed.
  ///
  /// - Parameter identifierColumn: a column whose texts are returned beside the table, to label the
  ///   predictions; nil gives the row numbers.
  public static func loadForPrediction(
    _ data: DataDescription, features: [FeatureSpecification], identifierColumn: String? = nil
  ) throws(SiteDataError) -> (table: CohortTable, identifiers: [String]) {
    var reader = try PredictionReader(
      data, features: features, identifierColumn: identifierColumn, blockRows: .max)
    if let block = try reader.next() { return (block.table, block.identifiers) }
    return (try reader.emptyTable(), [])
  }

  /// The cohorts of the sites that share one file, told apart by a column: for simulations on a
  /// researcher's own machine.
  ///
  /// - Returns: one entry per word of the column, in the order of the words' Unicode scalars; rows
  ///   without a word are left out and counted in `withoutSite`.
  public static func loadSplit(
    _ data: DataDescription, by siteColumn: String, cohort: CohortSpecification
  ) throws(SiteDataError) -> (sites: [(name: String, table: CohortTable)], withoutSite: Int) {
    var file = try DataFile(data)
    let empty = try file.builder(cohort, .study)
    guard let index = try file.index(of: siteColumn, detail: "to tell the sites apart") else {
      return ([], 0)
    }
    var builders: [String: CohortBuilder] = [:]
    var withoutSite = 0
    while let (row, fields) = try file.nextRow() {
      let name = CellText.canonical(fields[index])
      guard !CellText.isStandardMissing(name) else {
        withoutSite += 1
        continue
      }
      guard builders[name] != nil || builders.count < maximumSites else {
        throw SiteDataError(
          .unsuitable, file: data.file, row: row, columnName: siteColumn,
          message: "the column has more than \(maximumSites) different words",
          advice: "choose the column that names the hospital")
      }
      try file.append(fields, row, to: &builders[name, default: empty])
    }
    var sites: [(name: String, table: CohortTable)] = []
    let names = builders.keys.sorted {
      $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars)
    }
    for name in names {
      guard let builder = builders[name] else { continue }
      sites.append((name, try file.finish(builder)))
    }
    return (sites, withoutSite)
  }

  /// The most sites in one file.
  public static let maximumSites = 1000
}
