import LinearModels
import PortableNumerics
import Testing

/// Laws of every learner that is a parameter vector, on the two that are here.
@Suite struct LearnerTests {
  static let cohort = SeededCohort(seed: 8, patients: 90, features: 4)

  func checkGradient<Learner: ParameterVectorLearner>(
    _ learner: Learner, _ examples: Learner.Examples, tolerance: Double
  ) {
    let rows = [0, 3, 5, 60, 61, 89]
    let parameters = (0..<learner.parameterCount).map { 0.3 * Double($0) - 0.5 }
    var gradient = [Double](repeating: 0, count: learner.parameterCount)
    learner.addGradient(at: parameters, examples: examples, indices: rows[...], to: &gradient)
    for index in parameters.indices {
      var up = parameters
      var down = parameters
      up[index] += 1e-5
      down[index] -= 1e-5
      let slope =
        (learner.lossSum(at: up, examples: examples, indices: rows[...])
          - learner.lossSum(at: down, examples: examples, indices: rows[...])) / 2e-5
      #expect((gradient[index] - slope).magnitude < tolerance)
    }
  }

  @Test func gradientsMatchFiniteDifferences() throws {
    let binary = try TabularExamples(design: Self.cohort.design, outcome: Self.cohort.outcome)
    checkGradient(LogisticLearner(featureCount: 4), binary, tolerance: 1e-8)
    checkGradient(LinearRegressionLearner(featureCount: 4), binary, tolerance: 1e-8)
  }

  @Test func linearRegressionRecoversTheLine() throws {
    let learner = LinearRegressionLearner(featureCount: 1)
    let x = (0..<50).map { Double($0) / 25 - 1 }
    let examples = try TabularExamples(
      design: Matrix(x.map { [$0] }), outcome: x.map { 0.5 - 2 * $0 })
    let settings = try LocalTrainingSettings(epochs: 200, batchSize: 10, learningRate: 0.1)
    let weights = try learner.localUpdate(
      from: learner.initialParameters(seed: 0), examples: examples, rows: nil,
      settings: settings, seed: 2)
    #expect((weights[0] - 0.5).magnitude < 1e-9)
    #expect((weights[1] + 2).magnitude < 1e-9)
  }

  @Test func penaltyIsTheRidgePenaltyPerPatient() throws {
    // ½ λ ‖w‖² on the mean loss is Newton's ridge n · λ.
    let learner = LogisticLearner(featureCount: 4)
    let examples = try TabularExamples(design: Self.cohort.design, outcome: Self.cohort.outcome)
    let settings = try LocalTrainingSettings(
      epochs: 800, batchSize: 90, learningRate: 0.8, l2Penalty: 0.1)
    let weights = try learner.localUpdate(
      from: learner.initialParameters(seed: 1), examples: examples, rows: nil,
      settings: settings, seed: 2)
    let newton = try LogisticNewton(featureCount: 4, ridge: 9)
    let state = try fit(
      newton, design: Self.cohort.design, outcome: Self.cohort.outcome, sites: [Array(0..<90)])
    for (a, b) in zip(weights, state.beta) { #expect((a - b).magnitude < 1e-8) }
  }

  @Test func trainingDependsOnTheSeedAndTheRowsOnly() throws {
    let learner = LogisticLearner(featureCount: 4)
    let examples = try TabularExamples(design: Self.cohort.design, outcome: Self.cohort.outcome)
    let settings = try LocalTrainingSettings(epochs: 2, batchSize: 7)
    let start = learner.initialParameters(seed: 4)
    #expect(start == learner.initialParameters(seed: 4))
    #expect(start != learner.initialParameters(seed: 5))
    #expect(start.allSatisfy { $0.magnitude <= 0.5 })
    func train(_ rows: [Int]?, _ seed: UInt64) throws -> [Double] {
      try learner.localUpdate(
        from: start, examples: examples, rows: rows, settings: settings, seed: seed)
    }
    #expect(try train(nil, 1) == train(nil, 1))
    #expect(try train(nil, 1) != train(nil, 2))
    #expect(try train([], 1) == start)
    #expect(throws: LinearModelError(.shapeMismatch)) { _ = try train([90], 1) }
  }

  @Test func examplesAreChecked() throws {
    #expect(throws: LinearModelError(.shapeMismatch)) {
      _ = try TabularExamples(design: Matrix([[1]]), outcome: [1.0, 2])
    }
    #expect(throws: LinearModelError(.nonFiniteFeature, index: 1)) {
      _ = try TabularExamples(design: Matrix([[1, .nan]]), outcome: [1.0])
    }
    #expect(throws: LinearModelError(.invalidOutcome, index: 0)) {
      _ = try TabularExamples(design: Matrix([[1]]), outcome: [Double.infinity])
    }
    let clipped = try TabularExamples(design: Matrix([[99, -99]]), outcome: [0.5])
    #expect(clipped.design.storage == [16, -16])
    #expect(throws: LinearModelError(.invalidOutcome, index: 0)) {
      try LogisticLearner(featureCount: 2).check(clipped)
    }
    #expect(throws: LinearModelError(.shapeMismatch)) {
      try LinearRegressionLearner(featureCount: 3).check(clipped)
    }
    for settings in [(0, 1, 0.1, 0.0), (1, 0, 0.1, 0), (1, 1, 0, 0), (1, 1, 0.1, -1)] {
      #expect(throws: LinearModelError(.invalidSettings)) {
        _ = try LocalTrainingSettings(
          epochs: settings.0, batchSize: settings.1, learningRate: settings.2,
          proximalStrength: settings.3)
      }
    }
  }
}
