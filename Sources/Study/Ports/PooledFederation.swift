import Cohort
import Cryptography
import DifferentialPrivacy
import SecureAggregation
import Synchronization

/// All rows in one process: the oracle that federated results are compared with.
///
/// Every table is one site's cohort. Sums are taken over all of them in plain integers; site answers
/// come from each table. With one table the sums are the pooled computation itself.
public final class PooledFederation: Federation {
  private let sites: [String]
  private let answers: Mutex<[String: LocalAnswers]>
  private let noiseKey: [UInt8]?
  /// Set where a sum gets the noise that it has in the network.
  private let plan: StudyPlan?
  private let onProgress: @Sendable (StageProgress) -> Void

  /// Tables by site name; the study's roster order decides the order of participants.
  ///
  /// - Parameters:
  ///   - noiseKey: secret of the noise of a study under differential privacy, 32 bytes: the whole noise
  ///     of a sum is then added once. Nil leaves all noise out, which only an oracle may do.
  ///   - withNoiseOfColluders: whether a sum has as much noise as in the network, where the honest sites
  ///     alone must carry what the proof needs (`NoiseSchedule`); else just what the proof needs.
  public init(
    _ study: AgreedStudy, cohorts: [String: CohortTable], noiseKey: [UInt8]? = nil,
    withNoiseOfColluders: Bool = false,
    onProgress: @escaping @Sendable (StageProgress) -> Void = { _ in }
  ) {
    sites = study.sites.filter { cohorts[$0] != nil }
    var answers: [String: LocalAnswers] = [:]
    for (site, cohort) in cohorts {
      answers[site] = LocalAnswers(
        site: site, plan: study.plan, cohort: cohort, noiseKey: noiseKey)
    }
    self.answers = Mutex(answers)
    self.noiseKey = noiseKey
    plan = withNoiseOfColluders ? study.plan : nil
    self.onProgress = onProgress
  }

  public func sum(_ query: SumQuery) async throws -> Total {
    try answers.withLock { answers in
      var values: [Int64] = []
      for site in sites {
        let answer = try answers[site]?.answer(query) ?? []
        if values.isEmpty {
          values = answer
        } else {
          for i in values.indices { values[i] &+= answer[i] }
        }
      }
      if let noise = query.noise, let noiseKey, !query.isNoisedAtEachSite {
        let drawn = try DiscreteGaussian(variance: variance(of: noise)).draws(
          count: values.count,
          seed: Blake2b.hash("wardround.sum", noiseKey, query.canonicalBytes).bytes)
        for i in values.indices { values[i] &+= drawn[i] }
      }
      return Total(values: values, participants: sites)
    }
  }

  /// Variance of the noise of a sum.
  private func variance(of noise: NoiseRequirement) throws -> UInt64 {
    guard let plan = plan, sites.count >= 3 else { return noise.variance }
    let schedule = try NoiseSchedule(
      siteCount: sites.count,
      colluderCount: plan.privacy.effectiveColluders(siteCount: sites.count),
      threshold: Manifest.threshold(siteCount: sites.count), variance: noise.variance,
      vectorLength: 0)
    return UInt64(sites.count) * schedule.keptVariance(survivorCount: sites.count)
  }

  public func perSite(_ query: SiteQuery) async throws -> SiteAnswers {
    try answers.withLock { answers in
      var result: [String: SiteAnswer] = [:]
      for site in sites { result[site] = try answers[site]?.answer(query) }
      return SiteAnswers(answers: result)
    }
  }

  public func report(_ progress: StageProgress) async { onProgress(progress) }
}
