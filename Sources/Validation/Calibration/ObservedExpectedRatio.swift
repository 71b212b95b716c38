import PortableNumerics

/// Observed over expected events (O:E): 1 for a model that is right on average, above 1 when more
/// patients have the outcome than predicted.
public struct ObservedExpectedRatio: Sendable, Codable, Equatable {
  /// Σy/Σp, ≥ 0. Rounded to one decimal where `observedCount` is withheld.
  public let ratio: Double
  /// Σy; nil when the small-cell rule withholds it.
  public let observedCount: Int?
  /// Σp, the number of events the model expects; nil with the count.
  public let expectedCount: Double?
  /// log(O:E) with standard error √((1 − O/n)/O); nil without events, when everybody has the event
  /// (the standard error would be 0) and with the count.
  public let logEstimate: Estimate?
  /// The 95 % interval of the ratio, from the log scale; nil with the estimate.
  public let interval: Interval?

  /// The ratio of checked risks to outcomes; nil without patients or when every risk is 0.
  ///
  /// - Throws: `lengthMismatch`, `outOfRange` for a risk outside [0, 1].
  public static func evaluate(
    probabilities: [Double], outcomes: [Bool]
  ) throws(ValidationError) -> ObservedExpectedRatio? {
    let input = try CheckedInput(scores: probabilities, outcomes: outcomes, asRisks: true)
    return ObservedExpectedRatio(
      observedCount: input.eventCount, expectedCount: input.scores.reduce(0, +),
      patientCount: input.count)
  }

  /// The ratio from totals; nil when they are out of range or nothing was expected.
  public init?(observedCount: Int, expectedCount: Double, patientCount: Int) {
    guard patientCount > 0, observedCount >= 0, observedCount <= patientCount,
      expectedCount > 0, expectedCount <= Double(patientCount) * (1 + 1e-9)
    else { return nil }
    let ratio = Double(observedCount) / expectedCount
    guard ratio.isFinite else { return nil }
    self.ratio = ratio
    self.observedCount = observedCount
    self.expectedCount = expectedCount
    guard observedCount > 0, observedCount < patientCount else {
      logEstimate = nil
      interval = nil
      return
    }
    let share = Double(observedCount) / Double(patientCount)
    let error = ((1 - share) / Double(observedCount)).squareRoot()
    logEstimate = Estimate(value: Portable.log(ratio), standardError: error)
    interval = logEstimate?.interval.flatMap {
      Interval(lower: Portable.exp($0.lower), upper: Portable.exp($0.upper))
    }
  }

  /// A ratio with a standard error of its own, such as one that includes noise; nil when nothing was
  /// expected.
  init?(observedCount: Int, expectedCount: Double, logEstimate: Estimate?) {
    guard observedCount > 0, expectedCount > 0, let logEstimate else { return nil }
    ratio = Portable.exp(logEstimate.value)
    self.observedCount = observedCount
    self.expectedCount = expectedCount
    self.logEstimate = logEstimate
    interval = logEstimate.interval.flatMap {
      Interval(lower: Portable.exp($0.lower), upper: Portable.exp($0.upper))
    }
  }

  /// A ratio whose counts are withheld, rounded to one decimal so that it does not give the number
  /// of events away; nil when it is negative or not finite.
  init?(withholdingCounts ratio: Double) {
    guard ratio >= 0, ratio < 1e9 else { return nil }
    self.ratio = (ratio * 10).rounded() / 10
    observedCount = nil
    expectedCount = nil
    logEstimate = nil
    interval = nil
  }
}
