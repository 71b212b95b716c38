/// The Brier score, the mean squared difference between predicted risk and outcome.
public struct BrierScore: Sendable, Codable, Equatable {
  /// mean (p − y)², in [0, 1]; lower is better.
  public let value: Double
  /// Standard deviation of (p − y)² over √n; nil for fewer than two patients.
  public let standardError: Double?
  /// The 95 % interval, cut at 0 and 1; nil with the standard error.
  public let interval: Interval?
  /// 1 − value/(ȳ(1 − ȳ)): 0 for a model that gives everybody the prevalence, 1 for a perfect one,
  /// below 0 for a harmful one; nil when one class is absent.
  public let scaled: Double?

  /// The Brier score of predicted risks; nil without patients.
  ///
  /// - Throws: `lengthMismatch`, `outOfRange` for a risk outside [0, 1].
  public static func evaluate(
    probabilities: [Double], outcomes: [Bool]
  ) throws(ValidationError) -> BrierScore? {
    BrierScore(try CheckedInput(scores: probabilities, outcomes: outcomes, asRisks: true))
  }

  /// The Brier score of checked rows; nil without patients.
  init?(_ input: CheckedInput) {
    guard input.count > 0 else { return nil }
    let count = Double(input.count)
    let losses = input.scores.indices.map { index in
      let residual = input.scores[index] - (input.outcomes[index] ? 1 : 0)
      return residual * residual
    }
    let mean = losses.reduce(0, +) / count
    var standardError: Double?
    if input.count > 1 {
      let squares = losses.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      standardError = (squares / ((count - 1) * count)).squareRoot()
    }
    self.init(
      value: mean, standardError: standardError, prevalence: Double(input.eventCount) / count)
  }

  /// Rebuilds interval and scaled score; nil when a number is out of range.
  init?(value: Double, standardError: Double?, prevalence: Double) {
    guard value >= 0, value <= 1, prevalence >= 0, prevalence <= 1 else { return nil }
    self.value = value
    let reference = prevalence * (1 - prevalence)
    scaled = reference > 0 ? 1 - value / reference : nil
    guard let standardError else {
      self.standardError = nil
      interval = nil
      return
    }
    guard standardError >= 0, standardError <= 1 else { return nil }
    self.standardError = standardError
    let reach = normalQuantile975 * standardError
    interval = Interval(lower: max(0, value - reach), upper: min(1, value + reach))
  }
}
