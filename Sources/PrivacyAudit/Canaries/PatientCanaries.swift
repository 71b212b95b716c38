import Cohort
import PortableNumerics
import Study

/// Canaries that are patients: rows of extreme but allowed values, put into the sites' tables, so that
/// the whole way from the row to the release is attacked: transform, clipping, sampling, noise.
struct PatientCanaries: Sendable {
  struct Canary: Sendable {
    var site: String
    var isIn: Bool
    /// The one row.
    var table: CohortTable
  }

  let canaries: [Canary]

  /// Canaries of one run, dealt out to the sites, each in or out by a fair coin; every fourth is held
  /// out.
  init(
    count: Int, like cohorts: [String: CohortTable], plan: StudyPlan, sites: [String],
    seed: UInt64, run: Int
  ) throws {
    var generator = Xoshiro256StarStar(seed: SplitMix64.seed(seed, 0xCB, UInt64(run)))
    canaries = try (0..<count).map { index in
      let site = sites[index % sites.count]
      let columns = plan.cohort.features.enumerated().map { position, feature in
        Self.extreme(feature, cohorts[site]?.levels(position) ?? [], &generator)
      }
      let table = try CohortTable(
        features: plan.cohort.features, columns: columns,
        outcome: [UInt8(generator.next() & 1)], isHoldout: [index % 4 == 3])
      return Canary(site: site, isIn: generator.next() & 1 == 1, table: table)
    }
  }

  /// One end of the allowed range or the other, any level, yes or no; sometimes missing.
  private static func extreme(
    _ feature: FeatureSpecification, _ levels: [String],
    _ generator: inout Xoshiro256StarStar
  ) -> CohortTable.Column {
    let isMissing = generator.uniformDouble() < 0.15
    let isHigh = generator.next() & 1 == 1
    switch feature.kind {
    case .number(_, let range, _):
      let ends = range ?? -1e6...1e6
      return .number([isMissing ? .nan : isHigh ? ends.upperBound : ends.lowerBound])
    case .flag: return .flag([isMissing ? .nan : isHigh ? 1 : 0])
    case .category(let declared):
      let all = declared ?? levels
      let code = Int32(generator.uniformInteger(below: max(all.count, 1)))
      return .category(
        [isMissing || all.isEmpty ? CohortTable.Column.missingCode : code], levels: all)
    }
  }

  /// The cohorts with the canaries that are in.
  func added(to cohorts: [String: CohortTable]) throws -> [String: CohortTable] {
    var result = cohorts
    for (site, cohort) in cohorts {
      let own = canaries.filter { $0.isIn && $0.site == site }.map(\.table)
      if !own.isEmpty { result[site] = try CohortTable.pooling([cohort] + own) }
    }
    return result
  }

  /// For each canary an estimate of "in" less one half, from all releases together: the best linear one
  /// given fair coins, each canary's exact contribution and the noise that the plan states.
  ///
  /// With contributions v_ck whitened by σ_k, Gram matrix G and centred release r, it is
  /// (G + 4 I)⁻¹ Vᵀr. Sampling counts as its mean.
  func scores(_ observations: [Observation], plan: StudyPlan) throws -> [CanaryScore] {
    let count = canaries.count
    var gram = SymmetricMatrix(order: count)
    var projections = [Double](repeating: 0, count: count)
    var answers = canaries.map {
      LocalAnswers(site: $0.site, plan: plan, cohort: $0.table, noiseKey: nil)
    }
    for observation in observations {
      let scale = 1 / observation.variance.squareRoot()
      var own: [(index: Int, vector: [Double])] = []
      var centre = observation.residual.map { Double($0) * scale }
      for index in canaries.indices {
        let exact: [Int64]
        switch observation.question {
        case .sum(let query): exact = try answers[index].answer(query.withEverybody())
        case .site(let query, let name):
          guard name == canaries[index].site,
            case .noisyCounts(let counts) = try answers[index].answer(query)
          else { continue }
          exact = counts
        }
        guard exact.count == centre.count, exact.contains(where: { $0 != 0 }) else { continue }
        let factor = scale * observation.noise.samplingRate
        let vector = exact.map { Double($0) * factor }
        for element in centre.indices { centre[element] -= vector[element] / 2 }
        own.append((index, vector))
      }
      for (position, one) in own.enumerated() {
        projections[one.index] += Self.product(one.vector, centre)
        for other in own[position...] {
          gram[one.index, other.index] += Self.product(one.vector, other.vector)
        }
      }
    }
    for index in 0..<count { gram[index, index] += 4 }
    let estimates = try CholeskyFactor(gram).solve(projections)
    return zip(canaries, estimates).map { CanaryScore(value: $1, isIn: $0.isIn) }
  }

  private static func product(_ left: [Double], _ right: [Double]) -> Double {
    var sum = 0.0
    for index in left.indices { sum += left[index] * right[index] }
    return sum
  }
}
