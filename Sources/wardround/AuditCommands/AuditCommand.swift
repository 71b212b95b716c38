import ArgumentParser
import Cohort
import Foundation
import PrivacyAudit
import SiteData
import Study

/// `wardround audit`
struct AuditCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Attack a study's privacy on a replica and set the result beside the proof.",
    discussion: """
      Runs the study's own program over copies of the data in this process, many times: with \
      canaries at the released vectors and as patients, with one patient more or less, with shadow \
      models for a membership attack, and rebuilding patients from what a site sends. No real study \
      and no published model is touched. Exit code 1 when a lower bound is above what is proven.
      """)

  @Option(help: "The study's folder, or its study.yaml.")
  var study: String
  @Option(help: "A folder with one CSV per site, or one CSV file with --site-column.")
  var data: String
  @Option(help: "Column that names the site, when the data are one file.")
  var siteColumn: String?
  @Option(help: "Audit a replica with this epsilon instead of the study's own.")
  var epsilon: Double?
  @Option(help: "The delta that goes with --epsilon.")
  var delta = 1e-5
  @Option(help: "Canaries at the released vectors; without it, enough to show missing noise.")
  var canaries: Int?
  @Option(help: "Canaries that are patients with extreme values.")
  var patients = 800
  @Option(help: "Shadow models of the membership attack; 0 for none.")
  var shadow = 64
  @Option(help: "Runs of each release with, and without, one patient; 0 for none.")
  var releases = 10_000
  @Option(help: "Patients to rebuild; 0 for none.")
  var targets = 200
  @Option(help: "Seed of everything random.")
  var seed: UInt64 = 1
  @Flag(help: "End in one JSON object on standard output.")
  var json = false
  @Option(help: "Also write the JSON to this file, for a report.")
  var out: String?

  func run() async throws {
    try await CommandFailure.reporting {
      let input = try StudyInput(study: study)
      let plan = try audited(input.plan)
      let cohorts = try await cohorts(input, plan)
      let agreed = AgreedStudy(plan: plan, sites: cohorts.keys.sorted(), disclosures: [])
      let display = ProgressDisplay()
      let audit = try PrivacyAudit(
        agreed, cohorts: cohorts,
        settings: AuditSettings(
          canaryCount: canaries, patientCanaryCount: patients, shadowCount: shadow,
          releaseRunCount: releases, inversionTargetCount: targets, seed: seed,
          hasNoise: !Self.noiseIsSwitchedOff)
      ) { display.show(Self.progress($0)) }
      let facts = try await audit.run()
      display.finish()
      if let out { try write(facts, to: out) }
      if json {
        try Output.json(facts)
      } else {
        for line in facts.textLines { print(line) }
      }
      if !facts.isPassed { throw ExitStatus.failed }
    }
  }

  /// The plan with the goal that is to be audited.
  private func audited(_ plan: StudyPlan) throws -> StudyPlan {
    guard let epsilon else { return plan }
    guard epsilon >= 0.01, epsilon <= 50, delta >= 1e-12, delta <= 0.01 else {
      throw ValidationError("epsilon is 0.01 to 50 and delta 1e-12 to 0.01")
    }
    var plan = plan
    plan.privacy.goal = PrivacyGoal(
      epsilon: epsilon, delta: delta, linkedSites: plan.privacy.goal?.linkedSites ?? 1)
    // What cannot be released with noise is left out of the replica.
    plan.validation.disclosures = []
    return plan
  }

  private func cohorts(
    _ input: StudyInput, _ plan: StudyPlan
  ) async throws -> [String: CohortTable] {
    var cohorts: [String: CohortTable] = [:]
    for (site, load) in try input.sources(in: data, by: siteColumn).loaders {
      cohorts[site] = try await load(plan)
    }
    return cohorts
  }

  private func write(_ facts: AuditFacts, to file: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
    do {
      try encoder.encode(facts).write(to: URL(filePath: file), options: .atomic)
    } catch {
      throw ValidationError("`\(file)` cannot be written; check the folder and its permissions")
    }
  }

  /// `shadow models, 3 of 64` as progress of the part `shadow models`.
  private static func progress(_ words: String) -> StageProgress {
    let numbers = words.split(separator: " ").compactMap { Double($0) }
    let share =
      numbers.count >= 2 ? (numbers[numbers.count - 2] - 1) / max(numbers[numbers.count - 1], 1) : 0
    let part = words.split(separator: ",").first.map(String.init) ?? words
    return StageProgress(stage: part, detail: words, fraction: min(max(share, 0), 1))
  }

  /// The test fault `no-noise`: the replica runs without noise, which the audit has to find. It exists
  /// in debug builds only, and only on a replica.
  private static var noiseIsSwitchedOff: Bool {
    #if DEBUG
      ProcessInfo.processInfo.environment["WARDROUND_TEST_FAULT"] == "no-noise"
    #else
      false
    #endif
  }
}
