import ArgumentParser
import Foundation
import Records
import Reports
import SiteData

/// What a clinician's IT types to use a model.
struct ModelCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Use a study's model file.",
    subcommands: [ModelPredict.self, ModelExport.self])
}

/// `wardround model predict`
struct ModelPredict: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict", abstract: "Apply a model file to a CSV: one risk per row.",
    discussion: """
      The CSV has a header with the study's column names, in the study's units. Missing values are \
      imputed as the study froze it; trees send them the way they learnt. Cells that cannot be used as \
      they stand are counted on standard error, with column and rows. Writes CSV to standard output: the identifier (or the row), \
      the risk, and whether it reaches the study's threshold. Reads and writes a block of rows at a time; \
      a row that is not well formed ends it with an error and exit code 2.
      """)

  @Argument(help: "The model file.")
  var model: String
  @Argument(help: "The CSV with the patients.")
  var csv: String
  @Option(help: "Column to copy as the identifier; the row's number when absent.")
  var identifier: String?

  func run() async throws {
    try await CommandFailure.reporting {
      let file = try AnyModelFile(decoding: InputFile.data(model))
      let path = csv.hasPrefix("/") ? csv : FileManager.default.currentDirectoryPath + "/" + csv
      var reader = try PredictionReader(
        PredictionInput.description(path, features: file.features, identifier: identifier),
        features: file.features, identifierColumn: identifier)
      var unused = UnusedCells(file)
      // Said also when a row further on stops the reading.
      defer { for line in unused.lines { ServiceLog.note(line) } }
      print("\(identifier ?? "row"),risk,flagged")
      while let block = try reader.next() {
        unused.add(block)
        let risks = try file.predict(table: block.table)
        for (name, risk) in zip(block.identifiers, risks) {
          print("\(CSVWriter.field(name)),\(risk),\(risk >= file.threshold ? 1 : 0)")
        }
      }
    }
  }
}
