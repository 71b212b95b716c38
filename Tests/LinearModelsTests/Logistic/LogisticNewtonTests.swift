import LinearModels
import PortableNumerics
import Testing

@Suite struct LogisticNewtonTests {
  static let cohort = SeededCohort(seed: 20_240_607, patients: 400, features: 5)

  /// scikit-learn 1.9.1 on the seeded cohort (161 events):
  /// `LogisticRegression(C=1/λ, solver="newton-cholesky", tol=1e-13, max_iter=500)`, C = inf for
  /// λ = 0; standard errors from `inv(XᵀWX + λI)` with numpy.
  static let scikitLearn: [(Double, [Double], [Double], Double)] = [
    (
      0,
      [
        -0.8103065069340879, 1.1271540389999803, -0.6443614410812742, 1.1968463627647403,
        -0.6662767336806755, 1.1498669273061655,
      ],
      [
        0.15317052901900313, 0.1517908978077128, 0.1272467345186961, 0.1509009487472927,
        0.13494546908435678, 0.15306850014695414,
      ], 315.74772622320666
    ),
    (
      0.01,
      [
        -0.8100091492951298, 1.1265905926439057, -0.6440548457650788, 1.1962685257471217,
        -0.6659264196322211, 1.149282803502205,
      ],
      [
        0.15312708749733733, 0.15171316494522244, 0.1272008841161371, 0.15082084613727365,
        0.134895440042525, 0.15298803536526626,
      ], 315.74775050016376
    ),
    (
      1,
      [
        -0.7833600813514647, 1.075701283556797, -0.6164386481755478, 1.144049904707129,
        -0.6342783874475666, 1.096535709322584,
      ],
      [
        0.1493033334751134, 0.14491103729792085, 0.12314266452361983, 0.14380812515475924,
        0.13045968473281397, 0.14595228489054873,
      ], 315.9562764750714
    ),
    (
      25,
      [
        -0.574733304281906, 0.634959008695214, -0.3823399347416995, 0.6892762060615614,
        -0.3604466588035989, 0.6418382024005006,
      ],
      [
        0.12224166393852492, 0.09767690918606518, 0.09113340830557197, 0.09547756509386343,
        0.09502721310034824, 0.09759423004916319,
      ], 341.18131117316
    ),
  ]

  @Test(arguments: scikitLearn)
  func agreesWithScikitLearn(
    ridge: Double, beta: [Double], standardErrors: [Double], deviance: Double
  ) throws {
    let cohort = Self.cohort
    let newton = try LogisticNewton(featureCount: 5, ridge: ridge)
    let state = try fit(
      newton, design: cohort.design, outcome: cohort.outcome, sites: [Array(0..<400)])
    #expect(state.status == .converged)
    #expect(state.iteration <= 8)
    #expect(state.patientCount == 400)
    #expect(state.eventCount == 161)
    for j in 0...5 {
      #expect((state.beta[j] - beta[j]).magnitude < 1e-9)
      #expect((state.standardErrors[j] - standardErrors[j]).magnitude < 1e-7)
    }
    #expect((state.deviance - deviance).magnitude < 1e-6)
  }

  @Test func partitionsAndShufflesChangeNoBit() throws {
    let cohort = Self.cohort
    let newton = try LogisticNewton(featureCount: 5, ridge: 1)
    let pooled = try fit(
      newton, design: cohort.design, outcome: cohort.outcome, sites: [Array(0..<400)])
    for seed in 1...24 as ClosedRange<UInt64> {
      var generator = Xoshiro256StarStar(seed: seed)
      var order = Array(0..<400)
      generator.shuffle(&order)
      let design = cohort.design.selectingRows(order)
      let outcome = order.map { cohort.outcome[$0] }
      let siteCount = 2 + generator.uniformInteger(below: 6)
      var sites = [[Int]](repeating: [], count: siteCount)
      for row in 0..<400 { sites[generator.uniformInteger(below: siteCount)].append(row) }
      if seed % 4 == 0 { sites.append([]) }
      let federated = try fit(newton, design: design, outcome: outcome, sites: sites)
      #expect(federated == pooled, "seed \(seed)")
      #expect(federated.bitPatterns == pooled.bitPatterns, "seed \(seed)")
    }
  }

