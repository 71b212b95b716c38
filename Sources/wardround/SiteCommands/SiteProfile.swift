import ArgumentParser
import Foundation
import Records
import SiteData

/// `wardround site profile`
struct SiteProfile: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile",
    abstract: "Look at the hospital's own records before a study.",
    discussion: """
      Names units that do not fit their values, patients and records that are there twice, code \
      systems, codes that belong to no variable, and features that know the outcome. Prints counts \
      and code names, never a patient's value or identifier; nothing leaves the hospital.
      """)

  @Option(help: "A study file, or a recipe of its `records` section alone.")
  var recipe: String
  @Option(help: "Where the records are and how they are read (YAML).")
  var records: String
  @Option(help: "Where the file names in it start; its own folder when absent.")
  var folder: String?
  @Option(help: "Threads that read; one for each processor when absent.")
  var threads: Int?

  func run() async throws {
    try await CommandFailure.reporting {
      let recipe = try RecipeFile.read(recipe)
      let description = try RecordsDescription.read(path: records, folder: folder)
      let threads = try ReadingThreads.checked(threads)
      print(try RecordsSurvey.text(recipe, description, threads: threads), terminator: "")
    }
  }
}
