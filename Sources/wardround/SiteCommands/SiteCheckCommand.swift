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
      that do not fit, patients that are there twice, features that know the outcome; of a study \
      over a table, columns that look like persons on both sides of the holdout.
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

  private struct Checks: Encodable {
    var table: CheckReport?
    var records: RecordsCheck?
    var study: StudyCheck?
  }

  /// What a study makes of the data. It stays at the site.
  private struct StudyCheck: Encodable {
    var study: String
    /// Rows of the study's table; nil where it starts from records.
    var rows: Int?
    /// Columns of the table that look like persons on both sides of the holdout, in words; nil where the
    /// study starts from records.
    var personsOnBothSides: [String]?
    /// The flow and what cleaning did, in words, of a study that starts from records.
    var summary: String?
    /// Profile and leak scan of its records, in words.
    var survey: String?

    var text: String {
      guard let rows else { return [summary, survey].compactMap { $0 }.joined(separator: "\n") }
      guard let suspects = personsOnBothSides else {
        return "The table gives \(rows) rows of the study \(study).\n"
      }
      let found = suspects.isEmpty ? ["nothing"] : suspects
      return "The table gives \(rows) rows of the study \(study).\n\nLeak scan\n"
        + found.map { "  \($0)\n" }.joined()
    }
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let configuration = try folder.configuration()
      let table = SiteCheck.run(configuration)
      let display = ReadingDisplay(quiet: quiet || json)
      let records = RecordsCheck.run(configuration, progress: display.show)
      display.finish()
      let isUsable = table?.isUsable ?? true && records?.isUsable ?? true
      if json {
        // An unusable table is not asked for a study's rows.
        let study =
          if isUsable, let study { try await check(study, configuration) } else { StudyCheck?.none }
        switch (table, records, study) {
        case (let table?, nil, nil): print(try table.json())
        case (nil, nil, nil): break
        default: try Output.json(Checks(table: table, records: records, study: study))
        }
      } else {
        if let table { print(table.text(namesAll: all)) }
        if let records { print(records.text()) }
      }
      guard isUsable else { throw ExitStatus.failed }
      if let study, !json {
        print(try await check(study, configuration).text, terminator: "")
      }
    }
  }

  /// What a study, or its recipe, makes of the data.
  private func check(_ study: String, _ configuration: SiteConfiguration) async throws -> StudyCheck
  {
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
      let suspects = try configuration.data.map { data in
        try SplitScan.run(
          data, table: table, patientColumn: plan.cohort.patientColumn ?? data.patientColumn,
          minimumCell: configuration.policy.minimumCell)
      }
      return StudyCheck(study: plan.id, rows: table.rowCount, personsOnBothSides: suspects)
    }
    guard let records = configuration.records else {
      throw ValidationError(
        "the study \(plan.id) starts from records and site.yaml names none; add `records:` under `data`"
      )
    }
    let display = ReadingDisplay(quiet: quiet || json)
    defer { display.finish() }
    let summary = try FeatureExtraction(recipe, records, progress: display.show).summary()
    display.finish()
    let second = ReadingDisplay(quiet: quiet || json)
    defer { second.finish() }
    let survey = try RecordsSurvey.run(recipe, records, progress: second.show)
    second.finish()
    return StudyCheck(study: plan.id, summary: summary, survey: survey.text)
  }
}
