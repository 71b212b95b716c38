import Testing

@testable import Validation

@Suite struct OverallTests {
  @Test func nineWorkedByHand() throws {
    let nine = SeededCohort.nine
    let brier = try BrierScore.evaluate(probabilities: nine.scores, outcomes: nine.outcomes)
    #expect(close(brier?.value, 0.146667, 1e-6))
    let benefit = try NetBenefit.curve(
      probabilities: nine.scores, outcomes: nine.outcomes, thresholds: [0.3])
    #expect(close(benefit.first?.model, 0.301587, 1e-6))
  }

  /// Reference: scikit-learn brier_score_loss, scipy binomtest(...).proportion_ci("wilson"), numpy.
  @Test func agreesWithPython() throws {
    let cohort = SeededCohort.reference
    let brier = try BrierScore.evaluate(probabilities: cohort.first, outcomes: cohort.outcomes)
    #expect(close(brier?.value, 0.20315681060680327))
    #expect(close(brier?.standardError, 0.013513404696257506))
    #expect(close(brier?.scaled, 0.08115418088284365))
    let rule = try ThresholdPerformance.evaluate(
      probabilities: cohort.first, outcomes: cohort.outcomes, threshold: 0.3)
    #expect(rule.truePositiveCount == 89)
    #expect(rule.falsePositiveCount == 97)
    #expect(rule.falseNegativeCount == 43)
    #expect(rule.trueNegativeCount == 171)
    #expect(close(rule.sensitivity?.interval.lower, 0.5903500709133055))
    #expect(close(rule.sensitivity?.interval.upper, 0.7482799791417248))
    let benefit = try NetBenefit.curve(
      probabilities: cohort.first, outcomes: cohort.outcomes, thresholds: [0.3])
    #expect(close(benefit.first?.model, 0.11857142857142858))
  }

  @Test func flaggingEverybodyIsTreatAll() throws {
    let points = try NetBenefit.curve(
      probabilities: [0.9, 0.8, 0.9], outcomes: [true, false, false], thresholds: [0.2])
    #expect(close(points[0].model, points[0].treatAll))
    #expect(close(points[0].avoidedPerHundred, 0))
  }

  @Test func oneClassAndNobody() throws {
    let none = try ThresholdPerformance.evaluate(probabilities: [], outcomes: [], threshold: 0.5)
    #expect(none.accuracy == nil)
    let rule = try ThresholdPerformance.evaluate(
      probabilities: [0.1, 0.2], outcomes: [false, false], threshold: 0.5)
    #expect(rule.sensitivity == nil)
    #expect(rule.positivePredictiveValue == nil)
    #expect(rule.specificity?.value == 1)
    #expect(try BrierScore.evaluate(probabilities: [], outcomes: []) == nil)
    let brier = try BrierScore.evaluate(probabilities: [0, 0], outcomes: [false, false])
    #expect(brier?.value == 0)
    #expect(brier?.scaled == nil)
  }

  @Test(arguments: [0, 1, -0.1, 1.5, Double.nan])
  func thresholdsOutsideTheUnitIntervalAreRefused(threshold: Double) {
    #expect(throws: ValidationError(.outOfRange, "", field: "")) {
      try ThresholdPerformance.evaluate(
        probabilities: [0.5], outcomes: [true], threshold: threshold)
    }
  }

  @Test func risksOutsideTheUnitIntervalAreRefused() {
    #expect(throws: ValidationError(.outOfRange, "", field: "")) {
      try BrierScore.evaluate(probabilities: [1.2], outcomes: [true])
    }
  }

  @Test func proportionsStayInRange() {
    #expect(Proportion(count: 0, total: 0) == nil)
    #expect(Proportion(count: 3, total: 2) == nil)
    #expect(Proportion(count: 0, total: 5)?.interval.lower == 0)
    #expect(Proportion(count: 5, total: 5)?.interval.upper == 1)
  }
}
