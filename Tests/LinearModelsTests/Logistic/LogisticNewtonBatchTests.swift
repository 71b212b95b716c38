import LinearModels
import PortableNumerics
import Testing

@Suite struct LogisticNewtonBatchTests {
  @Test func leavingSitesOutInOneBatchEqualsSeparateFits() throws {
    let cohort = SeededCohort(seed: 12, patients: 160, features: 3)
    let sites = (0..<4).map { site in (0..<160).filter { $0 % 4 == site } }
    let newton = try LogisticNewton(featureCount: 3, ridge: 0.5)
    let batch = LogisticNewtonBatch(newton)
    var states = batch.initialStates(fitCount: 4)
    var lengths: [Int] = []
    while batch.vectorLength(states) > 0 {
      lengths.append(batch.vectorLength(states))
      let answers = try sites.indices.map { site in
        try batch.answer(
          states, design: cohort.design, outcome: cohort.outcome,
          rows: (0..<4).map { $0 == site ? [] : sites[site] })
      }
      states = try batch.update(states, total: sum(answers))
    }
    #expect(lengths.first == 4 * newton.vectorLength)
    for left in 0..<4 {
      let alone = try fit(
        newton, design: cohort.design, outcome: cohort.outcome,
        sites: sites.indices.filter { $0 != left }.map { sites[$0] })
      #expect(states[left] == alone)
      #expect(states[left].status == .converged)
    }
    #expect(throws: LinearModelError(.finished)) { _ = try batch.update(states, total: []) }
  }

  @Test func oneImpossibleFitLeavesTheOthersAlone() throws {
    let cohort = SeededCohort(seed: 13, patients: 60, features: 2)
    let cases = (0..<60).filter { cohort.outcome[$0] == 1 }
    let batch = LogisticNewtonBatch(try LogisticNewton(featureCount: 2, ridge: 1))
    var states = batch.initialStates(fitCount: 2)
    while batch.vectorLength(states) > 0 {
      let answer = try batch.answer(
        states, design: cohort.design, outcome: cohort.outcome, rows: [cases, nil])
      states = try batch.update(states, total: answer)
    }
    #expect(states[0].status == .failed(.oneOutcomeClass))
    #expect(states[1].status == .converged)
    #expect(throws: LinearModelError(.totalLength)) {
      _ = try batch.update(batch.initialStates(fitCount: 2), total: [1, 2])
    }
    #expect(throws: LinearModelError(.shapeMismatch)) {
      _ = try batch.answer(
        batch.initialStates(fitCount: 2), design: cohort.design, outcome: cohort.outcome,
        rows: [nil])
    }
  }
}
