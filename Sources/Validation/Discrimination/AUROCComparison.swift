/// The paired comparison of two models' AUROC on the same patients (DeLong 1988).
public struct AUROCComparison: Sendable, Codable, Equatable {
  /// The first model.
  public let first: AUROC
  /// The second model.
  public let second: AUROC
  /// first − second, with the standard error √(var₁ + var₂ − 2 cov) and its interval.
  public let difference: Estimate
  /// The difference divided by its standard error; nil when the standard error is unknown or 0.
  public let z: Double?
  /// The two-sided p-value of z; nil with z.
  public let pValue: Double?

  /// Compares two models; nil when one class is absent.
  ///
  /// - Throws: `lengthMismatch`, `outOfRange` for a NaN or infinite score.
  public static func evaluate(
    first: [Double], second: [Double], outcomes: [Bool]
  ) throws(ValidationError) -> AUROCComparison? {
    guard
      let firstAUROC = try AUROC.evaluate(scores: first, outcomes: outcomes),
      let secondAUROC = try AUROC.evaluate(scores: second, outcomes: outcomes)
    else { return nil }
    var standardError: Double?
    if firstAUROC.standardError != nil, secondAUROC.standardError != nil {
      let one = placements(scores: first, outcomes: outcomes)
      let two = placements(scores: second, outcomes: outcomes)
      // The variance of the difference is the variance of the differences of the placements.
      let variance =
        varianceOfMean(one.events, two.events) + varianceOfMean(one.nonEvents, two.nonEvents)
      standardError = variance.squareRoot()
    }
    return AUROCComparison(
      first: firstAUROC, second: secondAUROC, standardError: standardError)
  }

  /// Rebuilds a comparison from both AUROCs and the standard error of their difference.
  init?(first: AUROC, second: AUROC, standardError: Double?) {
    let gap = first.value - second.value
    guard let difference = Estimate(value: gap, standardError: standardError) else { return nil }
    self.first = first
    self.second = second
    self.difference = difference
    if let error = difference.standardError, error > 0 {
      z = gap / error
      pValue = twoSidedNormalPValue(gap / error)
    } else {
      z = nil
      pValue = nil
    }
  }

  /// Placement values of each patient, in the order of the rows: V10 for the events, V01 for the
  /// others.
  private static func placements(
    scores: [Double], outcomes: [Bool]
  ) -> (events: [Double], nonEvents: [Double]) {
    let order = scores.indices.sorted { scores[$0] < scores[$1] }
    let eventTotal = Double(outcomes.reduce(0) { $0 + ($1 ? 1 : 0) })
    let nonEventTotal = Double(outcomes.count) - eventTotal
    var placement = [Double](repeating: 0, count: scores.count)
    var eventsBelow = 0.0
    var nonEventsBelow = 0.0
    var start = 0
    while start < order.count {
      var end = start
      var events = 0.0
      while end < order.count, scores[order[end]] == scores[order[start]] {
        events += outcomes[order[end]] ? 1 : 0
        end += 1
      }
      let nonEvents = Double(end - start) - events
      for index in order[start..<end] {
        placement[index] =
          outcomes[index]
          ? (nonEventsBelow + nonEvents / 2) / nonEventTotal
          : (eventTotal - eventsBelow - events / 2) / eventTotal
      }
      eventsBelow += events
      nonEventsBelow += nonEvents
      start = end
    }
    let rows = outcomes.indices
    return (
      rows.filter { outcomes[$0] }.map { placement[$0] },
      rows.filter { !outcomes[$0] }.map { placement[$0] }
    )
  }

  /// The variance of the mean of first − second, Σ(d − d̄)²/((m−1) m).
  private static func varianceOfMean(_ first: [Double], _ second: [Double]) -> Double {
    let differences = zip(first, second).map { $0 - $1 }
    let count = Double(differences.count)
    let mean = differences.reduce(0, +) / count
    let squares = differences.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return squares / ((count - 1) * count)
  }
}
