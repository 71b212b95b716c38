import LinearModels
import PortableNumerics
import Testing

@Suite struct FederatedAveragingTests {
  static let cohort = SeededCohort(seed: 77, patients: 240, features: 3)
  static let sites = (0..<3).map { site in (0..<240).filter { $0 % 3 == site } }

  func examples() throws -> TabularExamples {
    try TabularExamples(design: Self.cohort.design, outcome: Self.cohort.outcome)
  }

  /// All rounds over the given sites; returns every state.
  func run(
    _ settings: FederatedAveragingSettings, sites: [[Int]] = sites
  ) throws -> [FederatedAveragingState] {
    let learner = LogisticLearner(featureCount: 3)
    let averaging = try FederatedAveraging(parameterCount: 4, settings: settings)
    let data = try examples()
    var states = [
      try averaging.initialState(weights: learner.initialParameters(seed: settings.seed))
    ]
    while let state = states.last, !averaging.isFinished(state) {
      let answers = try sites.enumerated().map { site, rows in
        try averaging.answer(
          state, learner: learner, examples: data, rows: rows, siteWord: UInt64(site))
      }
      states.append(try averaging.update(state, total: sum(answers)))
    }
    return states
  }

  @Test(arguments: ServerOptimiser.allCases)
  func everyOptimiserLearns(optimiser: ServerOptimiser) throws {
    let local = try LocalTrainingSettings(epochs: 1, batchSize: 16, learningRate: 0.05)
    let settings = try FederatedAveragingSettings(
      rounds: 60, local: local, serverOptimiser: optimiser, seed: 3)
    let states = try run(settings)
    let newton = try LogisticNewton(featureCount: 3, ridge: 0)
    let best = try fit(
      newton, design: Self.cohort.design, outcome: Self.cohort.outcome, sites: [Array(0..<240)])
    let final = try #require(states.last)
    #expect(final.meanLoss < best.deviance / 480 + 0.01)
    #expect(final.patientCount == 240)
    #expect(final.siteCount == 3)
    #expect(try run(settings) == states)
  }

  @Test func fullBatchDescentLowersTheLossInEveryRound() throws {
    let local = try LocalTrainingSettings(epochs: 1, batchSize: 1000, learningRate: 0.2)
    let states = try run(FederatedAveragingSettings(rounds: 40, local: local, seed: 1))
    let losses = states.dropFirst().map { $0.meanLoss }
    for (before, after) in zip(losses, losses.dropFirst()) { #expect(after < before) }
  }

  /// One full-batch step at each site is one step of the pooled gradient.
  @Test func oneFullBatchStepEqualsPooledDescent() throws {
    let local = try LocalTrainingSettings(epochs: 1, batchSize: 1000, learningRate: 0.1)
    let settings = try FederatedAveragingSettings(rounds: 5, local: local, seed: 1)
    let federated = try #require(run(settings).last)
    let pooled = try #require(run(settings, sites: [Array(0..<240)]).last)
    for (a, b) in zip(federated.weights, pooled.weights) { #expect((a - b).magnitude < 1e-9) }
  }

  @Test(arguments: [0, 10.0])
  func updatesAreClippedAndCounted(proximal: Double) throws {
    let local = try LocalTrainingSettings(
      epochs: 5, batchSize: 8, learningRate: 0.5, proximalStrength: proximal)
    let settings = try FederatedAveragingSettings(rounds: 1, local: local, clipNorm: 0.01)
    let states = try run(settings)
    #expect(states[1].clippedSiteCount == 3)
    let moved = zip(states[0].weights, states[1].weights).map { ($1 - $0) * ($1 - $0) }
    #expect(moved.reduce(0, +).squareRoot() <= 0.01 + 1e-9)
  }

  @Test func infiniteProximalTermStaysAtTheGlobalWeights() throws {
    let learner = LogisticLearner(featureCount: 3)
    let start = [0.5, -1, 0.25, 2]
    var distances: [Double] = []
    for strength in [0, 1, 100, 1e6, 1e300] {
      let settings = try LocalTrainingSettings(
        epochs: 4, batchSize: 16, learningRate: 0.5, proximalStrength: strength)
      let local = try learner.localUpdate(
        from: start, examples: examples(), rows: nil, settings: settings, seed: 9)
      distances.append(
        zip(local, start).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot())
    }
    for (weak, strong) in zip(distances, distances.dropFirst()) { #expect(strong < weak) }
    #expect(distances[4] < 1e-15)
  }

  @Test func divergingTrainingIsReported() throws {
    let learner = LinearRegressionLearner(featureCount: 3)
    let settings = try LocalTrainingSettings(epochs: 50, batchSize: 4, learningRate: 100)
    #expect {
      _ = try learner.localUpdate(
        from: [0, 0, 0, 0], examples: examples(), rows: nil, settings: settings, seed: 1)
    } throws: { error in
      (error as? LinearModelError)?.code == .diverged
    }
    let averaging = try FederatedAveraging(
      parameterCount: 2,
      settings: FederatedAveragingSettings(rounds: 1, local: LocalTrainingSettings()))
    for bad in [Double.nan, .infinity, 1e7] {
      #expect(throws: LinearModelError(.diverged, index: 1)) {
        _ = try averaging.encode(local: [0, bad], global: [0, 0], patientCount: 3, lossSum: 1)
      }
    }
    #expect(throws: LinearModelError(.diverged)) {
      _ = try averaging.encode(local: [0, 0], global: [0, 0], patientCount: 3, lossSum: .nan)
    }
  }

