import GRDB

/// Where a study stands at the aggregator.
public enum AggregatorStudyStatus: String, Sendable, CaseIterable {
  /// Submitted; sites are deciding.
  case proposed
  case running
  case finished
  /// Stopped with an error.
  case failed
  /// Withdrawn by the researcher or the operator.
  case cancelled

  /// The only changes that are allowed.
  public var successors: Set<AggregatorStudyStatus> {
    switch self {
    case .proposed: [.running, .failed, .cancelled]
    case .running: [.finished, .failed, .cancelled]
    case .finished: [.running]
    case .failed: [.running, .cancelled]
    case .cancelled: []
    }
  }
}

/// A study as the aggregator knows it.
public struct AggregatorStudy: Sendable, Equatable {
  /// Identifier, the same at every site.
  public var id: String
  public var name: String
  /// The `study.yaml` as submitted.
  public var yaml: String
  /// Digest of the checked plan.
  public var planDigest: [UInt8]
  public var status: AggregatorStudyStatus
  /// Principal who submitted it.
  public var proposer: String
  /// Seconds since 1970-01-01 UTC.
  public var proposedAt: Double
  /// When it first ran. Seconds since 1970-01-01 UTC.
  public var startedAt: Double?
  /// When it last ended, well or not. Seconds since 1970-01-01 UTC.
  public var finishedAt: Double?
  /// Why it failed: who and what, in words.
  public var error: String?
  /// The manifest with every site's signature, once there is one.
  public var manifest: [UInt8]?
}

/// A site's signed decision on a study.
public struct Approval: Sendable, Equatable {
  public var study: String
  public var site: String
  public var approved: Bool
  /// The statement with the site's signature; the store does not check it.
  public var signedDecision: [UInt8]
  /// Seconds since 1970-01-01 UTC; filled in by the store.
  public var receivedAt: Double

  public init(
    study: String, site: String, approved: Bool, signedDecision: [UInt8], receivedAt: Double = 0
  ) {
    self.study = study
    self.site = site
    self.approved = approved
    self.signedDecision = signedDecision
    self.receivedAt = receivedAt
  }
}

extension AggregatorStudy {
  init(row: Row) throws {
    self.init(
      id: try row.text("id"), name: try row.text("name"), yaml: try row.text("yaml"),
      planDigest: try row.bytes("plan_digest"), status: try row.choice("status"),
      proposer: try row.text("proposer"), proposedAt: try row.real("proposed_at"),
      startedAt: try row.realIfPresent("started_at"),
      finishedAt: try row.realIfPresent("finished_at"), error: try row.textIfPresent("error"),
      manifest: try row.bytesIfPresent("manifest"))
  }

  static func fetch(_ id: String, in connection: Database) throws -> AggregatorStudy? {
    try connection.firstRow("SELECT * FROM study WHERE id = ?", [id])
      .map(AggregatorStudy.init(row:))
  }

  /// Throws `notFound` without the study.
  static func requireExistence(of id: String, in connection: Database) throws {
    guard try connection.firstRow("SELECT 1 FROM study WHERE id = ?", [id]) != nil else {
      throw StoreError(.notFound, subject: "study \(id)")
    }
  }

  /// The study, or `notFound`.
  static func require(_ id: String, in connection: Database) throws -> AggregatorStudy {
    guard let study = try fetch(id, in: connection) else {
      throw StoreError(.notFound, subject: "study \(id)")
    }
    return study
  }
}

extension Approval {
  init(row: Row) throws {
    self.init(
      study: try row.text("study"), site: try row.text("site"),
      approved: try row.integer("approved") != 0,
      signedDecision: try row.bytes("signed_decision"), receivedAt: try row.real("received_at"))
  }
}
