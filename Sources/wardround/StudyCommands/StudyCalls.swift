import ArgumentParser
import Foundation
import Reports
import Simulation
import Site
import Study
import Transport

/// The folder of a researcher who has joined.
struct ResearcherFolder: ParsableArguments {
  @Option(name: [.customLong("directory"), .customShort("d")], help: "The researcher's folder.")
  var path = "researcher"

  func client() throws -> ResearcherClient { try MemberDirectory(path).researcherClient() }
}

/// `wardround study submit`
struct StudySubmit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit", abstract: "Propose a study to every hospital of the network.")

  @OptionGroup var folder: ResearcherFolder
  @Argument(help: "The study file.")
  var file: String
  @Flag(help: "Follow the study until it ends.")
  var watch = false

  func run() async throws {
    try await CommandFailure.reporting {
      let text = try InputFile.text(file)
      // Checked here first, so that mistakes are named with their line before anything is sent.
      let plan = try StudyPlan(yaml: text, file: file)
      if let obstacle = plan.task.obstacle {
        throw StudyError(.invalidPlan, "\(file): \(obstacle)")
      }
      let client = try folder.client()
      let id = try await client.propose(name: plan.title, document: text)
      print("Proposed \(id). The hospitals decide with `wardround site review \(id)`.")
      if watch { try await StudyWatch.follow(id, client: client) }
    }
  }
}

/// `wardround study list`
struct StudyList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the studies of the network.")

  @OptionGroup var folder: ResearcherFolder

  func run() async throws {
    try await CommandFailure.reporting {
      let studies = try await folder.client().studies()
      Output.table(
        ["study", "state", "title", ""],
        studies.map { [$0.study, $0.state, $0.name, $0.detail] })
    }
  }
}

/// `wardround study watch`
struct StudyWatch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch", abstract: "Follow a study until it ends.")

  @OptionGroup var folder: ResearcherFolder
  @Argument(help: "The study's name.")
  var study: String

  func run() async throws {
    try await CommandFailure.reporting {
      try await Self.follow(study, client: folder.client())
    }
  }

  /// Shows progress until the end; throws `failed` when the study stopped.
  static func follow(_ study: String, client: ResearcherClient) async throws {
    let display = ProgressDisplay()
    let last = LastEvent()
    _ = try await client.watch(study: study) { event in
      if event.stage == "propose" || event.stage == "approve" || event.stage == "warning" {
        display.say("\(event.stage): \(event.message)")
      } else {
        display.show(
          StageProgress(stage: event.stage, detail: event.message, fraction: event.fraction))
      }
      if event.finalState != nil { await last.set(event.stage, event.message) }
    }
    display.finish()
    let (state, message) = await last.value
    display.say("\(study): \(state). \(message)")
    guard state == "finished" else { throw ExitStatus.failed }
  }
}

/// The event a study ended with.
actor LastEvent {
  private(set) var value = (
    state: "stopped",
    message: "the aggregator closed the connection before the study ended; look again with"
      + " `wardround study watch`"
  )

  func set(_ state: String, _ message: String) { value = (state, message) }
}

/// `wardround study fetch`
struct StudyFetch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch",
    abstract: "Fetch report, JSON twin, model files and transcript of a finished study.")

  @OptionGroup var folder: ResearcherFolder
  @Argument(help: "The study's name.")
  var study: String
  @Option(help: "Folder to write to; the study's name when absent.")
  var to: String?

  func run() async throws {
    try await CommandFailure.reporting {
      let target = to ?? study
      try FileManager.default.createDirectory(
        atPath: target, withIntermediateDirectories: true)
      let client = try folder.client()
      // The JSON twin names the models, and so the other files.
      try await fetch("report.json", to: target, client)
      let result = try StudyReportFile.read("\(target)/report.json")
      for name in StudyFiles.names(of: result) where name != "report.json" {
        try await fetch(name, to: target, client)
      }
    }
  }

  private func fetch(_ name: String, to target: String, _ client: ResearcherClient) async throws {
    let collected = Collected()
    try await client.fetch(study: study, artefact: name) { await collected.add($0) }
    try Data(await collected.bytes).write(
      to: URL(fileURLWithPath: "\(target)/\(name)"), options: .atomic)
    print("\(target)/\(name)")
  }
}

/// The pieces of a file.
actor Collected {
  private(set) var bytes: [UInt8] = []

  func add(_ piece: [UInt8]) { bytes += piece }
}
