import Aggregator
import Cohort
import Cryptography
import Foundation
import Identity
import Site
import Store
import Study
import Transport

/// A whole network in one process: every site's agent and the aggregator's board, with their real
/// protocol code and databases, over connections in memory. A researcher's sandbox, and the place
/// where tests watch the federation.
public final class Simulation: Sendable {
  /// What a finished study left.
  public struct Outcome: Sendable {
    public var result: StudyResult
    /// Folder with report, model files and transcript.
    public var folder: String
    public var transcript: Transcript
  }

  /// Folder of the databases and of what studies leave.
  public let folder: String
  public let board: StudyBoard
  public let network: InMemoryNetwork
  private let principals: [String: Principal]
  private let agents: [String: SiteAgent]
  private let names: [String]
  private let misbehaviour: Misbehaviour
  private let signingKeys: [String: Cryptography.SigningKey]
  private let log: @Sendable (String) -> Void

  /// A network of these hospitals.
  ///
  /// - Parameters:
  ///   - sites: each site's way to its cohort, by name.
  ///   - folder: created when it is missing; each site gets a database in it.
  ///   - policy: of every site; approves by itself unless told otherwise.
  ///   - memberLookUp: how long the aggregator's look-up of a member takes.
  ///   - longestEpoch: age from which keys are agreed anew.
  ///   - misbehaviour: what a party sends instead of what it should, to rehearse an attack.
  ///   - known: sites' keys from an earlier simulation in the same folder; others get new ones.
  public init(
    sites: [String: @Sendable (StudyPlan) async throws -> CohortTable],
    folder: String, policy: SitePolicy, faults: FaultPlan = .none,
    memberLookUp: Duration = .zero, longestEpoch: Duration = .seconds(86_400),
    settings: ConnectionSettings = ConnectionSettings(),
    misbehaviour: Misbehaviour = .none,
    signingKeys known: [String: Cryptography.SigningKey] = [:],
    log: @escaping @Sendable (String) -> Void = { _ in }
  ) throws {
    self.folder = folder
    self.log = log
    try FileManager.default.createDirectory(
      atPath: "\(folder)/sites", withIntermediateDirectories: true)
    let clock: StoreClock = { Date().timeIntervalSince1970 }
    let network = try MemberName("simulation")
    var entropy = SystemEntropy()
    let aggregatorKey = try Cryptography.SigningKey(from: &entropy)
    var agents: [String: SiteAgent] = [:]
    var principals: [String: Principal] = [:]
    var keys: [String: VerifyingKey] = [:]
    var signingKeys: [String: Cryptography.SigningKey] = [:]
    for (name, load) in sites {
      let key = try known[name] ?? Cryptography.SigningKey(from: &entropy)
      keys[name] = key.verifyingKey
      signingKeys[name] = key
      principals[name] = Principal(network: network, role: .site, name: try MemberName(name))
      agents[name] = SiteAgent(
        .init(
          site: name, legalEntity: name, signingKey: key,
          aggregatorKey: aggregatorKey.verifyingKey, policy: policy,
          store: try SiteStore(path: "\(folder)/sites/\(name).sqlite", clock: clock),
          loadCohort: load, log: { log("\(name): \($0)") }))
    }
    names = sites.keys.sorted()
    self.agents = agents
    self.misbehaviour = misbehaviour
    self.signingKeys = signingKeys
    self.principals = principals
    let members = keys
    let board = StudyBoard(
      .init(
        store: try AggregatorStore(path: "\(folder)/aggregator.sqlite", clock: clock),
        aggregatorName: "aggregator", signingKey: aggregatorKey,
        studiesFolder: "\(folder)/studies",
        member: { site in
          try await Task.sleep(for: memberLookUp)
          guard let key = members[site] else {
            throw StudyError(.invalidPlan, "there is no site `\(site)`")
          }
          return (site, key)
        }, longestEpoch: longestEpoch, log: { log("aggregator: \($0)") }))
    self.board = board
    self.network = InMemoryNetwork(
      aggregator: Principal(
        network: network, role: .aggregator, name: try MemberName("aggregator")),
      settings: settings, faults: faults
    ) { connection in
      await board.serve(
        misbehaviour.applied(to: connection, by: "aggregator", key: aggregatorKey))
    }
  }

  /// Proposes the study, lets every site decide by its policy, and waits for the end. Throws what
  /// stopped the study.
  public func run(
    _ studyText: String, onProgress: @escaping @Sendable (StageProgress) -> Void = { _ in }
  ) async throws -> Outcome {
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (name, agent) in agents {
        guard let principal = principals[name] else { continue }
        group.addTask { await agent.run() }
        group.addTask { [network, misbehaviour, signingKeys] in
          await network.runSite(principal) { connection in
            try await agent.serve(
              misbehaviour.applied(to: connection, by: name, key: signingKeys[name]))
          }
        }
      }
      group.addTask { [board] in await board.watchProposals(every: .milliseconds(50)) }
      defer { group.cancelAll() }
      let id = try await board.propose(studyText, researcher: "researcher", sites: names)
      let ending = Ending()
      try await board.watch(id) { event, isLast in
        onProgress(
          StageProgress(stage: event.stage, detail: event.text, fraction: event.fraction ?? 0))
        if isLast { await ending.set(event.stage, event.text) }
      }
      let (stage, text) = await ending.value
      guard stage == "finished" else {
        throw StudyError(.tooFew, text.isEmpty ? "the study did not finish" : text)
      }
      network.stop()
      return try outcome(of: id)
    }
  }

  private func outcome(of id: String) throws -> Outcome {
    let folder = "\(self.folder)/studies/\(id)"
    let transcript = try Transcript(
      fileBytes: Array(Data(contentsOf: URL(fileURLWithPath: "\(folder)/study.transcript"))))
    return Outcome(
      result: try StudyReportFile.read("\(folder)/report.json"), folder: folder,
      transcript: transcript)
  }
}

/// How a study ended.
private actor Ending {
  private(set) var value = (stage: "", text: "")

  func set(_ stage: String, _ text: String) { value = (stage, text) }
}
