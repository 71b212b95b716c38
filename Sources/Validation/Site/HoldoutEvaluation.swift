/// Evaluates predicted risks on a hospital's holdout.
public enum HoldoutEvaluation {
  /// Computes everything a hospital releases about a model on its holdout.
  ///
  /// Rows are sorted first, so the result has the same bits however the patients are ordered.
  /// O(n log n).
  ///
  /// - Parameters:
  ///   - probabilities: predicted risks in [0, 1], one per patient.
  ///   - outcome: whether each patient has the outcome.
  ///   - patients: whose each row is; nil when each is another patient's. A cell's size is its patients.
  ///   - threshold: the study's decision threshold, strictly between 0 and 1.
  ///   - minimumCell: the smallest number of patients a released cell may hold; 1 or less for no
  ///     rule.
  /// - Throws: `lengthMismatch`; `outOfRange` for a risk that is NaN or outside [0, 1], or a threshold
  ///   outside (0, 1). Never for too few patients or a missing class.
  public static func evaluate(
    probabilities: [Double], outcome: [Bool], patients: [Int32]? = nil, threshold: Double,
    minimumCell: Int
  ) throws(ValidationError) -> SitePerformance {
    try checkThreshold(threshold)
    let input = try CheckedInput(
      scores: probabilities, outcomes: outcome, patients: patients, asRisks: true)
    let minimum = max(1, minimumCell)
    let events = input.eventCount
    let others = input.nonEventCount

    guard input.count == 0 || input.patientCount >= minimum else {
      return SitePerformance(
        minimumCell: minimum, suppressed: .smallSite, patientCount: nil, eventCount: nil,
        threshold: threshold)
    }
    let ratio = ObservedExpectedRatio(
      observedCount: events, expectedCount: input.scores.reduce(0, +), patientCount: input.count)
    guard events > 0, others > 0 else {
      return SitePerformance(
        minimumCell: minimum, suppressed: .none, patientCount: input.count, eventCount: events,
        threshold: threshold, observedExpected: ratio)
    }
    guard [true, false].allSatisfy({ input.patientCount(withOutcome: $0) >= minimum }) else {
      return SitePerformance(
        minimumCell: minimum, suppressed: .smallClass, patientCount: input.count, eventCount: nil,
        threshold: threshold,
        observedExpected: ratio.flatMap { ObservedExpectedRatio(withholdingCounts: $0.ratio) })
    }

    let table = RiskTable(input, threshold: threshold, minimumCell: minimum)
    let counts = input.distinctScoreCounts()
    return SitePerformance(
      minimumCell: minimum, suppressed: .none, patientCount: input.count, eventCount: events,
      threshold: threshold, observedExpected: ratio,
      discrimination: BinnedAUROC(
        eventCounts: counts.events, nonEventCounts: counts.nonEvents)?.auroc,
      averagePrecision: AveragePrecision(
        eventCounts: counts.events, nonEventCounts: counts.nonEvents),
      brier: BrierScore(input),
      thresholdPerformance: table.hasCut(at: threshold)
        ? ThresholdPerformance(input, threshold: threshold) : nil,
      recalibration: Recalibration(input), smoothCalibration: SmoothCalibration(input),
      riskTable: table)
  }
}
