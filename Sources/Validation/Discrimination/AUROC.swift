import PortableNumerics

/// The area under the receiver operating characteristic curve with DeLong's variance.
///
/// Hanley and McNeil 1982; DeLong, DeLong and Clarke-Pearson 1988; computed from tie groups, which
/// is the mid-rank form of Sun and Xu 2014 in O(n log n).
public struct AUROC: Sendable, Codable, Equatable {
  /// Probability that a patient with the outcome scores above one without, ties counted half;
  /// in [0, 1].
  public let value: Double
  /// DeLong's standard error; nil when a class has fewer than two patients.
  public let standardError: Double?
  /// value ± 1.96 standard errors, not truncated to [0, 1] (what pROC prints); nil when the
  /// standard error is nil, or 0 because the classes are separated.
  public let interval: Interval?
  /// The 95 % interval computed on the logit scale and transformed back; always inside (0, 1);
  /// nil under the same conditions.
  public let logitInterval: Interval?

  /// The AUROC of scores against outcomes; nil when one class is absent.
  ///
  /// - Throws: `lengthMismatch`, `outOfRange` for a NaN or infinite score.
  public static func evaluate(
    scores: [Double], outcomes: [Bool]
  ) throws(ValidationError) -> AUROC? {
    let input = try CheckedInput(scores: scores, outcomes: outcomes, asRisks: false)
    let counts = input.distinctScoreCounts()
    return BinnedAUROC(eventCounts: counts.events, nonEventCounts: counts.nonEvents)?.auroc
  }

  /// Rebuilds the intervals from a value in [0, 1] and a standard error in [0, 1]; nil outside.
  public init?(value: Double, standardError: Double?) {
    guard value >= 0, value <= 1 else { return nil }
    self.value = value
    guard let standardError else {
      self.standardError = nil
      interval = nil
      logitInterval = nil
      return
    }
    guard standardError >= 0, standardError <= 1 else { return nil }
    self.standardError = standardError
    guard standardError > 0, value > 0, value < 1 else {
      interval = nil
      logitInterval = nil
      return
    }
    let reach = normalQuantile975 * standardError
    interval = Interval(lower: value - reach, upper: value + reach)
    let centre = Portable.logit(value)
    let logitReach = reach / (value * (1 - value))
    logitInterval = Interval(
      lower: Portable.sigmoid(centre - logitReach), upper: Portable.sigmoid(centre + logitReach))
  }

  /// The value and standard error on the logit scale, for a meta-analysis; nil at 0 and 1 and
  /// without a positive standard error.
  public var logitEstimate: Estimate? {
    guard let standardError, standardError > 0, value > 0, value < 1 else { return nil }
    return Estimate(
      value: Portable.logit(value), standardError: standardError / (value * (1 - value)))
  }
}

/// The AUROC of a score histogram by class, with a bound on what binning can have changed.
public struct BinnedAUROC: Sendable, Codable, Equatable {
  /// The AUROC of the binned scores; exact for scores that are equal within each bin.
  public let auroc: AUROC
  /// The AUROC of the scores themselves differs from `auroc.value` by at most this: half the share
  /// of pairs that fall into one bin, (1/2) Σ_b p_b n_b / (P N).
  public let bound: Double

  /// Computes the AUROC from counts per bin, in ascending order of score.
  ///
  /// With P and N patients in the two classes, V10(b) = (N below b + n_b/2)/N,
  /// V01(b) = (P above b + p_b/2)/P and variance = Σ p_b (V10 − A)²/((P−1) P) +
  /// Σ n_b (V01 − A)²/((N−1) N). Nil when the arrays differ in length, a count is negative or one
  /// class is absent.
  public init?(eventCounts: [Int], nonEventCounts: [Int]) {
    guard eventCounts.count == nonEventCounts.count,
      eventCounts.allSatisfy({ $0 >= 0 }), nonEventCounts.allSatisfy({ $0 >= 0 })
    else { return nil }
    let events = eventCounts.map(Double.init)
    let nonEvents = nonEventCounts.map(Double.init)
    let eventTotal = events.reduce(0, +)
    let nonEventTotal = nonEvents.reduce(0, +)
    guard eventTotal > 0, nonEventTotal > 0 else { return nil }

    var nonEventsBelow = 0.0
    var wins = 0.0
    var tiedPairs = 0.0
    for bin in events.indices {
      // Counts and halves are exact in a double far beyond any cohort.
      wins += events[bin] * (nonEventsBelow + nonEvents[bin] / 2)
      tiedPairs += events[bin] * nonEvents[bin]
      nonEventsBelow += nonEvents[bin]
    }
    let value = wins / (eventTotal * nonEventTotal)

    var standardError: Double?
    if eventTotal > 1, nonEventTotal > 1 {
      nonEventsBelow = 0
      var eventsBelow = 0.0
      var eventPart = 0.0
      var nonEventPart = 0.0
      for bin in events.indices {
        let v10 = (nonEventsBelow + nonEvents[bin] / 2) / nonEventTotal
        let v01 = (eventTotal - eventsBelow - events[bin] / 2) / eventTotal
        eventPart += events[bin] * (v10 - value) * (v10 - value)
        nonEventPart += nonEvents[bin] * (v01 - value) * (v01 - value)
        nonEventsBelow += nonEvents[bin]
        eventsBelow += events[bin]
      }
      let variance =
        eventPart / ((eventTotal - 1) * eventTotal)
        + nonEventPart / ((nonEventTotal - 1) * nonEventTotal)
      standardError = variance.squareRoot()
    }
    guard let auroc = AUROC(value: value, standardError: standardError) else { return nil }
    self.auroc = auroc
    self.bound = tiedPairs / (eventTotal * nonEventTotal) / 2
  }
}
