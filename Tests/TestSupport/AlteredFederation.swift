import Study

/// Passes every question on and lets a test change what comes back.
public final class AlteredFederation: Federation {
  private let base: any Federation
  private let alterTotal: @Sendable (SumQuery, Total) throws -> Total
  private let alterAnswers: @Sendable (SiteQuery, SiteAnswers) throws -> SiteAnswers

  public init(
    _ base: any Federation,
    total: @escaping @Sendable (SumQuery, Total) throws -> Total = { $1 },
    answers: @escaping @Sendable (SiteQuery, SiteAnswers) throws -> SiteAnswers = { $1 }
  ) {
    self.base = base
    alterTotal = total
    alterAnswers = answers
  }

  public func sum(_ query: SumQuery) async throws -> Total {
    try alterTotal(query, try await base.sum(query))
  }

  public func perSite(_ query: SiteQuery) async throws -> SiteAnswers {
    try alterAnswers(query, try await base.perSite(query))
  }

  public func report(_ progress: StageProgress) async { await base.report(progress) }
}
