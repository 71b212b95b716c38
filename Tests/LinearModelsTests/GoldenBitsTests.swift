import LinearModels
import PortableNumerics
import Testing

/// The replicated update step gives the same bits on every machine and at every optimisation
/// level. These words were written by a debug build on x86-64; any other build has to match them.
@Suite struct GoldenBitsTests {
  static let cohort = SeededCohort(seed: 20_240_607, patients: 400, features: 5)

  @Test func newton() throws {
    let state = try fit(
      LogisticNewton(featureCount: 5, ridge: 1), design: Self.cohort.design,
      outcome: Self.cohort.outcome, sites: [Array(0..<150), Array(150..<400)])
    #expect(SplitMix64.seed(words: state.bitPatterns) == 7_237_372_416_272_280_102)
  }

  @Test(arguments: ServerOptimiser.allCases)
  func averaging(optimiser: ServerOptimiser) throws {
    let settings = try FederatedAveragingSettings(
      rounds: 5, local: LocalTrainingSettings(epochs: 2, batchSize: 32, proximalStrength: 0.1),
      serverOptimiser: optimiser, seed: 6)
    let learner = LogisticLearner(featureCount: 5)
    let averaging = try FederatedAveraging(parameterCount: 6, settings: settings)
    let examples = try TabularExamples(design: Self.cohort.design, outcome: Self.cohort.outcome)
    var state = try averaging.initialState(weights: learner.initialParameters(seed: 6))
    while !averaging.isFinished(state) {
      let total = try averaging.answer(state, learner: learner, examples: examples, siteWord: 1)
      state = try averaging.update(state, total: total)
    }
    let expected: [ServerOptimiser: UInt64] = [
      .average: 809_656_488_246_552_867, .momentum: 12_178_784_703_342_702_817,
      .adagrad: 6_229_180_935_441_639_152, .adam: 7_644_658_092_130_195_236,
      .yogi: 9_108_867_351_975_130_886,
    ]
    #expect(SplitMix64.seed(words: state.bitPatterns) == expected[optimiser])
  }
}
