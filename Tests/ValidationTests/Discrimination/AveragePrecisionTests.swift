import Testing

@testable import Validation

@Suite struct AveragePrecisionTests {
  @Test func nineWorkedByHand() throws {
    let nine = SeededCohort.nine
    let precision = try AveragePrecision.evaluate(scores: nine.scores, outcomes: nine.outcomes)
    #expect(close(precision?.value, 0.892857, 1e-6))
    #expect(close(precision?.prevalence, 4.0 / 9))
  }

  /// Reference: scikit-learn 1.9.1 average_precision_score; interval by Boyd's formula in Python.
  @Test func agreesWithPythonOnTiedScores() throws {
    let cohort = SeededCohort.reference
    let precision = try AveragePrecision.evaluate(
      scores: cohort.first, outcomes: cohort.outcomes)
    #expect(close(precision?.value, 0.5596176247940023))
    #expect(close(precision?.interval?.lower, 0.4740166572561207))
    #expect(close(precision?.interval?.upper, 0.6418143795610532))
  }

  @Test func constantScoresGiveThePrevalence() throws {
    let precision = try AveragePrecision.evaluate(
      scores: [1, 1, 1, 1], outcomes: [true, false, false, false])
    #expect(precision?.value == 0.25)
    #expect(precision?.prevalence == 0.25)
  }

  @Test func perfectRankingHasNoInterval() throws {
    let precision = try AveragePrecision.evaluate(scores: [2, 1], outcomes: [true, false])
    #expect(precision?.value == 1)
    #expect(precision?.interval == nil)
  }

  @Test func precisionAtAnotherPrevalence() {
    #expect(
      close(
        AveragePrecision.precision(sensitivity: 0.8, specificity: 0.9, prevalence: 0.1),
        0.08 / 0.17))
    #expect(
      AveragePrecision.precision(sensitivity: 0, specificity: 1, prevalence: 0.1) == nil)
    #expect(
      AveragePrecision.precision(sensitivity: 2, specificity: 1, prevalence: 0.1) == nil)
  }
}
