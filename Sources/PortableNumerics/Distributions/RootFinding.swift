/// Roots of increasing functions of one variable.
enum RootFinding {
  /// The x in [lower, upper] where an increasing function crosses 0: Newton's method, replaced by
  /// a halving of the bracket whenever a step leaves it or shrinks too slowly.
  ///
  /// - Parameter function: value and derivative at x; the value must increase with x.
  static func increasing(
    lower: Double, upper: Double, start: Double,
    _ function: (Double) -> (value: Double, derivative: Double)
  ) -> Double {
    var low = lower
    var high = upper
    var x = min(max(start, lower), upper)
    var previousStep = high - low
    for _ in 0..<200 {
      let (value, derivative) = function(x)
      if value != value { return .nan }
      if value == 0 { return x }
      if value < 0 { low = x } else { high = x }
      var next = x - value / derivative
      if !(next > low && next < high) || (next - x).magnitude > 0.5 * previousStep {
        next = low + 0.5 * (high - low)
      }
      let step = (next - x).magnitude
      previousStep = step
      x = next
      if step <= 1e-16 * max(x.magnitude, 1e-16) { break }
    }
    return x
  }
}
