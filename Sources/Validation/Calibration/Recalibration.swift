import PortableNumerics

/// Weak calibration: the two logistic recalibration models of a set of predicted risks.
///
/// With z = logit p: calibration in the large is a in logit P(y) = a + z, the calibration slope is b
/// in logit P(y) = a + b z (Cox 1958; Van Calster 2016). Risks are kept 1e-10 away from 0 and 1
/// before the logit, so that a risk of exactly 0 or 1 cannot dominate the fit by an infinite z.
public struct Recalibration: Sendable, Codable, Equatable {
  /// a with the slope fixed at 1: 0 when mean risk and prevalence agree, above 0 when the model
  /// predicts too little.
  public let calibrationInTheLarge: Estimate
  /// b: 1 is ideal, below 1 the predictions are too extreme; nil when risks are constant or
  /// separate the classes, where no maximum likelihood estimate exists.
  public let slope: Estimate?
  /// a of the joint fit; not calibration in the large, and printed only beside the slope.
  public let intercept: Estimate?

  /// Fits both models; nil when one class is absent.
  ///
  /// - Throws: `lengthMismatch`, `outOfRange` for a risk outside [0, 1].
  public static func evaluate(
    probabilities: [Double], outcomes: [Bool]
  ) throws(ValidationError) -> Recalibration? {
    Recalibration(try CheckedInput(scores: probabilities, outcomes: outcomes, asRisks: true))
  }

  /// Rebuilds a result from its estimates.
  init(calibrationInTheLarge: Estimate, slope: Estimate?, intercept: Estimate?) {
    self.calibrationInTheLarge = calibrationInTheLarge
    self.slope = slope
    self.intercept = intercept
  }

  /// Fits both models on checked rows; nil when one class is absent.
  init?(_ input: CheckedInput) {
    guard input.eventCount > 0, input.nonEventCount > 0 else { return nil }
    let predictors = input.linearPredictors
    guard let large = Recalibration.interceptWithOffset(predictors, input: input) else {
      return nil
    }
    calibrationInTheLarge = large
    guard !input.separatesClasses else {
      slope = nil
      intercept = nil
      return
    }
    // Centring makes the two columns nearly orthogonal; the intercept is moved back afterwards.
    let mean = predictors.reduce(0, +) / Double(input.count)
    let ones = [Double](repeating: 1, count: input.count)
    let fit = LogisticFit(
      columns: [ones, predictors.map { $0 - mean }], outcomes: input.outcomes,
      start: [large.value + mean, 1])
    guard let fit else {
      slope = nil
      intercept = nil
      return
    }
    slope = Estimate(
      value: fit.coefficients[1], standardError: fit.variance(of: [0, 1]).squareRoot())
    intercept = Estimate(
      value: fit.coefficients[0] - fit.coefficients[1] * mean,
      standardError: fit.variance(of: [1, -mean]).squareRoot())
  }

  /// Solves Σ(y − σ(a + z)) = 0 for a. The sum falls in a, so Newton steps that leave the bracket are
  /// replaced by bisection and the search cannot fail.
  private static func interceptWithOffset(
    _ predictors: [Double], input: CheckedInput
  ) -> Estimate? {
    var lower = -80.0
    var upper = 80.0
    var value = 0.0
    var information = 0.0
    for _ in 0..<200 {
      var excess = 0.0
      information = 0
      for row in predictors.indices {
        let risk = Portable.sigmoid(value + predictors[row])
        excess += (input.outcomes[row] ? 1 : 0) - risk
        information += risk * (1 - risk)
      }
      if excess > 0 { lower = value } else { upper = value }
      var next = information > 0 ? value + excess / information : lower
      if !(next > lower && next < upper) { next = lower + (upper - lower) / 2 }
      let change = (next - value).magnitude
      value = next
      if change <= 1e-13 * max(1, value.magnitude) { break }
    }
    guard information > 0 else { return Estimate(value: value, standardError: nil) }
    return Estimate(value: value, standardError: 1 / information.squareRoot())
  }
}

extension CheckedInput {
  /// logit p of each row, with p kept 1e-10 away from 0 and 1.
  var linearPredictors: [Double] {
    scores.map { Portable.logit(min(max($0, 1e-10), 1 - 1e-10)) }
  }

  /// Whether a threshold on the score divides the classes, up to ties at the threshold itself.
  var separatesClasses: Bool {
    let firstEvent = outcomes.firstIndex(of: true)
    let lastEvent = outcomes.lastIndex(of: true)
    let firstOther = outcomes.firstIndex(of: false)
    let lastOther = outcomes.lastIndex(of: false)
    guard let firstEvent, let lastEvent, let firstOther, let lastOther else { return true }
    return scores[firstEvent] >= scores[lastOther] || scores[lastEvent] <= scores[firstOther]
  }
}
