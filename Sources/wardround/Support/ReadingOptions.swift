import ArgumentParser
import Records
import SiteData

/// What a command that reads a hospital's own records is given: what to make, where they are, and how they
/// are read.
struct ReadingOptions: ParsableArguments {
  @Option(help: "What to make: a study file, or a recipe of its `records` section alone.")
  var recipe: String
  @Option(help: "Where the records are and how they are read (YAML).")
  var records: String
  @Option(help: "Where the file names in it start; its own folder when absent.")
  var folder: String?
  @Option(help: "Threads that read and write; one for each processor when absent.")
  var threads: Int?
  @Flag(help: "No progress on standard error.")
  var quiet = false

  /// The recipe and the description of the records.
  func read() throws -> (recipe: RecordsRecipe, description: RecordsDescription) {
    (try RecipeFile.read(recipe), try RecordsDescription.read(path: records, folder: folder))
  }

  /// The number of threads asked for, or the machine's.
  func threadCount() throws -> Int {
    guard let threads else { return RecordsDescription.defaultThreads }
    guard (1...DelimitedSource.maximumThreads).contains(threads) else {
      throw ValidationError("--threads is 1 to \(DelimitedSource.maximumThreads)")
    }
    return threads
  }

  /// Shows how far the reading is, unless nobody wants it.
  func display() -> ReadingDisplay { ReadingDisplay(quiet: quiet) }
}
