import PortableNumerics

/// A two-sided interval with finite ends, lower ≤ upper.
public struct Interval: Sendable, Codable, Equatable {
  /// The lower end.
  public let lower: Double
  /// The upper end.
  public let upper: Double

  /// Creates an interval, or nothing when an end is not finite or the ends are out of order.
  public init?(lower: Double, upper: Double) {
    guard lower.isFinite, upper.isFinite, lower <= upper else { return nil }
    self.lower = lower
    self.upper = upper
  }

  /// Whether a value lies between the ends, both included.
  public func contains(_ value: Double) -> Bool { lower <= value && value <= upper }
}

/// A number with its standard error and its 95 % interval.
///
/// The interval is nil where the standard error is nil: a value without a known uncertainty is
/// printed without one and is left out of a meta-analysis by name.
public struct Estimate: Sendable, Codable, Equatable {
  /// The point estimate, finite.
  public let value: Double
  /// The standard error, finite and ≥ 0.
  public let standardError: Double?
  /// The 95 % interval value ± 1.96 standard errors, on the scale of the value.
  public let interval: Interval?

  /// Creates an estimate with its Wald interval, or nothing when the value is not finite.
  public init?(value: Double, standardError: Double?) {
    guard value.isFinite else { return nil }
    self.value = value
    guard let error = standardError, error.isFinite, error >= 0 else {
      self.standardError = nil
      self.interval = nil
      return
    }
    self.standardError = error
    let reach = normalQuantile975 * error
    self.interval = Interval(lower: value - reach, upper: value + reach)
  }
}

/// A share of patients with its Wilson score interval.
public struct Proportion: Sendable, Codable, Equatable {
  /// How many have the property; 0 ≤ count ≤ total.
  public let count: Int
  /// Out of how many; > 0.
  public let total: Int
  /// count/total.
  public let value: Double
  /// The 95 % Wilson score interval (Wilson 1927), which stays inside [0, 1].
  public let interval: Interval

  /// Creates a proportion, or nothing when the total is not positive or the count is outside it.
  public init?(count: Int, total: Int) {
    guard total > 0, count >= 0, count <= total,
      let ends = BinomialProportion.wilsonInterval(
        successes: Double(count), trials: Double(total)),
      let interval = Interval(lower: ends.lower, upper: ends.upper)
    else { return nil }
    self.count = count
    self.total = total
    self.value = Double(count) / Double(total)
    self.interval = interval
  }
}
