/// Values along a line, each near the one before it: a Gaussian random walk.
struct RandomWalk {
  /// Variance of the difference of neighbours, > 0.
  let stepVariance: Double
  /// Prior variance of each value, > 0.
  let levelVariance: Double

  /// The posterior mean for independent Gaussian evidence: solves
  /// (diag(precision + 1/levelVariance) + K/stepVariance) u = evidence, K the second differences, by
  /// elimination along the tridiagonal.
  ///
  /// - Parameters:
  ///   - precision: of each value's evidence, ≥ 0.
  ///   - evidence: precision times the measured value.
  func posteriorMean(precision: [Double], evidence: [Double]) -> [Double] {
    let count = precision.count
    guard count > 0, evidence.count == count else { return [] }
    let coupling = 1 / stepVariance
    var diagonal = precision.enumerated().map { index, value in
      value + 1 / levelVariance + coupling * ((index > 0 ? 1 : 0) + (index < count - 1 ? 1 : 0))
    }
    var values = evidence
    for index in 1..<max(count, 1) {
      let factor = coupling / diagonal[index - 1]
      diagonal[index] -= factor * coupling
      values[index] += factor * values[index - 1]
    }
    values[count - 1] /= diagonal[count - 1]
    for index in (0..<(count - 1)).reversed() {
      values[index] = (values[index] + coupling * values[index + 1]) / diagonal[index]
    }
    return values
  }
}
