/// Roots of monotone functions of one variable, without derivatives.
enum Bracket {
  /// A root of a monotone function inside [lower, upper], to the last places.
  ///
  /// Ridders' method (1979): each step fits an exponential through three points, so the bracket at
  /// least halves and mostly squares its precision. The function has to change sign over the
  /// bracket; otherwise the end nearer to a root comes back.
  ///
  /// - Parameter relativeTolerance: stop when the bracket is this small against its magnitude.
  static func root(
    _ lower: Double, _ upper: Double, relativeTolerance: Double = 4e-16,
    _ function: (Double) -> Double
  ) -> Double {
    var (low, high) = (lower, upper)
    var (atLow, atHigh) = (function(low), function(high))
    if atLow == 0 { return low }
    if atHigh == 0 { return high }
    if (atLow < 0) == (atHigh < 0) {
      return atLow.magnitude < atHigh.magnitude ? low : high
    }
    for _ in 0..<300 {
      let middle = low + 0.5 * (high - low)
      if !(middle > low && middle < high) { break }
      if (high - low).magnitude <= relativeTolerance * middle.magnitude { return middle }
      let atMiddle = function(middle)
      if atMiddle == 0 { return middle }
      var next = middle
      let discriminant = atMiddle * atMiddle - atLow * atHigh
      if discriminant.isFinite, discriminant > 0 {
        let sign = atLow < atHigh ? -1.0 : 1.0
        next = middle + (middle - low) * sign * atMiddle / discriminant.squareRoot()
      }
      if (atMiddle < 0) == (atLow < 0) {
        (low, atLow) = (middle, atMiddle)
      } else {
        (high, atHigh) = (middle, atMiddle)
      }
      if next > low, next < high {
        let atNext = function(next)
        if atNext == 0 { return next }
        if (atNext < 0) == (atLow < 0) {
          (low, atLow) = (next, atNext)
        } else {
          (high, atHigh) = (next, atNext)
        }
      }
    }
    return low + 0.5 * (high - low)
  }

  /// The smallest power-of-two multiple `start · 2^k` at which a condition holds that is false
  /// below and true above, with the point one step before it.
  ///
  /// - Returns: nil when the condition is met nowhere up to 2^`limit`.
  static func doubling(
    from start: Double, limit: Int = 1100, until holds: (Double) -> Bool
  ) -> (below: Double, above: Double)? {
    if holds(start) {
      var above = start
      for _ in 0..<limit {
        let below = above * 0.5
        if below == 0 { return (0, above) }
        if !holds(below) { return (below, above) }
        above = below
      }
      return (0, above)
    }
    var below = start
    for _ in 0..<limit {
      let above = below * 2
      if !above.isFinite { return nil }
      if holds(above) { return (below, above) }
      below = above
    }
    return nil
  }
}
