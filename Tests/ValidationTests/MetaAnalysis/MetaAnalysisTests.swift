import Testing

@testable import Validation

@Suite struct MetaAnalysisTests {
  static let values = [0.9, 1.2, 0.4, 1.0]
  static let variances = [0.04, 0.09, 0.05, 0.03]

  static func inputs(
    shift: Double = 0, scale: Double = 1
  ) -> [(site: String, estimate: Estimate?)] {
    values.indices.map { index in
      (
        site: "site-\(index)",
        estimate: Estimate(
          value: scale * values[index] + shift,
          standardError: scale.magnitude * variances[index].squareRoot())
      )
    }
  }

  @Test func knownAnswers() throws {
    let moment = try #require(
      MetaAnalysis(Self.inputs(), estimator: .derSimonianLaird, method: .wald))
    #expect(close(moment.q, 6.20911, 1e-6))
    #expect(close(moment.iSquared, 0.51684, 1e-5))
    #expect(close(moment.tauSquared, 0.05, 1e-6))
    #expect(close(moment.mean.value, 0.860565, 1e-6))
    #expect(close(moment.mean.standardError, 0.156644, 1e-6))
    let restricted = try #require(MetaAnalysis(Self.inputs()))
    #expect(close(restricted.tauSquared, 0.0504948, 1e-7))
    #expect(close(restricted.mean.value, 0.860590, 1e-6))
    #expect(close(restricted.mean.standardError, 0.161939, 1e-6))
    #expect(close(restricted.interval?.lower, 0.345228, 1e-6))
    #expect(close(restricted.interval?.upper, 1.375952, 1e-6))
    #expect(close(restricted.predictionInterval?.lower, -0.331167, 1e-6))
    #expect(close(restricted.predictionInterval?.upper, 2.052348, 1e-6))
    #expect(!restricted.isGuarded)
    #expect(close(restricted.studies.reduce(0) { $0 + $1.weight }, 1))
  }

  @Test func shiftingAndScalingMoveTheSummaryAlong() throws {
    let plain = try #require(MetaAnalysis(Self.inputs()))
    let shifted = try #require(MetaAnalysis(Self.inputs(shift: 5)))
    #expect(close(shifted.mean.value, plain.mean.value + 5, 1e-9))
    #expect(close(shifted.tauSquared, plain.tauSquared ?? 0, 1e-9))
    let scaled = try #require(MetaAnalysis(Self.inputs(scale: -3)))
    #expect(close(scaled.mean.value, -3 * plain.mean.value, 1e-9))
    #expect(close(scaled.tauSquared, 9 * (plain.tauSquared ?? 0), 1e-9))
    #expect(close(scaled.iSquared, plain.iSquared ?? 0, 1e-9))
  }

  @Test func orderOfHospitalsDoesNotMatter() throws {
    let plain = try #require(MetaAnalysis(Self.inputs()))
    let turned = try #require(MetaAnalysis(Self.inputs().reversed()))
    #expect(close(turned.mean.value, plain.mean.value, 1e-12))
    #expect(close(turned.tauSquared, plain.tauSquared ?? 0, 1e-10))
  }

  @Test func alikeHospitalsHaveNoHeterogeneity() throws {
    let same = (0..<6).map { index in
      (site: "s\(index)", estimate: Estimate(value: 0.7, standardError: 0.1))
    }
    let summary = try #require(MetaAnalysis(same))
    #expect(summary.tauSquared == 0)
    #expect(summary.iSquared == 0)
    #expect(close(summary.mean.value, 0.7))
    #expect(close(summary.qPValue, 1))
  }

  @Test func fewHospitals() throws {
    #expect(MetaAnalysis([]) == nil)
    #expect(MetaAnalysis([(site: "a", estimate: nil)]) == nil)
    let one = try #require(
      MetaAnalysis([(site: "a", estimate: Estimate(value: 1, standardError: 0.2))]))
    #expect(one.mean.value == 1)
    #expect(one.tauSquared == nil && one.interval == nil && one.predictionInterval == nil)
    let two = try #require(MetaAnalysis(Array(Self.inputs().prefix(2))))
    #expect(two.interval != nil && two.predictionInterval == nil)
    // Two nearly equal values would give a far too short HKSJ interval.
    let near = try #require(
      MetaAnalysis([
        (site: "a", estimate: Estimate(value: 1, standardError: 0.2)),
        (site: "b", estimate: Estimate(value: 1.001, standardError: 0.2)),
      ]))
    #expect(near.isGuarded)
    #expect(close(near.mean.standardError, 0.2 / 2.0.squareRoot()))
  }

  @Test func hospitalsWithoutTheMeasureAreLeftOutByName() throws {
    var inputs = Self.inputs()
    inputs.append((site: "one-class", estimate: nil))
    inputs.append((site: "perfect", estimate: Estimate(value: 9, standardError: 0)))
    inputs.append((site: "no-error", estimate: Estimate(value: 9, standardError: nil)))
    let summary = try #require(MetaAnalysis(inputs))
    #expect(summary.count == 4)
    #expect(summary.omitted.map(\.site) == ["one-class", "perfect", "no-error"])
    #expect(close(summary.mean.value, 0.860590, 1e-6))
  }

  @Test(arguments: [41, 42, 43, 44] as [UInt64])
  func restrictedLikelihoodIsAtItsMinimum(seed: UInt64) {
    var uniform = SeededUniform(seed: seed)
    let values = (0..<7).map { _ in 3 * uniform.next() }
    let variances = (0..<7).map { _ in 0.02 + 0.3 * uniform.next() }
    let effects = RandomEffects(values: values, variances: variances)
    let best = effects.restrictedMaximumLikelihood
    func derivative(_ tau: Double) -> Double {
      let fit = effects.weighted(tauSquared: tau)
      return fit.weightSum - fit.squaredWeightSum / fit.weightSum - fit.doublyWeightedSquares
    }
    if best > 0 {
      #expect(derivative(best).magnitude < 1e-9, "seed \(seed)")
    } else {
      #expect(derivative(0) >= 0, "seed \(seed)")
    }
  }

  /// Reference: scipy minimize_scalar on the restricted likelihood, scipy.stats.t; per seed 7 values
  /// 3u, then 7 variances 0.02 + 0.3u. Columns: τ², μ, HKSJ standard error, prediction interval.
  @Test(
    arguments: [
      (41, [0.90920239, 1.60630267, 0.38071611, -1.03295659, 4.24556192]),
      (42, [0.65131291, 1.11324808, 0.34570563, -1.14363682, 3.37013298]),
      (43, [0.70814111, 1.25621738, 0.35549157, -1.09205572, 3.60449048]),
      (44, [0.33336794, 1.85793951, 0.28114331, 0.20713455, 3.50874447]),
    ] as [(UInt64, [Double])])
  func agreesWithScipy(seed: UInt64, expected: [Double]) throws {
    var uniform = SeededUniform(seed: seed)
    let values = (0..<7).map { _ in 3 * uniform.next() }
    let variances = (0..<7).map { _ in 0.02 + 0.3 * uniform.next() }
    let summary = try #require(
      MetaAnalysis(
        values.indices.map { index in
          (
            site: "s\(index)",
            estimate: Estimate(
              value: values[index], standardError: variances[index].squareRoot())
          )
        }))
    #expect(close(summary.tauSquared, expected[0], 1e-6), "seed \(seed)")
    #expect(close(summary.mean.value, expected[1], 1e-6), "seed \(seed)")
    #expect(close(summary.mean.standardError, expected[2], 1e-6), "seed \(seed)")
    #expect(close(summary.predictionInterval?.lower, expected[3], 1e-6), "seed \(seed)")
    #expect(close(summary.predictionInterval?.upper, expected[4], 1e-6), "seed \(seed)")
  }

  @Test func performanceIsPooledOnItsScale() throws {
    var sites: [(site: String, performance: SitePerformance)] = []
    for seed in [1, 2, 3, 4] as [UInt64] {
      let cohort = SeededCohort(count: 200, seed: seed)
      sites.append(
        (
          site: "site-\(seed)",
          performance: try HoldoutEvaluation.evaluate(
            probabilities: cohort.first, outcome: cohort.outcomes, threshold: 0.3, minimumCell: 5)
        ))
    }
    sites.append(
      (
        site: "one-class",
        performance: try HoldoutEvaluation.evaluate(
          probabilities: [0.1, 0.2], outcome: [false, false], threshold: 0.3, minimumCell: 1)
      ))
    for measure in PerformanceSummary.Measure.allCases {
      let summary = try #require(PerformanceSummary(measure, sites: sites))
      #expect(summary.analysis.count == 4)
      #expect(summary.analysis.omitted.map(\.site) == ["one-class"])
      #expect(summary.interval?.contains(summary.mean) == true)
      #expect(summary.predictionInterval?.contains(summary.mean) == true)
    }
    let auroc = try #require(PerformanceSummary(.auroc, sites: sites))
    #expect(auroc.mean > 0.6 && auroc.mean < 0.85)
    #expect(PerformanceSummary(.auroc, sites: [sites[4]]) == nil)
  }
}
