import ArgumentParser
import Foundation
import Records
import SiteData
import Study

/// `wardround site features`
struct SiteFeatures: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "features",
    abstract: "Make the feature table of a recipe from the hospital's own records.",
    discussion: """
      Reads OMOP databases, FHIR exports, long and wide CSV and the PhysioNet challenges as \
      records.yaml says. The table holds patients' rows: it is written for this account only, and \
      nothing leaves the hospital.
      """)

  @OptionGroup var reading: ReadingOptions
  @Option(help: "The table to write (CSV).")
  var out: String
  @Option(
    help: "Instead a regular grid for sequence learners: the length of a step, as \"1 h\".")
  var grid: String?
  @Option(help: "How far a grid looks back from the prediction; to the index event when absent.")
  var span: String?
  @Option(help: "For how long a grid carries a value forward; for ever when absent.")
  var carry: String?
  @Flag(help: "Without the outcome: a table of patients to predict on.")
  var forPrediction = false

  func validate() throws {
    guard grid != nil || (span == nil && carry == nil) else {
      throw ValidationError("--span and --carry belong to --grid")
    }
  }

  func run() async throws {
    try await CommandFailure.reporting {
      var (recipe, description) = try reading.read()
      if forPrediction { recipe.outcome = nil }
      let threads = try reading.threadCount()
      let display = reading.display()
      defer { display.finish() }
      let extraction = try FeatureExtraction(
        recipe, description, threads: threads, progress: display.show)
      display.finish()
      if let grid = try makeGrid(recipe, description, extraction) {
        let table = extraction.table
        try PrivateFile.write(to: out) { write in
          var text = grid.header
          for row in 0..<table.rowCount {
            text += grid.lines(table, row: row, isElapsed: extraction.isElapsed)
            if text.utf8.count > 1 << 20 {
              try write(Data(text.utf8))
              text = ""
            }
          }
          if !text.isEmpty { try write(Data(text.utf8)) }
        }
        let size = "\(grid.grid.stepCount) steps of \(grid.grid.variables.count) numbers"
        return print("\(table.rowCount) rows, \(size), written to \(out)")
      }
      try PrivateFile.write(to: out) { write in
        try extraction.forEachPart(threads: threads) { (bytes) throws(any Error) in
          try write(Data(bytes))
        }
      }
      print(extraction.summary(), terminator: "")
      print("\(extraction.table.rowCount) rows written to \(out)")
    }
  }

  /// The grid that is asked for; nil for none.
  private func makeGrid(
    _ recipe: RecordsRecipe, _ description: RecordsDescription, _ extraction: FeatureExtraction
  ) throws -> SequenceExtraction? {
    guard let grid else { return nil }
    func seconds(_ text: String, _ option: String) throws -> Int64 {
      guard let seconds = RecordsRecipe.seconds(text), seconds > 0 else {
        throw ValidationError("\(option) is a number and s, min, h or d, as \"1 h\"")
      }
      return seconds
    }
    return try SequenceExtraction(
      recipe, description, undeclared: extraction.undeclaredDiagnoses,
      step: try seconds(grid, "--grid"), span: try span.map { try seconds($0, "--span") },
      maximumAge: try carry.map { try seconds($0, "--carry") })
  }
}
