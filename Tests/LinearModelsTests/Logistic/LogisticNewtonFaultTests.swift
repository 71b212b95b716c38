import LinearModels
import PortableNumerics
import Testing

/// Awkward data gives finite coefficients with a ridge penalty and a clear error without.
@Suite struct LogisticNewtonFaultTests {
  static let cohort = SeededCohort(seed: 5, patients: 120, features: 2)

  func fitAll(
    _ design: Matrix, _ outcome: [UInt8], ridge: Double
  ) throws -> LogisticNewtonState {
    let newton = try LogisticNewton(featureCount: design.columns, ridge: ridge)
    return try fit(newton, design: design, outcome: outcome, sites: [Array(0..<design.rows)])
  }

  @Test func separatedOutcome() throws {
    let design = try Matrix((0..<40).map { [Double($0) / 10 - 1.95] })
    let outcome = (0..<40).map { UInt8($0 < 20 ? 0 : 1) }
    let state = try fitAll(design, outcome, ridge: 0.1)
    #expect(state.status == .converged)
    #expect(state.beta.allSatisfy { $0.isFinite })
    #expect(state.beta[1] > 1)
    #expect(throws: LinearModelError(.singularInformation, index: 1)) {
      _ = try fitAll(design, outcome, ridge: 0)
    }
  }

  @Test(arguments: [0, 1] as [UInt8], [0, 1.0])
  func oneOutcomeClass(outcome: UInt8, ridge: Double) throws {
    let labels = [UInt8](repeating: outcome, count: 120)
    #expect(throws: LinearModelError(.oneOutcomeClass)) {
      _ = try fitAll(Self.cohort.design, labels, ridge: ridge)
    }
  }

  @Test(arguments: [0, 3.0])
  func constantAndCollinearColumns(constant: Double) throws {
    var rows = (0..<120).map { Array(Self.cohort.design.row($0)) }
    for i in rows.indices { rows[i] += [constant, rows[i][0] - 2 * rows[i][1]] }
    let design = try Matrix(rows)
    let state = try fitAll(design, Self.cohort.outcome, ridge: 1)
    #expect(state.status == .converged)
    #expect(state.beta.allSatisfy { $0.isFinite })
    #expect(state.standardErrors.allSatisfy { $0.isFinite })
    if constant == 0 { #expect(state.beta[3] == 0) }
    // Without a penalty the first column that adds nothing is named.
    #expect(throws: LinearModelError(.singularInformation, index: 3)) {
      _ = try fitAll(design, Self.cohort.outcome, ridge: 0)
    }
    let collinear = try Matrix(rows.map { [$0[0], $0[1], $0[3]] })
    #expect(throws: LinearModelError(.singularInformation, index: 3)) {
      _ = try fitAll(collinear, Self.cohort.outcome, ridge: 0)
    }
  }

  @Test func emptySiteAnswersZeros() throws {
    let empty = try LogisticNewton.answer(
      beta: [1, 2, 3], design: Matrix(rows: 0, columns: 2), outcome: [])
    #expect(empty.allSatisfy { $0 == 0 })
    #expect(empty.count == LogisticNewton.vectorLength(featureCount: 2))
    let newton = try LogisticNewton(featureCount: 2, ridge: 1)
    #expect(throws: LinearModelError(.noPatients)) {
      _ = try newton.update(newton.initialState(), total: empty)
    }
  }

  @Test func interceptOnlyModelGivesTheLogOdds() throws {
    let design = Matrix(rows: 10, columns: 0)
    let state = try fitAll(design, [1, 1, 1, 0, 0, 0, 0, 0, 0, 0], ridge: 5)
    #expect((state.beta[0] - Portable.logit(0.3)).magnitude < 1e-9)
  }

  @Test func badInputIsNamed() throws {
    var design = Self.cohort.design
    design[7, 1] = .nan
    #expect(throws: LinearModelError(.nonFiniteFeature, index: 1)) {
      _ = try fitAll(design, Self.cohort.outcome, ridge: 1)
    }
    var outcome = Self.cohort.outcome
    outcome[9] = 2
    #expect(throws: LinearModelError(.invalidOutcome, index: 9)) {
      _ = try fitAll(Self.cohort.design, outcome, ridge: 1)
    }
    #expect(throws: LinearModelError(.nonFiniteParameter, index: 2)) {
      _ = try LogisticNewton.answer(
        beta: [0, 0, .nan], design: Self.cohort.design, outcome: Self.cohort.outcome)
    }
    #expect(throws: LinearModelError(.shapeMismatch)) {
      _ = try LogisticNewton.answer(
        beta: [0, 0, 0], design: Self.cohort.design, outcome: Self.cohort.outcome, rows: [120])
    }
    #expect(throws: LinearModelError(.shapeMismatch)) {
      _ = try LogisticNewton.answer(beta: [0, 0, 0], design: Self.cohort.design, outcome: [1])
    }
    for bad in [-1, .nan, .infinity] {
      #expect(throws: LinearModelError(.invalidSettings)) {
        _ = try LogisticNewton(featureCount: 2, ridge: bad)
      }
    }
  }

  @Test func impossibleTotalsAreRefused() throws {
    let newton = try LogisticNewton(featureCount: 2, ridge: 1)
    let good = try LogisticNewton.answer(
      beta: [0, 0, 0], design: Self.cohort.design, outcome: Self.cohort.outcome)
    #expect(throws: LinearModelError(.totalLength)) {
      _ = try newton.update(newton.initialState(), total: [1])
    }
    for (index, value) in [
      (10, -1), (10, 1 << 25), (11, -1), (11, 121), (12, 121), (0, Int64.min), (4, Int64.max),
      (9, 1),
    ] as [(Int, Int64)] {
      var bad = good
      bad[index] = value
      #expect(throws: LinearModelError(.totalOutOfRange, index: index)) {
        _ = try newton.update(newton.initialState(), total: bad)
      }
    }
  }

  @Test func anyTotalThrowsOrGivesFiniteCoefficients() throws {
    let newton = try LogisticNewton(featureCount: 2, ridge: 0.5)
    var generator = Xoshiro256StarStar(seed: 31)
    for _ in 0..<2000 {
      let width = UInt64(generator.uniformInteger(below: 60))
      var total = (0..<newton.vectorLength).map { _ in Int64(bitPattern: generator.next()) >> width
      }
      if generator.next() % 2 == 0 {
        total[9] = -total[9].magnitude.clampedToInt64
        total[10] = 1000
        total[11] = 400
        total[12] = 0
      }
      if let state = try? newton.update(newton.initialState(), total: total) {
        #expect(state.beta.allSatisfy { $0.isFinite })
      }
    }
  }

  @Test func finishedFitRefusesMore() throws {
    let state = try fitAll(Self.cohort.design, Self.cohort.outcome, ridge: 1)
    let newton = try LogisticNewton(featureCount: 2, ridge: 1)
    #expect(throws: LinearModelError(.finished)) { _ = try newton.update(state, total: []) }
    let short = try LogisticNewton(featureCount: 2, ridge: 1, iterationLimit: 2)
    let stopped = try fit(
      short, design: Self.cohort.design, outcome: Self.cohort.outcome, sites: [Array(0..<120)])
    #expect(stopped.status == .iterationLimit)
    #expect(stopped.iteration == 2)
  }

  @Test func objectiveNeverRisesOnHeavyTailedData() throws {
    let x = [-16.0, -0.5, -0.1, 0.1, 0.2, 0.4, 16, 16, 16, -16]
    let y: [UInt8] = [0, 0, 1, 0, 1, 1, 1, 1, 1, 1]
    var previous = Double.infinity
    let newton = try LogisticNewton(featureCount: 1, ridge: 0)
    let design = try Matrix(x.map { [$0] })
    var state = newton.initialState()
    while !state.isFinished {
      state = try newton.update(
        state, total: LogisticNewton.answer(beta: state.beta, design: design, outcome: y))
      #expect(state.objective <= previous + 1e-6)
      previous = state.objective
    }
    #expect(state.status == .converged)
    // The same fit with numpy: deviance 2 · 5.201162520666456.
    #expect((state.deviance - 10.402325041332912).magnitude < 1e-7)
  }

  @Test func stepIsHalvedWhileTheObjectiveRises() throws {
    let newton = try LogisticNewton(featureCount: 2, ridge: 0.5, iterationLimit: 100)
    let start = try LogisticNewton.answer(
      beta: [0, 0, 0], design: Self.cohort.design, outcome: Self.cohort.outcome)
    var state = try newton.update(newton.initialState(), total: start)
    let full = state.beta
    // Totals that claim a much worse log-likelihood at the new point.
    var worse = start
    worse[9] *= 10
    for halving in 1...3 {
      state = try newton.update(state, total: worse)
      #expect(state.beta == full.map { $0 / Double(1 << halving) })
      #expect(state.status == .iterating)
    }
    while !state.isFinished { state = try newton.update(state, total: worse) }
    #expect(state.status == .stalled)
    #expect(state.beta == [0, 0, 0])
    #expect(state.iteration == 1 + 31)
  }
}

extension UInt64 {
  var clampedToInt64: Int64 { Int64(Swift.min(self, UInt64(Int64.max))) }
}
