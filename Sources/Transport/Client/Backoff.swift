/// Exponential backoff with full jitter in its upper half.
public struct Backoff: Sendable, Hashable {
  /// Delay after a connection that had worked, and base of the others.
  public var initial: Duration = .milliseconds(200)
  /// Longest delay.
  public var maximum: Duration = .seconds(30)
  /// Factor from one failure to the next.
  public var multiplier = 1.7

  /// The defaults.
  public init() {}

  /// The delay after a number of failures in a row.
  ///
  /// - Parameter random: uniform in 0..<1; the delay is between half and all of the full one.
  public func delay(afterFailures failures: Int, random: Double) -> Duration {
    var full = initial
    for _ in 0..<min(max(failures, 0), 64) where full < maximum { full *= multiplier }
    return min(full, maximum) * (0.5 + 0.5 * random)
  }
}

extension Duration {
  fileprivate static func *= (duration: inout Duration, factor: Double) {
    duration = duration * factor
  }
}
