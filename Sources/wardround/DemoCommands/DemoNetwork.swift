import ArgumentParser
import Foundation
import Simulation
import Site
import Study
import Transport

/// Makes a network of real processes, runs a study over it, and says what came out.
struct DemoNetwork {
  /// One hospital of the demo.
  struct Site: Sendable {
    var name: String
    var legalEntity: String
    /// Path of its data.
    var file: String
    /// The `data:` section of its site.yaml.
    var dataSection: String
  }

  let folder: DemoFolder
  let display: ProgressDisplay

  func run(
    _ input: StudyInput, sites: [Site], json: Bool, keepRunning: Bool
  ) async throws {
    let processes = DemoProcesses()
    let signals = processes.stopOnSignals()
    defer {
      for source in signals { source.cancel() }
      processes.stop()
    }
    let clock = StageClock()
    clock.enter("network")
    do {
      display.say("Making a network of \(sites.count) hospitals in \(folder.path)")
      try await startAggregator(processes)
      for site in sites { try await join(site, input.plan, processes) }
      let client = try await joinResearcher()
      display.say("All \(sites.count) hospitals have joined over mutual TLS.")
      clock.enter("propose")
      let id = try await client.propose(name: input.plan.title, document: document(of: input))
      try await approve(id, sites)
      try await follow(id, client, clock, processes)
      _ = try await DemoProcesses.command([
        "study", "fetch", id, "--directory", folder.researcher, "--to", folder.report,
      ])
    } catch let failure as DemoProcesses.Failure {
      FileHandle.standardError.write(Data("error: \(failure)\n".utf8))
      throw ExitStatus.failed
    }
    clock.enter("end")
    let result = try StudyReportFile.read("\(folder.report)/report.json")
    try StudyEnding.show(
      result, folder: folder.report, sites: sites.map { .init(site: $0.name, file: $0.file) },
      clock: clock, json: json)
    if keepRunning { processes.release() }
    if keepRunning, !json { print("The processes go on; logs are in \(folder.path).") }
  }

  /// The study as it is proposed. A network refuses one whose questions nobody has answered; a demonstration
  /// says so and goes on.
  private func document(of input: StudyInput) -> String {
    guard let obstacle = input.plan.task.obstacle else { return input.text }
    display.say("warning: \(obstacle)")
    return input.text.replacingOccurrences(
      of: TaskDescription.placeholder, with: "not answered, a demonstration",
      options: .caseInsensitive)
  }

  /// Why sites stopped, from their own logs. The others of a network do not see these; whoever runs a
  /// demonstration has every hospital's log in the folder.
  private func siteReasons(_ id: String) -> [String] {
    let logs = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return logs.sorted().filter { $0.hasSuffix(".log") && $0 != "aggregator.log" }.flatMap { name in
      let text = (try? String(contentsOfFile: "\(folder.path)/\(name)", encoding: .utf8)) ?? ""
      let lines = text.split(separator: "\n").filter {
        $0.contains("study \(id): cannot be taken up: ")
      }
      return Set(lines.compactMap { $0.components(separatedBy: "cannot be taken up: ").last })
        .sorted().map {
          "  \(name.dropLast(4)): \($0)"
        }
    }
  }

  private func startAggregator(_ processes: DemoProcesses) async throws {
    let ports = try FreePorts.pair()
    _ = try await DemoProcesses.command([
      "aggregator", "init", "--directory", folder.aggregator, "--network", "demo", "--host",
      "127.0.0.1", "--service-port", "\(ports.0)", "--enrolment-port", "\(ports.1)",
    ])
    try processes.start(
      "aggregator", ["aggregator", "run", "--directory", folder.aggregator],
      log: folder.log("aggregator"))
    try await FreePorts.waitUntilOpen(ports.1, deadline: .seconds(20))
    try processes.checkAlive()
  }

  private func join(_ site: Site, _ plan: StudyPlan, _ processes: DemoProcesses) async throws {
    let invitation = try await invite(
      site.name, role: "site", ["--legal-entity", site.legalEntity])
    let directory = folder.site(site.name)
    _ = try await DemoProcesses.command([
      "site", "join", invitation, "--directory", directory,
    ])
    try Data(settings(site, plan).utf8).write(
      to: URL(fileURLWithPath: "\(directory)/site.yaml"), options: .atomic)
    try processes.start(
      site.name, ["site", "run", "--directory", directory], log: folder.log(site.name))
  }

  private func invite(
    _ name: String, role: String, _ more: [String] = []
  ) async throws -> String {
    let command = [
      "aggregator", "invite", name, "--role", role, "--directory", folder.aggregator, "--json",
    ]
    let output = try await DemoProcesses.command(command + more)
    struct Answer: Decodable { var invitation: String }
    return try JSONDecoder().decode(Answer.self, from: Data(output.utf8)).invitation
  }

  /// The site.yaml that joining wrote, with this hospital's policy and data section: the demo's
  /// hospitals allow the two named disclosures, and cells as small as the study's.
  private func settings(_ site: Site, _ plan: StudyPlan) throws -> String {
    let written = try String(
      contentsOfFile: "\(folder.site(site.name))/site.yaml", encoding: .utf8)
    let kept = YAMLSections.removing(["data", "policy"], from: written)
    return kept + """

      policy:
        minimum_cohort: 20
        minimum_sites_in_sum: 3
        minimum_cell: \(plan.privacy.minimumCell)
        auto_approve: false
        disclose: [model-by-site-matrix, leave-one-site-out]

      \(site.dataSection)
      """
  }

  private func joinResearcher() async throws -> ResearcherClient {
    let invitation = try await invite("researcher", role: "researcher")
    _ = try await DemoProcesses.command([
      "study", "join", invitation, "--directory", folder.researcher,
    ])
    return try MemberDirectory(folder.researcher).researcherClient()
  }

  /// Every hospital's data steward approves, once the proposal has reached the site.
  private func approve(_ id: String, _ sites: [Site]) async throws {
    for site in sites {
      let end = ContinuousClock.now + .seconds(30)
      while true {
        do {
          _ = try await DemoProcesses.command([
            "site", "approve", id, "--directory", folder.site(site.name), "--by", "data steward",
          ])
          break
        } catch let failure as DemoProcesses.Failure {
          guard ContinuousClock.now < end, failure.description.contains("no study") else {
            throw failure
          }
          try await Task.sleep(for: .milliseconds(100))
        }
      }
    }
  }

  private func follow(
    _ id: String, _ client: ResearcherClient, _ clock: StageClock, _ processes: DemoProcesses
  ) async throws {
    let last = LastEvent()
    let display = display
    _ = try await client.watch(study: id) { event in
      if event.stage == "warning" {
        display.say("warning: \(event.message)")
      } else {
        clock.enter(event.stage)
        display.show(
          StageProgress(stage: event.stage, detail: event.message, fraction: event.fraction))
      }
      if event.finalState != nil { await last.set(event.stage, event.message) }
    }
    display.finish()
    let (state, message) = await last.value
    guard state == "finished" else {
      throw DemoProcesses.Failure(
        description: (["the study stopped: \(message)"] + siteReasons(id)).joined(separator: "\n"))
    }
  }
}
