import Cohort
import Study

/// Something released by a replica, as the strongest attacker sees it: everything but the one thing he
/// wants to know is subtracted.
struct Observation: Sendable {
  enum Question: Sendable {
    case sum(SumQuery)
    case site(SiteQuery, name: String)

    var purpose: String {
      switch self {
      case .sum(let query): query.purpose
      case .site(let query, _): query.purpose
      }
    }
  }

  var question: Question
  var noise: NoiseRequirement
  /// The release less the exact answer over the patients that are no canaries: noise and canaries.
  var residual: [Int64]

  /// The site of a site answer; nil for a sum.
  var site: String? {
    if case .site(_, let name) = question { name } else { nil }
  }

  /// σ² of the noise in lattice units².
  var variance: Double { Double(noise.variance) }
}

/// A federation between the study program and the replica's data that keeps what was released, and
/// into whose answers canaries can be put before the noise is added.
///
/// Noise is added to exact integers, so a canary's integers added to the noisy release are the same
/// release.
actor ObservedFederation: Federation {
  /// Ends a program that has released what an attack needs.
  struct Enough: Error {}

  /// When to end the program.
  enum Extent {
    /// All releases.
    case everything
    /// The models only.
    case models
  }

  private let inner: any Federation
  /// A site's answers without canaries.
  struct Background {
    var site: String
    /// To sums: without noise, under the replica's key so that sampling takes the same patients.
    var sums: LocalAnswers
    /// To site queries, without noise.
    var exact: LocalAnswers
  }

  private var background: [Background]
  private let canaries: GradientCanaries?
  private let extent: Extent
  private(set) var observations: [Observation] = []
  /// The fitted models and their transform.
  private(set) var models: (transform: FrozenTransform, models: [NamedModel])?

  /// - Parameter background: in roster order; empty for an attack that needs no residuals.
  init(
    _ inner: any Federation, background: [Background],
    canaries: GradientCanaries? = nil, extent: Extent = .everything
  ) {
    self.inner = inner
    self.background = background
    self.canaries = canaries
    self.extent = extent
  }

  func sum(_ query: SumQuery) async throws -> Total {
    var total = try await inner.sum(query)
    // A count of votes is a function of numbers that are not seen: nothing to attack here.
    guard let noise = query.noise, !query.isNoisedAtEachSite else { return total }
    canaries?.add(to: &total.values, release: observations.count, noise: noise, site: nil)
    if !background.isEmpty {
      var residual = total.values
      for index in background.indices {
        let exact = try background[index].sums.answer(query)
        for (element, value) in exact.enumerated() where residual.indices.contains(element) {
          residual[element] &-= value
        }
      }
      observations.append(Observation(question: .sum(query), noise: noise, residual: residual))
    }
    return total
  }

  func perSite(_ query: SiteQuery) async throws -> SiteAnswers {
    if case .privatePerformance(let request) = query {
      models = (request.transform, request.models)
      if extent == .models { throw Enough() }
    }
    var answers = try await inner.perSite(query)
    guard let noise = query.noise else { return answers }
    for index in background.indices {
      let site = background[index].site
      guard case .noisyCounts(var counts) = answers.answers[site] else { continue }
      canaries?.add(to: &counts, release: observations.count, noise: noise, site: site)
      answers.answers[site] = .noisyCounts(counts)
      guard case .noisyCounts(let exact) = try background[index].exact.answer(query) else {
        continue
      }
      observations.append(
        Observation(
          question: .site(query, name: site), noise: noise,
          residual: zip(counts, exact).map { $0 &- $1 }))
    }
    if case .privateDistribution = query { throw Enough() }
    return answers
  }

  func report(_ progress: StageProgress) async {}
}
