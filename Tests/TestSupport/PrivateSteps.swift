import Study
import Synchronization

/// Passes every question on and keeps those of a private learner's steps, with what was opened.
public final class PrivateSteps: Federation {
  private let base: any Federation
  private let seen = Mutex<[(query: SumQuery.PrivateStepQuery, total: [Int64])]>([])

  public init(_ base: any Federation) { self.base = base }

  /// In the order of the program.
  public var all: [(query: SumQuery.PrivateStepQuery, total: [Int64])] { seen.withLock { $0 } }

  public func sum(_ query: SumQuery) async throws -> Total {
    let total = try await base.sum(query)
    if case .privateStep(let step) = query {
      seen.withLock { $0.append((step, total.values)) }
    }
    return total
  }

  public func perSite(_ query: SiteQuery) async throws -> SiteAnswers {
    try await base.perSite(query)
  }

  public func report(_ progress: StageProgress) async {}
}
