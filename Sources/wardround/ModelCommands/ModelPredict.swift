import ArgumentParser
import Foundation
import Records
import Reports
import SiteData

/// `wardround model predict`
struct ModelPredict: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Apply a model file to patients: one risk per row, and the values it predicts.",
    discussion: """
      The patients are a CSV, the records of a hospital (--records), or what a site.yaml names (--site). \
      A CSV has a header with the study's column names, in the study's units. Of records, the recipe \
      inside the model file makes the features; nothing else of the study is needed. Missing values are \
      imputed as the study froze it; trees send them the way they learnt. Cells that cannot be used as \
      they stand are counted on standard error, with column and rows, beside the digest of the frozen \
      transform. Writes CSV to standard output: the identifier (or the row; of records the subject and \
      its index time), the risk, and whether it reaches the study's threshold. A model of a number or a \
      count adds the column `predicted`, in the outcome's unit; a model of classes one column \
      `probability of CLASS` for each. Writes a block of rows at a time; a row that is not well formed ends it with an error and exit code 2.
      """)

  @Argument(help: "The model file.")
  var model: String
  @Argument(help: "The CSV with the patients.")
  var csv: String?
  @Option(
    help: "The patients' records: a folder with a records.yaml, or a file that describes them.")
  var records: String?
  @Option(help: "Where the file names in --records start; its own folder when absent.")
  var folder: String?
  @Option(help: "A site.yaml or the folder of one: its `data` section says where the patients are.")
  var site: String?
  @Option(help: "Column of a CSV to copy as the identifier; the row's number when absent.")
  var identifier: String?

  func validate() throws {
    guard [csv, records, site].count(where: { $0 != nil }) == 1 else {
      throw ValidationError("name the patients once: a CSV, --records or --site")
    }
    guard folder == nil || records != nil else {
      throw ValidationError("--folder says where the files of --records are; add --records")
    }
    guard identifier == nil || records == nil else {
      throw ValidationError(
        "rows of records are labelled by subject and index time; leave --identifier out")
    }
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let file = try ModelInput.read(model)
      if let digest = file.preparationDigest { ServiceLog.note("transform \(digest.hex)") }
      if let csv {
        let path = csv.hasPrefix("/") ? csv : FileManager.default.currentDirectoryPath + "/" + csv
        return try predict(
          file,
          PredictionInput.description(path, features: file.features, identifier: identifier),
          identifier)
      }
      let data = try PatientSource(records: records, folder: folder, site: site)
      if let recipe = file.records, let records = data.records {
        try predict(file, recipe, records)
      } else if file.records == nil, let table = data.table {
        try predict(file, table, identifier ?? table.patientColumn)
      } else if file.records != nil {
        throw ValidationError(
          "the model makes its features of records and site.yaml names none; add `records:` under"
            + " `data`, or use --records")
      } else {
        throw ValidationError(
          "the model reads a table and these are records; make the study's table and give it as a CSV"
        )
      }
    }
  }

  /// Rows of a file.
  private func predict(
    _ file: AnyModelFile, _ data: DataDescription, _ identifier: String?
  ) throws {
    var reader = try PredictionReader(
      data, features: file.features, identifierColumn: identifier)
    try write(file, header: identifier ?? "row") { try reader.next() }
  }

  /// Rows made of records.
  private func predict(
    _ file: AnyModelFile, _ recipe: RecordsRecipe, _ records: RecordsDescription
  ) throws {
    var reader = try RecordsPredictionReader(records, recipe: recipe, features: file.features)
    for step in reader.extraction.table.flow {
      ServiceLog.note("\(step.name): \(step.rowCount)")
    }
    try write(file, header: "subject,index_time") { try reader.next() }
  }

  private func write(
    _ file: AnyModelFile, header: String, _ next: () throws -> PredictionReader.Block?
  ) throws {
    var unused = UnusedCells(file)
    // Said also when a row further on stops the reading.
    defer { for line in unused.lines { ServiceLog.note(line) } }
    let names = file.valueNames.map { "," + CSVWriter.field(PlainText.of($0)) }
    print("\(header),risk,flagged\(names.joined())")
    while let block = try next() {
      unused.add(block)
      let risks = try file.predict(table: block.table)
      let values = try file.values(table: block.table)
      for (row, risk) in risks.enumerated() {
        var label = CSVWriter.field(block.identifiers[row])
        if !block.indexTimes.isEmpty { label += "," + CSVWriter.field(block.indexTimes[row]) }
        let predicted = values[row].map { ",\($0)" }.joined()
        print("\(label),\(risk),\(risk >= file.threshold ? 1 : 0)\(predicted)")
      }
    }
  }
}

/// Where the patients of a prediction are, besides a CSV.
private struct PatientSource {
  var records: RecordsDescription?
  var table: DataDescription?

  init(records: String?, folder: String?, site: String?) throws {
    if let records {
      var isFolder: ObjCBool = false
      let exists = FileManager.default.fileExists(atPath: records, isDirectory: &isFolder)
      let path = exists && isFolder.boolValue ? "\(records)/records.yaml" : records
      self.records = try RecordsDescription.read(path: path, folder: folder)
    } else if let site {
      let isFile = site.hasSuffix(".yaml") || site.hasSuffix(".yml")
      let configuration = try SiteConfiguration.read(
        path: isFile ? site : "\(site)/site.yaml")
      self.records = configuration.records
      table = configuration.data
    }
  }
}
