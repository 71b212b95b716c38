import Foundation
import Identity
import StrictYAML
import Store
import Study
import Transport

/// The aggregator's answers to every call that the server lets through: membership calls go to
/// `Membership`, study calls to the board.
public struct AggregatorService: AggregatorHandler {
  let membership: Membership
  let board: StudyBoard
  /// Ends the server's live connections of a member.
  let cut: @Sendable (Principal) -> Void
  let connected: @Sendable () -> [Principal]

  public init(
    membership: Membership, board: StudyBoard, cut: @escaping @Sendable (Principal) -> Void,
    connected: @escaping @Sendable () -> [Principal]
  ) {
    self.membership = membership
    self.board = board
    self.cut = cut
    self.connected = connected
  }

  public func siteConnected(_ connection: any SiteConnection) async {
    await board.serve(connection)
  }

  public func renew(_ caller: VerifiedPeer, requestDER: [UInt8]) async throws -> [[UInt8]] {
    try await membership.renew(caller, requestDER: requestDER)
  }

  public func join(_ request: Identity.EnrolmentRequest) async throws -> EnrolmentAnswer {
    try await membership.join(request)
  }

  public func propose(
    _ caller: Principal, name: String, document: String
  ) async throws -> String {
    do {
      if let obstacle = try StudyPlan(yaml: document, file: "study.yaml").task.obstacle {
        throw StudyError(.invalidPlan, obstacle)
      }
      let sites = try await membership.store.sites().filter { $0.revokedAt == nil }.map(\.name)
      return try await board.propose(document, researcher: caller.name.text, sites: sites)
    } catch let problem as YAMLProblem {
      throw TransportError(.refused, detail: String(describing: problem))
    } catch let error as StudyError {
      throw TransportError(.refused, detail: error.message)
    } catch let error as StoreError where error.code == .conflict {
      throw TransportError(
        .refused, detail: "another study is known under this id; give `study:` another name")
    } catch let error as StoreError where error.isOfTheMachine {
      throw TransportError(
        .internalFailure, subject: membership.aggregator.name.text, detail: error.message)
    }
  }

  public func studies(_ caller: Principal) async throws -> [StudySummary] {
    let interruptions = await board.interruptions
    return try await membership.store.studies().map {
      StudySummary(
        study: $0.id, name: $0.name, state: $0.status.rawValue,
        detail: $0.error ?? interruptions[$0.id] ?? "")
    }
  }

  public func watch(
    _ caller: Principal, study: String,
    event: @escaping @Sendable (Transport.ProgressEvent) async throws -> Void
  ) async throws {
    do {
      try await board.watch(study) { stored, isLast in
        try await event(
          Transport.ProgressEvent(
            stage: stored.stage, fraction: stored.fraction ?? 0, message: stored.text,
            secondsLeft: nil, finalState: isLast ? stored.stage : nil))
      }
    } catch let error as StudyError {
      throw TransportError(.notFound, subject: study, detail: error.message)
    }
  }

  public func fetch(
    _ caller: Principal, study: String, artefact: String,
    piece: @escaping @Sendable ([UInt8]) async throws -> Void
  ) async throws {
    guard let stored = try await membership.store.artefact(study: study, name: artefact) else {
      throw TransportError(.notFound, subject: "\(study)/\(artefact)")
    }
    let bytes: [UInt8]
    switch stored.content {
    case .bytes(let content): bytes = content
    case .file(let path):
      guard let data = FileManager.default.contents(atPath: path) else {
        throw TransportError(.notFound, subject: "\(study)/\(artefact)")
      }
      bytes = Array(data)
    }
    var offset = 0
    repeat {
      let end = min(offset + 1 << 20, bytes.count)
      try await piece(Array(bytes[offset..<end]))
      offset = end
    } while offset < bytes.count
  }

  public func invite(_ caller: Principal, name: String, role: Role) async throws -> String {
    try await membership.invite(name, as: role, by: caller).revealedText()
  }

  public func revoke(_ caller: Principal, name: String, role: Role) async throws -> Principal {
    try await membership.revoke(name, role: role, by: caller).principal
  }

  public func sites(_ caller: Principal) async throws -> [SiteSummary] {
    try await membership.sites(connected: connected())
  }
}