  @Test func gradientMatchesFiniteDifferencesOfTheLogLikelihood() throws {
    let cohort = Self.cohort
    let beta = [0.3, -0.2, 0.5, 0.1, 0, -0.4]
    func logLikelihood(_ beta: [Double]) -> Double {
      var value = 0.0
      for i in 0..<400 {
        var eta = beta[0]
        for j in 0..<5 { eta += beta[j + 1] * cohort.design[i, j] }
        value -= Portable.softplus(cohort.outcome[i] == 1 ? -eta : eta)
      }
      return value
    }
    let answer = try LogisticNewton.answer(
      beta: beta, design: cohort.design, outcome: cohort.outcome)
    #expect(answer.count == LogisticNewton.vectorLength(featureCount: 5))
    #expect((Double(answer[27]) * 0x1p-32 - logLikelihood(beta)).magnitude < 1e-6)
    func gradient(_ beta: [Double]) throws -> [Double] {
      try LogisticNewton.answer(beta: beta, design: cohort.design, outcome: cohort.outcome)[0..<6]
        .map { Double($0) * 0x1p-34 }
    }
    let step = 1e-4
    var element = 6
    for j in 0..<6 {
      var up = beta
      var down = beta
      up[j] += step
      down[j] -= step
      let slope = (logLikelihood(up) - logLikelihood(down)) / (2 * step)
      #expect((Double(answer[j]) * 0x1p-34 - slope).magnitude < 1e-5)
      let difference = zip(try gradient(up), try gradient(down)).map { ($0 - $1) / (2 * step) }
      for k in j..<6 {
        #expect((Double(answer[element]) * 0x1p-32 + difference[k]).magnitude < 1e-4)
        element += 1
      }
    }
  }

  @Test func answersStayWithinTheStatedBound() throws {
    // The extreme patient: every feature beyond the bound, the worst probability.
    let design = try Matrix([[1e9, -1e9], [16, -16]])
    let answer = try LogisticNewton.answer(
      beta: [0, 0, 0], design: design, outcome: [1, 0], rows: [0])
    let bounds = LogisticNewton.perPatientBounds(featureCount: 2)
    #expect(zip(answer, bounds).allSatisfy { $0.magnitude <= $1.magnitude })
    #expect(answer[3 + 3] == 1 << 38)  // ¼ · 16² · 2³²
    #expect(answer.last == 1)
    let unlikely = try LogisticNewton.answer(
      beta: [0, 1000, -1000], design: design, outcome: [1, 0], rows: [1])
    #expect(unlikely[9] == -(64 << 32))
    #expect(unlikely[1] == -(16 << 34))
    #expect(zip(unlikely, bounds).allSatisfy { $0.magnitude <= $1.magnitude })
    // 2²⁴ such patients fit into 63 bits.
    let largest = (bounds.max() ?? 0).multipliedReportingOverflow(
      by: Int64(LogisticNewton.maximumPatientCount))
    #expect(!largest.overflow && largest.partialValue == 1 << 62)
  }

  @Test func predictionClipsAsTrainingDoes() throws {
    let beta = [0.1, 0.5]
    let probabilities = try LogisticNewton.predict(
      beta: beta, design: Matrix([[16], [40], [0], [.nan]]))
    #expect(probabilities[0] == probabilities[1])
    #expect(probabilities[2] == Portable.sigmoid(0.1))
    #expect(probabilities[3].isNaN)
    #expect(throws: LinearModelError(.shapeMismatch)) {
      _ = try LogisticNewton.predict(beta: [0], design: Matrix([[1]]))
    }
  }

  @Test func waldInference() throws {
    let cohort = Self.cohort
    let newton = try LogisticNewton(featureCount: 5, ridge: 0)
    let state = try fit(
      newton, design: cohort.design, outcome: cohort.outcome, sites: [Array(0..<400)])
    let interval = try #require(state.waldInterval(coefficient: 1))
    #expect((interval.upper - interval.lower - 2 * 1.959964 * 0.1517909).magnitude < 1e-5)
    let p = try #require(state.waldPValue(coefficient: 0))
    // 2 · norm.sf(0.8103065069 / 0.1531705290)
    #expect((p / 1.221662181876173e-07 - 1).magnitude < 1e-5)
    #expect(state.waldPValue(coefficient: 6) == nil)
    #expect(newton.initialState().waldInterval(coefficient: 0) == nil)
  }
}
