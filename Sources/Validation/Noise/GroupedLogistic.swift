import PortableNumerics

/// Logistic recalibration from counts per bin of risk: at most some dozens of groups, whatever the
/// number of patients. Counts need not be whole.
struct GroupedLogistic {
  /// a of logit P(y) = a + z.
  let calibrationInTheLarge: Double
  /// b of logit P(y) = a + b z; nil where the likelihood has no maximum.
  let slope: Double?

  /// Fits both; nil when one class is absent.
  init?(predictors: [Double], events: [Double], nonEvents: [Double]) {
    guard events.reduce(0, +) > 0.5, nonEvents.reduce(0, +) > 0.5 else { return nil }
    var large = 0.0
    for _ in 0..<100 {
      var excess = 0.0
      var information = 0.0
      for bin in predictors.indices {
        let risk = Portable.sigmoid(large + predictors[bin])
        let count = events[bin] + nonEvents[bin]
        excess += events[bin] - count * risk
        information += count * risk * (1 - risk)
      }
      guard information > 1e-12 else { break }
      let step = min(max(excess / information, -2), 2)
      large += step
      if step.magnitude < 1e-10 { break }
    }
    guard large.magnitude < 50 else { return nil }
    calibrationInTheLarge = large
    slope = Self.slope(predictors, events, nonEvents, start: large)
  }

  private static func slope(
    _ z: [Double], _ events: [Double], _ nonEvents: [Double], start: Double
  ) -> Double? {
    var a = start
    var b = 1.0
    for _ in 0..<100 {
      var g0 = 0.0
      var g1 = 0.0
      var h00 = 0.0
      var h01 = 0.0
      var h11 = 0.0
      for bin in z.indices {
        let risk = Portable.sigmoid(a + b * z[bin])
        let count = events[bin] + nonEvents[bin]
        let residual = events[bin] - count * risk
        let weight = count * risk * (1 - risk)
        g0 += residual
        g1 += residual * z[bin]
        h00 += weight
        h01 += weight * z[bin]
        h11 += weight * z[bin] * z[bin]
      }
      let determinant = h00 * h11 - h01 * h01
      guard determinant > 1e-9 * h00 * h11 else { return nil }
      let stepA = min(max((h11 * g0 - h01 * g1) / determinant, -2), 2)
      let stepB = min(max((h00 * g1 - h01 * g0) / determinant, -1), 1)
      a += stepA
      b += stepB
      guard a.magnitude < 50, b.magnitude < 50 else { return nil }
      if stepA.magnitude < 1e-10, stepB.magnitude < 1e-10 { return b }
    }
    return nil
  }
}