  @Test func emptySiteAnswersZerosAndNoPatientsIsAnError() throws {
    let learner = LogisticLearner(featureCount: 3)
    let settings = try FederatedAveragingSettings(rounds: 2, local: LocalTrainingSettings())
    let averaging = try FederatedAveraging(parameterCount: 4, settings: settings)
    let state = try averaging.initialState(weights: [0, 0, 0, 0])
    let zeros = try averaging.answer(
      state, learner: learner, examples: examples(), rows: [], siteWord: 1)
    #expect(zeros == [Int64](repeating: 0, count: averaging.vectorLength))
    #expect(throws: LinearModelError(.noPatients)) { _ = try averaging.update(state, total: zeros) }
    let with = try averaging.answer(state, learner: learner, examples: examples(), siteWord: 1)
    #expect(
      try averaging.update(state, total: sum([with, zeros]))
        == averaging.update(state, total: with))
  }

  @Test func impossibleTotalsAreRefused() throws {
    let settings = try FederatedAveragingSettings(rounds: 1, local: LocalTrainingSettings())
    let averaging = try FederatedAveraging(parameterCount: 2, settings: settings)
    let state = try averaging.initialState(weights: [0, 0])
    let good = try averaging.encode(
      local: [0.1, -0.2], global: [0, 0], patientCount: 50, lossSum: 30)
    _ = try averaging.update(state, total: good)
    for (index, value) in [
      (0, 51 << 37), (1, Int64.min), (2, -1), (2, 1 << 25), (3, 2), (3, -1), (4, -1),
      (4, Int64.max), (5, 51), (5, -1),
    ] as [(Int, Int64)] {
      var bad = good
      bad[index] = value
      #expect(throws: LinearModelError.self, "element \(index)") {
        _ = try averaging.update(state, total: bad)
      }
    }
    #expect(throws: LinearModelError(.totalLength)) { _ = try averaging.update(state, total: [1]) }
    let done = try averaging.update(state, total: good)
    #expect(averaging.isFinished(done))
    #expect(throws: LinearModelError(.finished)) { _ = try averaging.update(done, total: good) }
  }

  @Test(arguments: [(1.0, 37), (0.5, 38), (2.0, 36), (1.5, 36), (1000.0, 27), (0.001, 46)])
  func encodingKeepsItsBound(clipNorm: Double, bits: Int) throws {
    let settings = try FederatedAveragingSettings(
      rounds: 1, local: LocalTrainingSettings(), clipNorm: clipNorm)
    let averaging = try FederatedAveraging(parameterCount: 1, settings: settings)
    #expect(averaging.fractionBits == bits)
    let most = FederatedAveraging.maximumPatientCount
    let answer = try averaging.encode(
      local: [1e6], global: [-1e6], patientCount: most, lossSum: 1e30)
    #expect(answer[0] <= 1 << 61 && answer[0] > 1 << 59)
    #expect(answer[3] == 1 << 62)
    #expect(answer[2] == 1)
    #expect(throws: LinearModelError(.tooManyPatients)) {
      _ = try averaging.encode(local: [0], global: [0], patientCount: most + 1, lossSum: 0)
    }
  }
}
