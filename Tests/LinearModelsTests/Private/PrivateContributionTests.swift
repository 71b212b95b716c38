import PortableNumerics
import Testing

@testable import LinearModels

/// What one patient can change, which the privacy of every noisy step rests on.
@Suite("One patient's contribution to a noisy step")
struct PrivateContributionTests {
  private static func table(
    _ generator: inout Xoshiro256StarStar, rows: Int, columns: Int, scale: Double
  ) throws -> (Matrix, [UInt8], [Int32]) {
    let design = try Matrix(
      rows: rows, columns: columns,
      storage: (0..<(rows * columns)).map { _ in scale * generator.normalDouble() })
    let outcome = (0..<rows).map { _ in UInt8(generator.uniformInteger(below: 2)) }
    // Up to four rows per patient.
    let patients = (0..<rows).map { Int32($0 / (1 + generator.uniformInteger(below: 4))) }
    return (design, outcome, patients)
  }

  private static func squaredDistance(_ a: [Int64], _ b: [Int64]) -> Int64 {
    zip(a, b).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
  }

  @Test("removing a patient moves a Newton answer by at most the sensitivity", arguments: 1...8)
  func newtonSensitivity(seed: Int) throws {
    var generator = Xoshiro256StarStar(seed: UInt64(seed))
    for columns in [0, 1, 5, 23] {
      // Scales far beyond what a standardised table holds are clipped all the same.
      let (design, outcome, patients) = try Self.table(
        &generator, rows: 60, columns: columns, scale: seed % 2 == 0 ? 1 : 12)
      let learner = try PrivateNewton(
        featureCount: columns, ridge: 1, rowBound: 2.5,
        means: (0..<columns).map { _ in 3 * generator.normalDouble() })
      let beta = (0...columns).map { _ in generator.normalDouble() }
      let bound = PrivateNewton.sensitivity(featureCount: columns)
      let all = try learner.answer(
        beta: beta, design: design, outcome: outcome, rows: Array(0..<60), patients: patients)
      for patient in Set(patients) {
        let others = (0..<60).filter { patients[$0] != patient }
        let without = try learner.answer(
          beta: beta, design: design, outcome: outcome, rows: others, patients: patients)
        #expect(
          Self.squaredDistance(all, without) <= bound * bound,
          "seed \(seed), \(columns) columns, patient \(patient)")
      }
    }
  }

  @Test(
    "removing a patient moves a gradient step, and the count within the clip, by at most the sensitivity",
    arguments: 1...8, [false, true])
  func gradientSensitivity(seed: Int, isAdaptive: Bool) throws {
    var generator = Xoshiro256StarStar(seed: UInt64(100 + seed))
    let (design, outcome, patients) = try Self.table(
      &generator, rows: 80, columns: 9, scale: seed % 2 == 0 ? 1 : 20)
    let settings = try FederatedAveragingSettings(
      rounds: 3, local: LocalTrainingSettings(epochs: 1, batchSize: 16, learningRate: 0.1),
      clipNorm: 0.7, samplingRate: 0.5, adaptiveClipping: isAdaptive ? .init() : nil)
    let learner = try PrivateGradient(featureCount: 9, settings: settings)
    // The bound of the moment, near the norms, so that some patients are within and some beyond.
    let clip = isAdaptive ? (seed % 2 == 0 ? 2.5 : 40) : nil
    let weights = (0..<10).map { _ in generator.normalDouble() }
    func answer(_ rows: [Int]) throws -> [Int64] {
      try learner.answer(
        weights: weights, design: design, outcome: outcome, rows: rows, patients: patients,
        clip: clip
      ) { $0 % 2 == 0 }
    }
    let bound = Int64(PrivateGradient.squaredSensitivity(settings))
    #expect(bound == 16_418 * 16_418 + (isAdaptive ? 2_048 * 2_048 : 0))
    var largest: Int64 = 0
    var signs: Set<Int64> = []
    let all = try answer(Array(0..<80))
    for patient in Set(patients) {
      let moved = Self.squaredDistance(
        all, try answer((0..<80).filter { patients[$0] != patient }))
      #expect(moved <= bound, "seed \(seed), patient \(patient)")
      largest = max(largest, moved)
      if isAdaptive, patient % 2 == 0 {
        let without = try answer((0..<80).filter { patients[$0] != patient })
        signs.insert((all[10] - without[10]).signum())
        #expect(
          (all[10] - without[10]).magnitude == 2_048, "a patient counts once, however many rows")
      }
      if patient % 2 == 1 { #expect(moved == 0, "a patient who was not drawn changes nothing") }
    }
    // The bound is not loose.
    #expect(Double(largest) > 0.9 * Double(bound), "seed \(seed): \(largest)")
    if isAdaptive { #expect(signs == [-1, 1], "some are within the clip and some beyond") }
  }

  @Test("the bound moves to the quantile of the gradients' norms, whatever noise the count carries")
  func fractionWithin() throws {
    var generator = Xoshiro256StarStar(seed: 31)
    let (design, outcome, patients) = try Self.table(&generator, rows: 600, columns: 4, scale: 1)
    let count = Double(Set(patients).count)
    let settings = try FederatedAveragingSettings(
      rounds: 1, local: LocalTrainingSettings(), adaptiveClipping: .init(quantile: 0.5, rate: 0.2))
    let learner = try PrivateGradient(featureCount: 4, settings: settings)
    func within(_ clip: Double, noise: Double = 0) throws -> Double {
      var total = try learner.answer(
        weights: [0, 0, 0, 0, 0], design: design, outcome: outcome, rows: Array(0..<600),
        patients: patients, clip: clip, takesPart: { _ in true })
      total[5] += Int64(noise * generator.normalDouble())
      return try #require(try learner.fractionWithin(total: total, patientCount: count))
    }
    #expect(try within(1e-6) == 0 && within(1e6) == 1)
    // Norms are known exactly from the counts alone: the fraction rises from 0 to 1 with the bound.
    let fractions = try stride(from: 0.1, through: 20, by: 0.1).map { try within($0) }
    #expect(zip(fractions, fractions.dropFirst()).allSatisfy { $0 <= $1 })
    for start in [0.01, 100] {
      var clip = start
      for _ in 0..<200 {
        let seen = min(max(try within(clip, noise: 20_000), 0), 1)
        clip *= Portable.exp(-0.2 * (seen - 0.5))
      }
      #expect(abs(try within(clip) - 0.5) < 0.1, "from \(start) to \(clip)")
    }
    let fixed = try PrivateGradient(
      featureCount: 4, settings: .init(rounds: 1, local: LocalTrainingSettings()))
    #expect(try fixed.fractionWithin(total: [0, 0, 0, 0, 0], patientCount: 1) == nil)
    #expect(throws: LinearModelError(.totalLength)) {
      _ = try learner.fractionWithin(total: [0], patientCount: 1)
    }
    for clip in [0, -1, .nan, .infinity, 1e10] {
      #expect(throws: LinearModelError(.nonFiniteParameter)) { _ = try within(clip) }
    }
    for (quantile, rate) in [(0, 0.2), (1, 0.2), (0.5, 0), (.nan, 0.2), (0.5, 11)] {
      #expect(throws: LinearModelError(.invalidSettings)) {
        _ = try FederatedAveragingSettings(
          rounds: 1, local: LocalTrainingSettings(),
          adaptiveClipping: .init(quantile: quantile, rate: rate))
      }
    }
  }

  @Test("without noise the steps go where Newton's method goes")
  func noiselessStepsConverge() throws {
    var generator = Xoshiro256StarStar(seed: 7)
    let rows = 4000
    let columns = 4
    let truth = [-1.0, 0.8, -0.5, 0.3, 0]
    let design = try Matrix(
      rows: rows, columns: columns,
      storage: (0..<(rows * columns)).map { _ in generator.normalDouble() })
    let outcome = (0..<rows).map { row -> UInt8 in
      var eta = truth[0]
      for j in 0..<columns { eta += truth[j + 1] * design[row, j] }
      return generator.uniformDouble() < Portable.sigmoid(eta) ? 1 : 0
    }
    // A bound beyond every row: nothing is clipped. Any means give the same model in the end.
    let learner = try PrivateNewton(
      featureCount: columns, ridge: 0, rowBound: 12, means: [0.4, -1, 0, 0.2])
    let exact = try LogisticNewton(featureCount: columns, ridge: 0)
    var iterates: [[Double]] = []
    var beta = [Double](repeating: 0, count: columns + 1)
    for _ in 0..<8 {
      let total = try learner.answer(
        beta: beta, design: design, outcome: outcome, rows: Array(0..<rows),
        patients: (0..<rows).map { Int32($0) })
      beta = try learner.update(beta, total: total, noise: 0)
      iterates.append(beta)
    }
    let found = try learner.coefficients(after: iterates)
    var state = exact.initialState()
    while !state.isFinished {
      state = try exact.update(
        state,
        total: try LogisticNewton.answer(beta: state.beta, design: design, outcome: outcome))
    }
    // The lattice is coarse: a patient's rounding is up to half a unit of 2^14 / 12.
    for (mine, theirs) in zip(found, state.beta) { #expect(abs(mine - theirs) < 2e-3) }
  }

  @Test("steps on weighted rows settle instead of swinging around the optimum")
  func weightedRowsConverge() throws {
    var generator = Xoshiro256StarStar(seed: 11)
    let (design, _, _) = try Self.table(&generator, rows: 1500, columns: 6, scale: 1)
    // A rare outcome: where it is common, the clip of the Hessian still makes the steps longer.
    let outcome = (0..<1500).map { _ in UInt8(generator.uniformDouble() < 0.08 ? 1 : 0) }
    // Every row is about twice as long as the bound.
    let learner = try PrivateNewton(featureCount: 6, ridge: 1, rowBound: 1.3)
    var beta = [-2.4] + [Double](repeating: 0.2, count: 6)
    var moves: [Double] = []
    for _ in 0..<5 {
      let next = try learner.update(
        beta,
        total: try learner.answer(
          beta: beta, design: design, outcome: outcome, rows: Array(0..<1500),
          patients: (0..<1500).map { Int32($0) }), noise: 0)
      moves.append(zip(beta, next).map { abs($0 - $1) }.max() ?? 0)
      beta = next
    }
    #expect(moves[4] < 2e-3 && moves[1] < 0.5 * moves[0], "\(moves)")
  }

  @Test("the model is the mean of the last two iterates, on the design's own columns")
  func averages() throws {
    let learner = try PrivateNewton(featureCount: 1, ridge: 1, rowBound: 2, means: [0.5])
    #expect(try learner.coefficients(after: [[9, 9], [1, 2], [3, 4]]) == [2 - 3 * 0.5, 3])
    // The first step starts from nothing and is never averaged.
    #expect(try learner.coefficients(after: [[9, 9], [1, 2]]) == [1 - 2 * 0.5, 2])
    #expect(throws: LinearModelError(.shapeMismatch)) { _ = try learner.coefficients(after: []) }
    #expect(throws: LinearModelError(.invalidSettings)) {
      _ = try PrivateNewton(featureCount: 2, ridge: 1, rowBound: 2, means: [0])
    }
  }

  @Test("a total that no patients and no noise explain is refused")
  func implausibleTotals() throws {
    let learner = try PrivateNewton(featureCount: 2, ridge: 1, rowBound: 2)
    var total = [Int64](repeating: 0, count: learner.vectorLength)
    total[1] = .max
    #expect(throws: LinearModelError(.totalOutOfRange, index: 1)) {
      _ = try learner.update([0, 0, 0], total: total, noise: 1e4)
    }
    #expect(throws: LinearModelError(.totalLength)) {
      _ = try learner.update([0, 0, 0], total: [1, 2], noise: 1)
    }
  }

  @Test("gradient steps without noise and sampling go where Newton's method goes, with its ridge")
  func gradientStepsConverge() throws {
    var generator = Xoshiro256StarStar(seed: 11)
    let (rows, columns) = (3000, 3)
    let truth = [-0.6, 0.9, -0.4, 0.2]
    let design = try Matrix(
      rows: rows, columns: columns,
      storage: (0..<(rows * columns)).map { _ in generator.normalDouble() })
    let outcome = (0..<rows).map { row -> UInt8 in
      var eta = truth[0]
      for j in 0..<columns { eta += truth[j + 1] * design[row, j] }
      return generator.uniformDouble() < Portable.sigmoid(eta) ? 1 : 0
    }
    let ridge = 150.0
    let settings = try FederatedAveragingSettings(
      rounds: 60,
      local: LocalTrainingSettings(
        epochs: 1, batchSize: 16, learningRate: 0.1, l2Penalty: ridge),
      clipNorm: 12, serverOptimiser: .average, serverLearningRate: 3)
    let learner = try PrivateGradient(featureCount: columns, settings: settings)
    var state = try FederatedAveraging(parameterCount: columns + 1, settings: settings)
      .initialState(weights: [0, 0, 0, 0])
    for _ in 0..<settings.rounds {
      let total = try learner.answer(
        weights: state.weights, design: design, outcome: outcome, rows: Array(0..<rows),
        patients: (0..<rows).map { Int32($0) }, takesPart: { _ in true })
      state = try learner.update(state, total: total, patientCount: Double(rows))
    }
    let exact = try LogisticNewton(featureCount: columns, ridge: ridge)
    var newton = exact.initialState()
    while !newton.isFinished {
      newton = try exact.update(
        newton,
        total: try LogisticNewton.answer(beta: newton.beta, design: design, outcome: outcome))
    }
    // A patient's rounding is up to half a unit of 2^14/12; the mean over the patients is far less.
    for (mine, theirs) in zip(state.weights, newton.beta) { #expect(abs(mine - theirs) < 1e-3) }
    #expect(throws: LinearModelError(.finished)) {
      _ = try learner.update(state, total: [0, 0, 0, 0], patientCount: 1)
    }
  }

  @Test("a gradient below the clip is added whole, one above it keeps its direction")
  func gradientAtTheClip() throws {
    // At weights 0 a patient with x = 2 and an event has the gradient ½ (1, 2), of norm ½√5.
    let design = try Matrix(rows: 1, columns: 1, storage: [2])
    let norm = 0.5 * 5.0.squareRoot()
    func answer(clip: Double) throws -> [Int64] {
      let settings = try FederatedAveragingSettings(
        rounds: 1, local: LocalTrainingSettings(epochs: 1, batchSize: 1, learningRate: 0.1),
        clipNorm: clip)
      return try PrivateGradient(featureCount: 1, settings: settings).answer(
        weights: [0, 0], design: design, outcome: [1], rows: [0], patients: [0],
        takesPart: { _ in true })
    }
    for factor in [2, 1.001, 0.999, 0.25] {
      let clip = norm * factor
      let found = try answer(clip: clip).map(Double.init)
      let shrink = min(1, clip / norm) * 0x1p14 / clip
      #expect(abs(found[0] - 0.5 * shrink) <= 0.5 && abs(found[1] - shrink) <= 0.5, "\(factor)")
      let length = (found[0] * found[0] + found[1] * found[1]).squareRoot()
      #expect(length <= Double(PrivateGradient.sensitivity))
      #expect(abs(length - 0x1p14 / max(factor, 1)) < 1, "\(factor)")
    }
  }
}
