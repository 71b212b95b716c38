import Cohort
import DifferentialPrivacy
import PortableNumerics
import Study

/// One release over two inputs that differ in one patient, many times: a lower bound on its ε by
/// Clopper and Pearson.
///
/// The input is one patient of one site, or the same and one patient of extreme values more; the
/// release is the study's own query over the pooled federation under a fresh noise key each time. Two events are
/// compared, fixed beforehand: the likelihood ratio is above 1, and it is above the threshold that
/// promises the highest bound if the proof is right. Each event has half of the 5 % of error, each of
/// its rates a quarter.
///
/// Without sampling the first event also bounds μ, Φ⁻¹(TPR) − Φ⁻¹(FPR), since the ledger charges μ:
/// the bound comes close to the truth, so its error is 0.1 %.
struct NeighbourTest {
  let replica: Replica
  let question: Observation.Question
  let noise: NoiseRequirement
  let runCount: Int

  static let muConfidence = 0.999

  /// What the draws show.
  struct Bounds {
    /// The larger of the two events' bounds on ε at confidence 95 %.
    var epsilon = 0.0
    /// The bound on μ at confidence 99.9 %.
    var mu = 0.0
  }

  /// Draws and compares.
  func bounds(delta: Double) async throws -> Bounds {
    var result = Bounds()
    let site: String? =
      if case .site(_, let name) = question { name } else { replica.study.sites.first }
    guard let site, let cohort = replica.cohorts[site] else { return result }
    let wantsHoldout = noise.group == .holdout
    let extra = try PatientCanaries(
      count: 16, like: replica.cohorts, plan: replica.study.plan, sites: [site],
      seed: replica.seed, run: Int(noise.variance & 0xFFFF)
    ).canaries.map(\.table).filter { $0.isHoldout[0] == wantsHoldout }
    let rows = cohort.rowIndices(wantsHoldout ? .holdout : .training)
    guard !rows.isEmpty else { return result }
    let base = try cohort.selecting(Array(rows.prefix(1)))
    // Of the canaries, the one that moves the release most.
    var most: (table: CohortTable, vector: [Double], square: Double)?
    for table in extra {
      let vector = try answer(site, table)
      let square = vector.reduce(0) { $0 + $1 * $1 }
      if square > most?.square ?? 0 { most = (table, vector, square) }
    }
    guard let most else { return result }
    let exact = try answer(site, base)
    let statistic = Statistic(
      vector: most.vector, centre: exact, square: most.square,
      variance: Double(noise.variance), rate: noise.samplingRate)
    let neighbour = try CohortTable.pooling([base, most.table])
    let without = try await draws([site: base], statistic, from: 0)
    let with = try await draws([site: neighbour], statistic, from: runCount)
    let mu = (most.square / Double(noise.variance)).squareRoot()
    for threshold in [0, statistic.bestThreshold(mu: mu, runs: runCount, delta: delta)] {
      result.epsilon = max(
        result.epsilon,
        Self.bound(
          with: with.count { $0 > threshold }, without: without.count { $0 > threshold },
          runs: runCount, delta: delta))
    }
    result.mu = Self.muBound(
      with: with.count { $0 > 0 }, without: without.count { $0 > 0 }, runs: runCount)
    return result
  }

  /// Φ⁻¹(TPR) − Φ⁻¹(FPR) with both rates at their worst within half the error each.
  static func muBound(with: Int, without: Int, runs: Int) -> Double {
    guard
      let members = BinomialProportion.exactInterval(
        successes: with, trials: runs, level: muConfidence),
      let others = BinomialProportion.exactInterval(
        successes: without, trials: runs, level: muConfidence)
    else { return 0 }
    return max(
      0,
      NormalDistribution.quantile(members.lower) - NormalDistribution.quantile(others.upper))
  }

  /// log((TPR − δ)/FPR) with both rates at their worst within 1.25 % of error each.
  static func bound(with: Int, without: Int, runs: Int, delta: Double) -> Double {
    guard
      let members = BinomialProportion.exactInterval(
        successes: with, trials: runs, level: 0.975),
      let others = BinomialProportion.exactInterval(
        successes: without, trials: runs, level: 0.975),
      members.lower > delta, others.upper > 0
    else { return 0 }
    return max(0, Portable.log((members.lower - delta) / others.upper))
  }

  /// What one table adds when everybody takes part.
  private func answer(_ site: String, _ table: CohortTable) throws -> [Double] {
    var answers = LocalAnswers(
      site: site, plan: replica.study.plan, cohort: table, noiseKey: nil)
    switch question {
    case .sum(let query):
      return try answers.answer(query.withEverybody()).map(Double.init)
    case .site(let query, _):
      guard case .noisyCounts(let counts) = try answers.answer(query) else { return [] }
      return counts.map(Double.init)
    }
  }

  private func draws(
    _ tables: [String: CohortTable], _ statistic: Statistic, from first: Int
  ) async throws -> [Double] {
    var values: [Double] = []
    values.reserveCapacity(runCount)
    for run in first..<(first + runCount) {
      let federation = PooledFederation(
        replica.study, cohorts: tables, noiseKey: replica.noiseKey(.release, run: run))
      switch question {
      case .sum(let query):
        values.append(statistic.value(try await federation.sum(query).values))
      case .site(let query, let name):
        guard case .noisyCounts(let counts) = try await federation.perSite(query).answers[name]
        else { continue }
        values.append(statistic.value(counts))
      }
    }
    return values
  }

  /// The log likelihood ratio of one release.
  struct Statistic {
    var vector: [Double]
    var centre: [Double]
    var square: Double
    var variance: Double
    var rate: Double

    func value(_ release: [Int64]) -> Double {
      var projection = 0.0
      for (index, value) in release.enumerated() where vector.indices.contains(index) {
        projection += (Double(value) - centre[index] * rate) * vector[index]
      }
      return GaussianEvidence.logRatio(
        projection: projection, squaredNorm: square, variance: variance, samplingRate: rate)
    }

    /// The threshold on the log ratio at which the expected bound of a right mechanism is highest.
    func bestThreshold(mu: Double, runs: Int, delta: Double) -> Double {
      var best = (threshold: 0.0, bound: 0.0)
      for step in 0...80 {
        let cut = Double(step) / 80 * (mu + 4)
        func expected(_ rate: Double) -> Int { Int(Double(runs) * rate) }
        let others = NormalDistribution.upperTail(cut)
        let members =
          rate * NormalDistribution.upperTail(cut - mu) + (1 - rate) * others
        let bound = NeighbourTest.bound(
          with: expected(members), without: expected(others), runs: runs, delta: delta)
        if bound > best.bound {
          let ratio = GaussianEvidence.logRatio(
            projection: cut * (square * variance).squareRoot(), squaredNorm: square,
            variance: variance, samplingRate: rate)
          best = (ratio, bound)
        }
      }
      return best.threshold
    }
  }
}
