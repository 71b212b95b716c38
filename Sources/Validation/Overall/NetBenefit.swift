/// Net benefit of acting on a model at one threshold (Vickers and Elkin 2006).
public struct NetBenefit: Sendable, Codable, Equatable {
  /// The threshold probability t, in (0, 1): acting on 1/t patients to help one is acceptable.
  public let threshold: Double
  /// TP/n − FP/n · t/(1 − t).
  public let model: Double
  /// ȳ − (1 − ȳ) · t/(1 − t): acting on everybody. Acting on nobody has net benefit 0.
  public let treatAll: Double
  /// model/ȳ, the share of the greatest possible benefit; nil without events.
  public let standardised: Double?
  /// 100 (model − treatAll)/(t/(1 − t)): unnecessary actions avoided per 100 patients compared
  /// with acting on everybody.
  public let avoidedPerHundred: Double

  /// Net benefit from counts; nil when a count is out of range or nobody was evaluated.
  public init?(
    threshold: Double, truePositiveCount: Int, falsePositiveCount: Int, eventCount: Int,
    patientCount: Int
  ) {
    guard threshold > 0, threshold < 1, patientCount > 0,
      eventCount >= 0, eventCount <= patientCount,
      truePositiveCount >= 0, truePositiveCount <= eventCount,
      falsePositiveCount >= 0, falsePositiveCount <= patientCount - eventCount
    else { return nil }
    let count = Double(patientCount)
    let odds = threshold / (1 - threshold)
    let prevalence = Double(eventCount) / count
    self.threshold = threshold
    model = Double(truePositiveCount) / count - Double(falsePositiveCount) / count * odds
    treatAll = prevalence - (1 - prevalence) * odds
    standardised = eventCount > 0 ? model / prevalence : nil
    avoidedPerHundred = 100 * (model - treatAll) / odds
  }

  /// Net benefit at each threshold of a grid, in the order given; empty without patients.
  ///
  /// The counts at neighbouring thresholds reveal how many patients lie between them: release
  /// a curve of one hospital from its `RiskTable`, not from this function.
  ///
  /// - Throws: `lengthMismatch`, `outOfRange`.
  public static func curve(
    probabilities: [Double], outcomes: [Bool], thresholds: [Double]
  ) throws(ValidationError) -> [NetBenefit] {
    let input = try CheckedInput(scores: probabilities, outcomes: outcomes, asRisks: true)
    var points: [NetBenefit] = []
    for (index, threshold) in thresholds.enumerated() {
      try checkThreshold(threshold, index: index)
      let flagged = input.flaggedCounts(at: threshold)
      let point = NetBenefit(
        threshold: threshold, truePositiveCount: flagged.events,
        falsePositiveCount: flagged.nonEvents, eventCount: input.eventCount,
        patientCount: input.count)
      if let point { points.append(point) }
    }
    return points
  }
}
