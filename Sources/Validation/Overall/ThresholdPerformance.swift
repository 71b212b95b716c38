/// What a rule "flag every patient with a predicted risk of at least the threshold" does.
public struct ThresholdPerformance: Sendable, Codable, Equatable {
  /// The stated threshold, in (0, 1).
  public let threshold: Double
  /// Flagged patients with the outcome.
  public let truePositiveCount: Int
  /// Flagged patients without the outcome.
  public let falsePositiveCount: Int
  /// Patients with the outcome who were not flagged.
  public let falseNegativeCount: Int
  /// Patients without the outcome who were not flagged.
  public let trueNegativeCount: Int
  /// Share of all patients who were classified rightly; nil without patients.
  public let accuracy: Proportion?
  /// Share of patients with the outcome who were flagged; nil without such patients.
  public let sensitivity: Proportion?
  /// Share of patients without the outcome who were not flagged; nil without such patients.
  public let specificity: Proportion?
  /// Share of flagged patients with the outcome; nil when nobody was flagged.
  public let positivePredictiveValue: Proportion?
  /// Share of patients not flagged who are without the outcome; nil when everybody was flagged.
  public let negativePredictiveValue: Proportion?
  /// Share of patients who were flagged; nil without patients.
  public let alertRate: Proportion?

  /// Classifies patients at a threshold in (0, 1).
  ///
  /// - Throws: `lengthMismatch`, `outOfRange`.
  public static func evaluate(
    probabilities: [Double], outcomes: [Bool], threshold: Double
  ) throws(ValidationError) -> ThresholdPerformance {
    let input = try CheckedInput(scores: probabilities, outcomes: outcomes, asRisks: true)
    try checkThreshold(threshold)
    return ThresholdPerformance(input, threshold: threshold)
  }

  /// Classifies checked rows.
  init(_ input: CheckedInput, threshold: Double) {
    let counts = input.flaggedCounts(at: threshold)
    self.init(
      threshold: threshold, truePositiveCount: counts.events,
      falsePositiveCount: counts.nonEvents,
      falseNegativeCount: input.eventCount - counts.events,
      trueNegativeCount: input.nonEventCount - counts.nonEvents)
  }

  /// Rebuilds every rate from the four counts, each ≥ 0.
  init(
    threshold: Double, truePositiveCount: Int, falsePositiveCount: Int, falseNegativeCount: Int,
    trueNegativeCount: Int
  ) {
    self.threshold = threshold
    self.truePositiveCount = truePositiveCount
    self.falsePositiveCount = falsePositiveCount
    self.falseNegativeCount = falseNegativeCount
    self.trueNegativeCount = trueNegativeCount
    let flagged = truePositiveCount + falsePositiveCount
    let notFlagged = falseNegativeCount + trueNegativeCount
    accuracy = Proportion(
      count: truePositiveCount + trueNegativeCount, total: flagged + notFlagged)
    sensitivity = Proportion(
      count: truePositiveCount, total: truePositiveCount + falseNegativeCount)
    specificity = Proportion(
      count: trueNegativeCount, total: trueNegativeCount + falsePositiveCount)
    positivePredictiveValue = Proportion(count: truePositiveCount, total: flagged)
    negativePredictiveValue = Proportion(count: trueNegativeCount, total: notFlagged)
    alertRate = Proportion(count: flagged, total: flagged + notFlagged)
  }
}

/// Refuses a decision threshold that is not strictly between 0 and 1.
func checkThreshold(_ threshold: Double, index: Int? = nil) throws(ValidationError) {
  guard threshold > 0, threshold < 1 else {
    throw ValidationError(
      .outOfRange, "a decision threshold must lie strictly between 0 and 1", field: "threshold",
      index: index)
  }
}

extension CheckedInput {
  /// Events and non-events with a score of at least `threshold`.
  func flaggedCounts(at threshold: Double) -> (events: Int, nonEvents: Int) {
    var low = 0
    var high = scores.count
    while low < high {
      let middle = low + (high - low) / 2
      if scores[middle] < threshold { low = middle + 1 } else { high = middle }
    }
    let events = outcomes[low...].reduce(0) { $0 + ($1 ? 1 : 0) }
    return (events, scores.count - low - events)
  }
}
