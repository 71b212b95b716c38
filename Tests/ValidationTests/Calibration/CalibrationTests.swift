import Testing

@testable import Validation

@Suite struct CalibrationTests {
  /// Reference: numpy Newton to convergence, spline basis written independently in Python.
  @Test func agreesWithPython() throws {
    let cohort = SeededCohort.reference
    let ratio = try #require(
      try ObservedExpectedRatio.evaluate(
        probabilities: cohort.first, outcomes: cohort.outcomes))
    #expect(close(ratio.ratio, 0.9821356219381929))
    #expect(close(ratio.logEstimate?.standardError, 0.0712443511849015))
    #expect(close(ratio.interval?.lower, 0.8541382315008046))
    #expect(close(ratio.interval?.upper, 1.1293141371099162))
    let fit = try #require(
      try Recalibration.evaluate(probabilities: cohort.first, outcomes: cohort.outcomes))
    #expect(close(fit.calibrationInTheLarge.value, -0.04300745479291582, 1e-9))
    #expect(close(fit.calibrationInTheLarge.standardError, 0.13404523359955733, 1e-9))
    #expect(close(fit.slope?.value, 0.40603316299846887, 1e-9))
    #expect(close(fit.slope?.standardError, 0.06321192582078969, 1e-7))
    #expect(close(fit.intercept?.value, -0.3351707305145794, 1e-9))
    #expect(close(fit.intercept?.standardError, 0.12136183805900641, 1e-7))
    let smooth = try #require(
      try SmoothCalibration.evaluate(probabilities: cohort.first, outcomes: cohort.outcomes))
    #expect(close(smooth.integratedCalibrationIndex, 0.10199468546568631, 1e-8))
    #expect(close(smooth.medianError, 0.09877476360331588, 1e-8))
    #expect(close(smooth.ninetiethPercentileError, 0.1769876503689193, 1e-8))
    let point = smooth.curve.first { $0.predicted == 0.3 }
    if let point { #expect(close(point.observed, 0.26043584, 1e-6)) }
    #expect(smooth.curve.count > 10 && smooth.curve.count <= 40)
  }

  @Test func shiftingTheLogitMovesOnlyTheIntercept() throws {
    let cohort = SeededCohort.reference
    // Odds doubled: logit p + log 2.
    let shifted = cohort.first.map { 2 * $0 / (1 + $0) }
    let before = try Recalibration.evaluate(
      probabilities: cohort.first, outcomes: cohort.outcomes)
    let after = try Recalibration.evaluate(probabilities: shifted, outcomes: cohort.outcomes)
    let gap =
      (before?.calibrationInTheLarge.value ?? 0) - (after?.calibrationInTheLarge.value ?? 0)
    #expect(close(gap, 0.6931471805599453, 1e-9))
    #expect(close(after?.slope?.value, before?.slope?.value ?? 0, 1e-9))
  }

  @Test func oneClassHasNoRecalibration() throws {
    #expect(try Recalibration.evaluate(probabilities: [0.2, 0.3], outcomes: [true, true]) == nil)
    #expect(try Recalibration.evaluate(probabilities: [], outcomes: []) == nil)
    let none = try ObservedExpectedRatio.evaluate(
      probabilities: [0.2, 0.3], outcomes: [false, false])
    #expect(none?.ratio == 0)
    #expect(none?.logEstimate == nil)
    let all = try ObservedExpectedRatio.evaluate(
      probabilities: [0.2, 0.3], outcomes: [true, true])
    #expect(close(all?.ratio, 4))
    #expect(all?.interval == nil)
    #expect(
      try ObservedExpectedRatio.evaluate(probabilities: [0, 0], outcomes: [true, false]) == nil)
  }

  @Test func separatedAndConstantRisksHaveNoSlope() throws {
    let separated = try Recalibration.evaluate(
      probabilities: [0.1, 0.2, 0.7, 0.8], outcomes: [false, false, true, true])
    #expect(separated != nil)
    #expect(separated?.slope == nil)
    let constant = try Recalibration.evaluate(
      probabilities: [0.3, 0.3, 0.3, 0.3], outcomes: [true, false, true, false])
    #expect(close(constant?.calibrationInTheLarge.value, 0.8472978603872034, 1e-9))
    #expect(constant?.slope == nil)
  }

  @Test func risksOfZeroAndOneStayFinite() throws {
    let fit = try #require(
      try Recalibration.evaluate(
        probabilities: [0, 1, 0, 1, 0.5, 0.4], outcomes: [true, false, false, true, true, false]))
    #expect(fit.calibrationInTheLarge.value.isFinite)
    let hopeless = try Recalibration.evaluate(
      probabilities: [0, 0, 1, 1], outcomes: [true, true, false, false])
    #expect(hopeless?.calibrationInTheLarge.value.isFinite ?? true)
  }
}
