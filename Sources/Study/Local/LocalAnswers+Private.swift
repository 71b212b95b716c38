import Cohort
import Cryptography
import DifferentialPrivacy
import LinearModels

/// Answers of a study under differential privacy. A sum's answer is returned without noise: its noise
/// is shared out over the sites and added right before masking. A site answer carries its own.
extension LocalAnswers {
  /// The first row of each patient among these rows: one row per patient bounds what a patient can
  /// change in a table of counts.
  func firstRows(_ rows: [Int]) -> [Int] {
    var seen: Set<Int32> = []
    return rows.filter { seen.insert(cohort.patients[$0]).inserted }
  }

  func marginals(_ query: SumQuery.MarginalsQuery) throws -> [Int64] {
    let rows = firstRows(cohort.rowIndices(.training))
    let unit = Int64(PrivacyPlan.countUnit)
    var answer = [Int64](repeating: 0, count: query.length)
    for row in rows { answer[cohort.outcome[row] == 1 ? 1 : 0] += unit }
    var offset = 2
    for (feature, bins) in query.bins.enumerated() {
      try count(feature, bins, rows: rows, unit: unit, into: &answer, at: offset)
      offset += bins.count + 1
    }
    return answer
  }

  /// Adds `unit` to each row's cell of one feature; the cell behind the bins is "missing".
  private func count(
    _ feature: Int, _ bins: SumQuery.MarginalBins, rows: [Int], unit: Int64,
    into answer: inout [Int64], at offset: Int
  ) throws {
    guard cohort.columns.indices.contains(feature) else {
      throw StudyError(.malformedAnswer, "the query names a feature the study does not have")
    }
    switch (bins, cohort.columns[feature]) {
    case (.cuts(let cuts), .number(let values)):
      for row in rows {
        let cell = values[row].isNaN ? bins.count : Self.bin(values[row], cuts: cuts)
        answer[offset + cell] += unit
      }
    case (.flag, .flag(let values)):
      for row in rows {
        answer[offset + (values[row].isNaN ? 2 : values[row] == 1 ? 1 : 0)] += unit
      }
    case (.levels(let levels), .category):
      let codes = cohort.codes(feature, in: levels)
      for row in rows {
        let code = codes[row]
        let cell =
          code == CohortTable.Column.missingCode
          ? bins.count : code < 0 ? levels.count : Int(code)
        answer[offset + cell] += unit
      }
    default:
      throw StudyError(.malformedAnswer, "the query's bins do not fit the feature's kind")
    }
  }

  /// How many cuts are at or below a value.
  static func bin(_ value: Double, cuts: [Double]) -> Int {
    var low = 0
    var high = cuts.count
    while low < high {
      let middle = (low + high) / 2
      if cuts[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return low
  }

  mutating func privateStep(_ query: SumQuery.PrivateStepQuery) throws -> [Int64] {
    let design = try prepare(query.transform)
    let rows = cohort.rowIndices(.training)
    switch query.model.training {
    case .trees:
      throw StudyError(.malformedAnswer, "trees take other steps than models of coefficients")
    case .newton(let settings):
      guard let bound = query.rows else {
        throw StudyError(.malformedAnswer, "a Newton step without a bound on its rows")
      }
      let learner = try PrivateNewton(
        featureCount: design.columns, ridge: settings.ridge, rowBound: bound.norm,
        means: bound.means)
      return try learner.answer(
        beta: query.coefficients, design: design, outcome: cohort.outcome, rows: rows,
        patients: cohort.patients)
    case .federatedAveraging(let settings):
      let learner = try PrivateGradient(featureCount: design.columns, settings: settings)
      let seed = noiseSeed(SumQuery.privateStep(query).canonicalBytes)
      let limit = settings.samplingRate >= 1 ? UInt64.max : UInt64(settings.samplingRate * 0x1p64)
      return try learner.answer(
        weights: query.coefficients, design: design, outcome: cohort.outcome, rows: rows,
        patients: cohort.patients, clip: query.clip
      ) { patient in
        guard limit < .max else { return true }
        let word = withUnsafeBytes(of: patient.littleEndian) { Array($0) }
        let digest = Blake2b.hash("wardround.sample", seed, word)
        return digest.bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) } < limit
      }
    }
  }

  // MARK: - Site answers

  mutating func privatePerformance(
    _ request: SiteQuery.PrivatePerformanceRequest
  ) throws -> [Int64] {
    let rows = firstRows(cohort.rowIndices(.holdout))
    let unit = Int64(PrivacyPlan.countUnit)
    var counts = [Int64](repeating: 0, count: request.length)
    let width = 2 * (request.cuts.count + 1)
    for (position, model) in request.models.enumerated() {
      let risks = try risks(of: model, transform: request.transform, rows: rows)
      for (index, row) in rows.enumerated() {
        let cell = 2 * Self.bin(risks[index], cuts: request.cuts) + Int(cohort.outcome[row])
        counts[position * width + cell] += unit
      }
    }
    return try withNoise(
      counts, request.noise, query: SiteQuery.privatePerformance(request).canonicalBytes)
  }

  mutating func privateDistribution(
    _ request: SiteQuery.PrivateDistributionRequest
  ) throws -> [Int64] {
    let rows = firstRows(cohort.rowIndices(.all))
    let unit = Int64(PrivacyPlan.countUnit)
    var counts = [Int64](repeating: 0, count: request.length)
    var offset = 0
    for (feature, bins) in request.bins.enumerated() {
      try count(feature, bins, rows: rows, unit: unit, into: &counts, at: offset)
      offset += bins.count + 1
    }
    let risks = try risks(of: request.model, transform: request.transform, rows: rows)
    for risk in risks { counts[offset + Self.bin(risk, cuts: request.scoreCuts)] += unit }
    return try withNoise(
      counts, request.noise, query: SiteQuery.privateDistribution(request).canonicalBytes)
  }

  func withNoise(
    _ counts: [Int64], _ noise: NoiseRequirement, query: [UInt8]
  ) throws -> [Int64] {
    guard noiseKey != nil else { return counts }
    let drawn = try DiscreteGaussian(variance: noise.variance).draws(
      count: counts.count, seed: noiseSeed(query))
    return zip(counts, drawn).map { $0 &+ $1 }
  }

  /// The seed of one release's randomness: the same when the release is computed again after a
  /// restart, so that a second answer is the first one and tells nobody anything new.
  private func noiseSeed(_ query: [UInt8]) -> [UInt8] {
    Blake2b.hash("wardround.noise", noiseKey ?? [], Array(site.utf8), query).bytes
  }
}
