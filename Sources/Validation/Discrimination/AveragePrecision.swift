import PortableNumerics

/// The area under the precision-recall curve as average precision.
///
/// AP = Σ_k (R_k − R_{k−1}) Prec_k over the distinct scores in descending order, without
/// interpolation. A model without any information has AP near the prevalence, so the two are
/// printed side by side.
public struct AveragePrecision: Sendable, Codable, Equatable {
  /// Average precision in (0, 1].
  public let value: Double
  /// Share of patients with the outcome, in (0, 1).
  public let prevalence: Double
  /// The 95 % interval logit AP ± 1.96/√(P AP (1 − AP)) transformed back (Boyd, Eng and Page 2013);
  /// nil at AP = 1.
  public let interval: Interval?

  /// The average precision of scores against outcomes; nil when one class is absent.
  ///
  /// - Throws: `lengthMismatch`, `outOfRange` for a NaN or infinite score.
  public static func evaluate(
    scores: [Double], outcomes: [Bool]
  ) throws(ValidationError) -> AveragePrecision? {
    let input = try CheckedInput(scores: scores, outcomes: outcomes, asRisks: false)
    let counts = input.distinctScoreCounts()
    return AveragePrecision(eventCounts: counts.events, nonEventCounts: counts.nonEvents)
  }

  /// Average precision from counts per bin in ascending order of score. Coarse bins bias it down.
  /// Nil when the arrays differ in length, a count is negative or one class is absent.
  public init?(eventCounts: [Int], nonEventCounts: [Int]) {
    guard eventCounts.count == nonEventCounts.count,
      eventCounts.allSatisfy({ $0 >= 0 }), nonEventCounts.allSatisfy({ $0 >= 0 })
    else { return nil }
    var events = 0.0
    var patients = 0.0
    var area = 0.0
    for bin in eventCounts.indices.reversed() {
      let binEvents = Double(eventCounts[bin])
      events += binEvents
      patients += binEvents + Double(nonEventCounts[bin])
      if binEvents > 0 { area += binEvents * (events / patients) }
    }
    guard events > 0, patients > events else { return nil }
    self.init(value: area / events, eventTotal: events, patientTotal: patients)
  }

  /// Rebuilds prevalence and interval from a value in (0, 1] and the class totals; nil outside.
  init?(value: Double, eventTotal: Double, patientTotal: Double) {
    guard value > 0, value <= 1 + 1e-12, eventTotal > 0, patientTotal > eventTotal else {
      return nil
    }
    let value = min(value, 1)
    self.value = value
    self.prevalence = eventTotal / patientTotal
    guard value < 1 else {
      interval = nil
      return
    }
    let centre = Portable.logit(value)
    let reach = normalQuantile975 / (eventTotal * value * (1 - value)).squareRoot()
    interval = Interval(
      lower: Portable.sigmoid(centre - reach), upper: Portable.sigmoid(centre + reach))
  }

  /// Precision that the same sensitivity and specificity would give at another prevalence, for
  /// comparing hospitals whose prevalences differ: sens π/(sens π + (1 − spec)(1 − π)).
  /// Nil when nobody would be flagged or an argument is outside [0, 1].
  public static func precision(
    sensitivity: Double, specificity: Double, prevalence: Double
  ) -> Double? {
    let unit = 0.0...1.0
    guard unit.contains(sensitivity), unit.contains(specificity), unit.contains(prevalence) else {
      return nil
    }
    let hits = sensitivity * prevalence
    let alarms = hits + (1 - specificity) * (1 - prevalence)
    return alarms > 0 ? hits / alarms : nil
  }
}
