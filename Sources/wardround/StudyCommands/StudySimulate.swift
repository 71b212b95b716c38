import ArgumentParser
import Foundation
import Reports
import Simulation
import Site
import Study

/// `wardround study simulate`
struct StudySimulate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Run a study in one process, with every site's protocol code over memory.",
    discussion: """
      A researcher's sandbox: real secure sums and databases, no network and no certificates. The \
      data are a folder with one file per site, or one file with --site-column. For a study that \
      starts from records: a folder with one folder of records, or one SITE.yaml, per site; or one \
      folder of records with --site-column, a feature of the study's recipe. A records.yaml beside \
      the study says how each folder is read.
      """)

  @Option(help: "The study's folder, or its study.yaml.")
  var study: String
  @Option(help: "A folder with one file or folder per site, or one of them with --site-column.")
  var data: String
  @Option(help: "Column that names the site, when the data are one file.")
  var siteColumn: String?
  @Option(help: "Folder for databases, report, model and transcript.")
  var output = "simulation"
  @Flag(help: "End in one JSON object on standard output.")
  var json = false
  @Flag(help: "Show what the aggregator and the sites log.")
  var verbose = false

  func run() async throws {
    try await CommandFailure.reporting {
      let input = try StudyInput(study: study)
      let sources = try input.sources(in: data, by: siteColumn)
      let folder = try freshFolder()
      let showsLog = verbose
      let display = ProgressDisplay()
      if let obstacle = input.plan.task.obstacle { display.say("warning: \(obstacle)") }
      let simulation = try Simulation(
        sites: input.naming(sources.loaders) { display.say($0) }, folder: folder,
        policy: SitePolicy(
          minimumCohort: 1, minimumCell: 1, disclosures: Set(Disclosure.allCases),
          autoApprove: true),
        log: { if showsLog { ServiceLog.write($0) } })
      let clock = StageClock()
      let outcome = try await simulation.run(input.text) { progress in
        if progress.stage == "warning" {
          display.say("warning: \(progress.detail)")
        } else {
          clock.enter(progress.stage)
          display.show(progress)
        }
      }
      display.finish()
      try StudyEnding.show(
        outcome.result, folder: outcome.folder, sites: sources.sites, clock: clock, json: json)
    }
  }

  /// A folder of its own for each run, so that no earlier database is taken up.
  private func freshFolder() throws -> String {
    var folder = output
    var number = 1
    while FileManager.default.fileExists(atPath: folder) {
      number += 1
      folder = "\(output)-\(number)"
    }
    return folder
  }
}

/// What a command that ran a study to its end prints.
enum StudyEnding {
  static func show(
    _ result: StudyResult, folder: String, sites: [StudyInput.Source], clock: StageClock,
    json: Bool
  ) throws {
    let outcome = StudyOutcomeJSON(result, folder: folder, sources: sites, stages: clock)
    if json { return try Output.json(outcome) }
    let provenance = ReportProvenance(
      softwareVersion: StudyFiles.softwareVersion, transcriptDigest: "", generatedAt: "")
    for line in TextSummary.lines(result, provenance: provenance) { print(line) }
    print("\nReport: \(outcome.report)")
  }
}
