import ArgumentParser
import Foundation
import Reports
import SiteData

/// `wardround site explain`
struct SiteExplain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Say why a model gives one of the hospital's patients a risk, or predicts a value.",
    discussion: """
      Reads the hospital's own data as site.yaml declares them and prints a card in clinical units, on \
      this terminal only: nothing is sent, logged or written.
      """)

  @OptionGroup var folder: SiteFolder
  @Argument(help: "The model file.")
  var model: String
  @Option(help: "The patient's identifier, as in the site's patient column; the first row counts.")
  var patient: String
  @Option(help: "Features shown.")
  var features = 12

  func validate() throws {
    guard features >= 1 else { throw ValidationError("--features is at least 1") }
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let file = try ModelInput.read(model)
      guard let data = try folder.configuration().data else {
        throw ValidationError(
          "site.yaml names no table; make one with `wardround site features --for-prediction` and name"
            + " it under `data`")
      }
      guard let column = data.patientColumn else {
        throw ValidationError("site.yaml names no `patient_id` column; add it to find a patient")
      }
      let (table, identifiers) = try SiteData.loadForPrediction(
        data, features: file.features, identifierColumn: column)
      guard let row = identifiers.firstIndex(of: patient) else {
        throw ValidationError("the data have no such patient in the column `\(column)`")
      }
      let card = try PatientCard(file, table: table, row: row)
      for line in card.text(limit: features) { print(line) }
    }
  }
}
