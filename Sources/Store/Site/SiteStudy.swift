import GRDB

/// Where a study stands at this site.
public enum SiteStudyStatus: String, Sendable, CaseIterable {
  /// Received, not yet decided on.
  case proposed
  /// The data steward said yes; it may start.
  case approved
  /// The data steward said no, or withdrew an approval. Nothing leaves for it any more.
  case refused
  case running
  case finished
  /// Stopped with an error; an approved study may be run again.
  case failed

  /// The only changes that are allowed. Refusing is always possible until the study is finished.
  public var successors: Set<SiteStudyStatus> {
    switch self {
    case .proposed: [.approved, .refused]
    case .approved: [.running, .refused, .failed]
    case .refused: [.approved]
    case .running: [.finished, .failed, .refused]
    case .finished: [.running]
    case .failed: [.running, .refused]
    }
  }

  /// Whether the site may answer queries of the study.
  public var mayAnswer: Bool { self == .approved || self == .running }
}

/// A study as a site knows it.
public struct SiteStudy: Sendable, Equatable {
  /// Identifier, the same at every site.
  public var id: String
  /// What people call it.
  public var name: String
  /// The plan as received, text that a person can read.
  public var planText: String
  /// Digest of the plan, which the decision and every round are bound to.
  public var planDigest: [UInt8]
  public var status: SiteStudyStatus
  /// When it arrived, seconds since 1970-01-01 UTC.
  public var proposedAt: Double
  /// When it last changed, seconds since 1970-01-01 UTC.
  public var updatedAt: Double
  /// Who decided; "policy" when the site's own policy did. Nil before a decision.
  public var decidedBy: String?
  /// When it was decided, seconds since 1970-01-01 UTC.
  public var decidedAt: Double?
  /// Why it was refused or why it failed; constant text or a steward's words.
  public var reason: String?
  /// The site's signed decision, for sending again after a reconnect.
  public var signedDecision: [UInt8]?
  /// The manifest with every site's signature, once there is one.
  public var manifest: [UInt8]?

  public init(
    id: String, name: String, planText: String, planDigest: [UInt8],
    status: SiteStudyStatus = .proposed, proposedAt: Double = 0, updatedAt: Double = 0,
    decidedBy: String? = nil, decidedAt: Double? = nil, reason: String? = nil,
    signedDecision: [UInt8]? = nil, manifest: [UInt8]? = nil
  ) {
    self.id = id
    self.name = name
    self.planText = planText
    self.planDigest = planDigest
    self.status = status
    self.proposedAt = proposedAt
    self.updatedAt = updatedAt
    self.decidedBy = decidedBy
    self.decidedAt = decidedAt
    self.reason = reason
    self.signedDecision = signedDecision
    self.manifest = manifest
  }
}

extension SiteStudy {
  init(row: Row) throws {
    self.init(
      id: try row.text("id"), name: try row.text("name"), planText: try row.text("plan_text"),
      planDigest: try row.bytes("plan_digest"), status: try row.choice("status"),
      proposedAt: try row.real("proposed_at"), updatedAt: try row.real("updated_at"),
      decidedBy: try row.textIfPresent("decided_by"),
      decidedAt: try row.realIfPresent("decided_at"), reason: try row.textIfPresent("reason"),
      signedDecision: try row.bytesIfPresent("signed_decision"),
      manifest: try row.bytesIfPresent("manifest"))
  }

  static func fetch(_ id: String, in connection: Database) throws -> SiteStudy? {
    try connection.firstRow("SELECT * FROM study WHERE id = ?", [id])
      .map(SiteStudy.init(row:))
  }

  /// What every write about a study asks, without its plan and manifest.
  struct Standing: Sendable {
    var id: String
    var status: SiteStudyStatus
  }

  /// The study's standing, or `notFound`.
  static func standing(of id: String, in connection: Database) throws -> Standing {
    guard let row = try connection.firstRow("SELECT status FROM study WHERE id = ?", [id]) else {
      throw StoreError(.notFound, subject: "study \(id)")
    }
    return Standing(id: id, status: try row.choice("status"))
  }

  /// The same, read only where it is not known.
  static func standing(
    of id: String, in connection: Database, known: inout KnownRows
  ) throws -> Standing {
    if let standing = known.standings[id] { return standing }
    let standing = try standing(of: id, in: connection)
    known.standings[id] = standing
    return standing
  }

  /// The study, or `notFound`.
  static func require(_ id: String, in connection: Database) throws -> SiteStudy {
    guard let study = try fetch(id, in: connection) else {
      throw StoreError(.notFound, subject: "study \(id)")
    }
    return study
  }
}
