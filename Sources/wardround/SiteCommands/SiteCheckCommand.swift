import ArgumentParser
import Foundation
import Records
import SiteData
import StrictYAML
import Study

/// `wardround site check`
struct SiteCheckCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Read the data as site.yaml declares it and explain every problem.",
    discussion: """
      Names file, row and column and says what to do; never prints a patient's value. With --study, \
      also makes the table of a study that starts from records: the flow, what cleaning did, units \
      that do not fit, patients that are there twice, features that know the outcome.
      """)

  @OptionGroup var folder: SiteFolder
  @Option(help: "A study that was proposed to this site, or a study file.")
  var study: String?
  @Flag(help: "Name every row of a problem, not the first 20.")
  var all = false
  @Flag(help: "Print one JSON object, with every row of a problem.")
  var json = false
  @Flag(help: "No progress on standard error.")
  var quiet = false

  private struct Both: Encodable {
    var table: CheckReport?
    var records: RecordsCheck
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let configuration = try folder.configuration()
      let table = SiteCheck.run(configuration)
      let display = ReadingDisplay(quiet: quiet || json)
      let records = RecordsCheck.run(configuration, progress: display.show)
      display.finish()
      switch (table, records) {
      case (let table?, nil): print(json ? try table.json() : table.text(namesAll: all))
      case (_, let records?):
        if json {
          try Output.json(Both(table: table, records: records))
        } else {
          if let table { print(table.text(namesAll: all)) }
          print(records.text())
        }
      case (nil, nil): break
      }
      guard table?.isUsable ?? true, records?.isUsable ?? true else { throw ExitStatus.failed }
      if let study, !json { try await check(study, configuration) }
    }
  }

  /// What the recipe of a study makes of the records.
  private func check(_ study: String, _ configuration: SiteConfiguration) async throws {
    let plan: StudyPlan
    if FileManager.default.fileExists(atPath: study) {
      plan = try StudyInput(study: study).plan
    } else {
      guard let stored = try await folder.store(configuration).study(study) else {
        throw ValidationError(
          "no study `\(study)` was proposed to this site, and no file has this name")
      }
      plan = try StudyPlan(yaml: stored.planText, file: "study.yaml")
    }
    guard let recipe = plan.records else {
      let table = try SiteData.load(configuration, cohort: plan.cohort)
      print("The table gives \(table.rowCount) rows of the study \(plan.id).")
      guard let data = configuration.data else { return }
      let suspects = try SplitScan.run(
        data, table: table, patientColumn: plan.cohort.patientColumn ?? data.patientColumn,
        minimumCell: configuration.policy.minimumCell)
      print("\nLeak scan")
      print(suspects.isEmpty ? "  nothing" : suspects.map { "  \($0)" }.joined(separator: "\n"))
      return
    }
    guard let records = configuration.records else {
      throw ValidationError(
        "the study \(plan.id) starts from records and site.yaml names none; add `records:` under `data`"
      )
    }
    let display = ReadingDisplay(quiet: quiet)
    defer { display.finish() }
    let summary = try FeatureExtraction(recipe, records, progress: display.show).summary()
    display.finish()
    print(summary)
    let second = ReadingDisplay(quiet: quiet)
    defer { second.finish() }
    let survey = try RecordsSurvey.run(recipe, records, progress: second.show)
    second.finish()
    print(survey.text, terminator: "")
  }
}
