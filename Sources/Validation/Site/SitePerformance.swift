/// What the small-cell rule held back from a hospital's performance.
public enum Suppression: String, Sendable, Codable, CaseIterable {
  /// Nothing was held back.
  case none
  /// One outcome class has at least one patient but fewer than the minimum cell: only the number of
  /// patients and O:E, rounded to one decimal, are released.
  case smallClass = "small-class"
  /// The hospital has at least one patient but fewer than the minimum cell: nothing is released.
  case smallSite = "small-site"

  /// The same in words, for a table's footnote.
  public var explanation: String {
    switch self {
    case .none: return "nothing held back"
    case .smallClass:
      return "an outcome class is below the minimum cell: only n and O:E to one decimal"
    case .smallSite: return "fewer patients than the minimum cell: nothing released"
    }
  }
}

/// How a model does on one hospital's holdout: everything the hospital releases about it.
///
/// A measure that cannot be computed or is held back is nil. A hospital where nobody, or everybody,
/// has the outcome has n and O:E and nothing else. Reveals to the study: the totals below, and the
/// risk table, in which every row holds at least the minimum cell of patients.
public struct SitePerformance: Sendable, Codable, Equatable {
  /// The smallest number of patients a released cell may hold; 1 for no rule.
  public let minimumCell: Int
  /// What the small-cell rule held back.
  public let suppressed: Suppression
  /// Patients in the holdout; nil for `smallSite`.
  public let patientCount: Int?
  /// Patients with the outcome; nil for `smallSite` and `smallClass`.
  public let eventCount: Int?
  /// O:E; nil without patients or when no event was expected.
  public let observedExpected: ObservedExpectedRatio?
  /// AUROC with DeLong's standard error, exact.
  public let discrimination: AUROC?
  /// AUPRC as average precision, exact, beside the prevalence.
  public let averagePrecision: AveragePrecision?
  /// Brier score, plain and scaled.
  public let brier: BrierScore?
  /// The decision threshold of the study.
  public let threshold: Double
  /// Classification at the threshold; nil when a side of it has fewer than the minimum cell.
  public let thresholdPerformance: ThresholdPerformance?
  /// Calibration in the large, slope and intercept.
  public let recalibration: Recalibration?
  /// Smooth calibration curve with ICI; nil for too few events.
  public let smoothCalibration: SmoothCalibration?
  /// The released table of risks, the source of every curve.
  public let riskTable: RiskTable?
  /// Variance of the noise on each of the two counts of patients by outcome, patients²; nil where the
  /// counts are exact.
  public let countNoiseVariance: Double?
  /// How the outcome's values are predicted, where it is more than a yes or no; nil where it is not or
  /// they are held back.
  public internal(set) var values: ValuePerformance?

  /// ROC points; empty when held back.
  public var roc: [ROCPoint] { riskTable?.roc ?? [] }
  /// Precision-recall points; empty when held back.
  public var precisionRecall: [PrecisionRecallPoint] { riskTable?.precisionRecall ?? [] }
  /// Decision curve; empty when held back.
  public var decisionCurve: [NetBenefit] { riskTable?.decisionCurve ?? [] }
  /// Calibration curve in about ten groups; empty when held back.
  public var calibrationCurve: [CalibrationBin] { riskTable?.calibrationCurve() ?? [] }
  /// ECE over the same groups.
  public var expectedCalibrationError: Double? { riskTable?.expectedCalibrationError() }
  /// Share of patients with the outcome; nil when held back or without patients.
  public var prevalence: Proportion? {
    guard let eventCount, let patientCount else { return nil }
    return Proportion(count: eventCount, total: patientCount)
  }

  /// Assembles a result from its parts.
  init(
    minimumCell: Int, suppressed: Suppression, patientCount: Int?, eventCount: Int?,
    threshold: Double, observedExpected: ObservedExpectedRatio? = nil,
    discrimination: AUROC? = nil, averagePrecision: AveragePrecision? = nil,
    brier: BrierScore? = nil, thresholdPerformance: ThresholdPerformance? = nil,
    recalibration: Recalibration? = nil, smoothCalibration: SmoothCalibration? = nil,
    riskTable: RiskTable? = nil, countNoiseVariance: Double? = nil
  ) {
    self.minimumCell = minimumCell
    self.suppressed = suppressed
    self.patientCount = patientCount
    self.eventCount = eventCount
    self.threshold = threshold
    self.observedExpected = observedExpected
    self.discrimination = discrimination
    self.averagePrecision = averagePrecision
    self.brier = brier
    self.thresholdPerformance = thresholdPerformance
    self.recalibration = recalibration
    self.smoothCalibration = smoothCalibration
    self.riskTable = riskTable
    self.countNoiseVariance = countNoiseVariance
  }
}
