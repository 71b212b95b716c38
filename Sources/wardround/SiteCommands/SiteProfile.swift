import ArgumentParser
import Foundation
import Records
import SiteData
import StrictYAML
import Study

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

  @Option(help: "The recipe (YAML).")
  var recipe: String
  @Option(help: "Where the records are and how they are read (YAML).")
  var records: String

  func run() async throws {
    try await CommandFailure.reporting {
      let recipe = try RecordsRecipe(
        yaml: YAMLDocument(text: try InputFile.text(self.recipe), file: self.recipe).root)
      let folder = URL(filePath: records).deletingLastPathComponent().path
      let description = try RecordsDescription(
        yaml: YAMLDocument(text: try InputFile.text(records), file: records).root, folder: folder)
      print(try RecordsSurvey.text(recipe, description), terminator: "")
    }
  }
}
