/// The port that a study runs over: two questions and nothing else (design decision 3).
///
/// The same program runs over `PooledFederation` in tests, over the site's port in every agent and
/// over the aggregator's port. Control flow depends only on the plan and on what these calls return,
/// which is the same at every party.
public protocol Federation: AnyObject, Sendable {
  /// The sum of every participating site's answer.
  func sum(_ query: SumQuery) async throws -> Total

  /// Every site's own small table of aggregates, in clear and published to the study.
  func perSite(_ query: SiteQuery) async throws -> SiteAnswers

  /// Tells whoever watches how far the study is.
  func report(_ progress: StageProgress) async
}

/// The published answers of one per-site query.
public struct SiteAnswers: Sendable, Equatable {
  /// By site name; a site that did not answer is absent.
  public var answers: [String: SiteAnswer]
  /// Why a site is absent, by site name.
  public var absences: [String: String]

  public init(answers: [String: SiteAnswer], absences: [String: String] = [:]) {
    self.answers = answers
    self.absences = absences
  }
}

/// Where a study stands.
public struct StageProgress: Sendable, Hashable, Codable {
  /// Name of the stage: profile, prepare, fit, explain, validate, drift, report.
  public var stage: String
  /// What is being done, in words.
  public var detail: String
  /// Share of the whole study that is done, 0 … 1.
  public var fraction: Double

  public init(stage: String, detail: String, fraction: Double) {
    self.stage = stage
    self.detail = detail
    self.fraction = fraction
  }
}
