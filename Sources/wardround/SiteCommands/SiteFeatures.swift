import ArgumentParser
import Foundation
import Records
import SiteData

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

  @Option(help: "What to make: a study file, or a recipe of its `records` section alone.")
  var recipe: String
  @Option(help: "Where the records are and how they are read (YAML).")
  var records: String
  @Option(help: "Where the file names in it start; its own folder when absent.")
  var folder: String?
  @Option(help: "The table to write (CSV).")
  var out: String
  @Option(help: "Threads that read and write; one for each processor when absent.")
  var threads: Int?
  @Flag(help: "Without the outcome: a table of patients to predict on.")
  var forPrediction = false
  @Flag(help: "No progress on standard error.")
  var quiet = false

  func run() async throws {
    try await CommandFailure.reporting {
      var recipe = try RecipeFile.read(recipe)
      if forPrediction { recipe.outcome = nil }
      let description = try RecordsDescription.read(path: records, folder: folder)
      let start = ContinuousClock.now
      let isTerminal = isatty(STDERR_FILENO) == 1 && !quiet
      var shown = start
      let threads = try ReadingThreads.checked(threads)
      let extraction = try FeatureExtraction(recipe, description, threads: threads) {
        pass, passCount, count in
        let now = ContinuousClock.now
        guard isTerminal, now - shown > .milliseconds(200) else { return }
        shown = now
        let rate = Double(count) / max(0.001, (now - start).inSeconds)
        let text =
          "\r\u{1B}[Kpass \(pass) of \(passCount): \(count) events, \(Int(rate)) per second"
        FileHandle.standardError.write(Data(text.utf8))
      }
      if isTerminal { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
      try Self.write(extraction, threads: threads, to: out)
      print(extraction.summary(), terminator: "")
      print("\(extraction.table.rowCount) rows written to \(out)")
    }
  }

  /// Writes beside the target and moves it there when it is complete.
  private static func write(_ extraction: FeatureExtraction, threads: Int, to path: String) throws {
    let partial = path + ".part"
    let files = FileManager.default
    guard files.createFile(atPath: partial, contents: nil, attributes: [.posixPermissions: 0o600]),
      let handle = FileHandle(forWritingAtPath: partial)
    else { throw ValidationError("`\(partial)` cannot be written; check the folder") }
    try extraction.forEachPart(threads: threads) { (bytes) throws(any Error) in
      try handle.write(contentsOf: Data(bytes))
    }
    try handle.close()
    // Replaces what is there in one step: there is always a whole table, the old or the new one.
    guard rename(partial, path) == 0 else {
      throw ValidationError("`\(path)` cannot be replaced; the new table is in `\(partial)`")
    }
  }
}
