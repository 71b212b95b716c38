import ArgumentParser
import Foundation
import Site
import SiteData
import Store
import Study

/// `wardround site studies`
struct SiteStudies: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "studies", abstract: "List the studies that were proposed to this site.")

  @OptionGroup var folder: SiteFolder
  @Flag(help: "Print one JSON object.")
  var json = false

  private struct Row: Encodable {
    var study: String
    var title: String
    var status: String
    var decidedBy: String?
    var reason: String?
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let store = try folder.store(try folder.configuration())
      let rows = try await store.studies().map {
        Row(
          study: $0.id, title: $0.name, status: $0.status.rawValue, decidedBy: $0.decidedBy,
          reason: $0.reason)
      }
      if json { return try Output.json(["studies": rows]) }
      guard !rows.isEmpty else { return print("No study has been proposed to this site yet.") }
      Output.table(
        ["study", "status", "decided by", "title"],
        rows.map { [$0.study, $0.status, $0.decidedBy ?? "–", $0.title] })
    }
  }
}

/// `wardround site review`
struct SiteReview: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "review",
    abstract: "Say in words and numbers what a study would take out of this hospital.")

  @OptionGroup var folder: SiteFolder
  @Argument(help: "The study's name.")
  var study: String

  func run() async throws {
    try await CommandFailure.reporting {
      let configuration = try folder.configuration()
      let store = try folder.store(configuration)
      guard let stored = try await store.study(study) else {
        throw ValidationError("no study `\(study)` was proposed to this site")
      }
      let plan = try StudyPlan(yaml: stored.planText, file: "study.yaml")
      var rowCount: Int?
      var problem: String?
      do throws(SiteDataError) {
        rowCount = try await SiteData.loading(
          configuration, cohort: plan.cohort, recipe: plan.records
        ).rowCount
      } catch {
        problem = error.description
      }
      let sheet = ReviewSheet(
        plan: plan, policy: SitePolicy(configuration.policy), site: configuration.site,
        rowCount: rowCount, minimumCell: configuration.policy.minimumCell,
        ledgerLines: try await PrivacyLedger(
          store: store, budget: configuration.policy.privacy
        ).lines(for: plan), dataProblem: problem)
      print(sheet.text)
    }
  }
}

/// The decision options that approving and refusing share.
struct DecisionOptions: ParsableArguments {
  @OptionGroup var folder: SiteFolder
  @Argument(help: "The study's name.")
  var study: String
  @Option(help: "Who decides, for the audit log.")
  var by = NSUserName()

  /// Writes the decision; the running agent sends it.
  func decide(approved: Bool, reason: String?) async throws {
    let configuration = try folder.configuration()
    let store = try folder.store(configuration)
    guard let stored = try await store.study(study) else {
      throw ValidationError("no study `\(study)` was proposed to this site")
    }
    let plan = try StudyPlan(yaml: stored.planText, file: "study.yaml")
    if approved {
      let ledger = PrivacyLedger(store: store, budget: configuration.policy.privacy)
      let objections =
        try await SitePolicy(configuration.policy).objections(to: plan)
        + ledger.objections(to: plan)
      guard objections.isEmpty else {
        for objection in objections { print("- \(objection)") }
        print("The local policy in site.yaml does not allow this study; nothing was approved.")
        throw ExitStatus.refused
      }
    }
    try await store.decide(
      study, planDigest: stored.planDigest, approved: approved, by: by, reason: reason)
    print("\(study): \(approved ? "approved" : "refused") by \(by).")
  }
}

/// `wardround site approve`
struct SiteApprove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve", abstract: "Approve a study, as it was reviewed.")

  @OptionGroup var decision: DecisionOptions

  func run() async throws {
    try await CommandFailure.reporting { try await decision.decide(approved: true, reason: nil) }
  }
}

/// `wardround site refuse`
struct SiteRefuse: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "refuse", abstract: "Refuse a study.")

  @OptionGroup var decision: DecisionOptions
  @Option(help: "Why, for the researcher.")
  var reason: String

  func run() async throws {
    try await CommandFailure.reporting {
      try await decision.decide(approved: false, reason: reason)
    }
  }
}
