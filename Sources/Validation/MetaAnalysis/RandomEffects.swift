import PortableNumerics

/// The estimators of the between-hospital variance τ².
struct RandomEffects {
  /// One measure per hospital, finite.
  let values: [Double]
  /// Its sampling variance, finite and > 0.
  let variances: [Double]

  /// Sums with weights w = 1/(v + τ²).
  struct Weighted {
    /// Σw.
    let weightSum: Double
    /// Σw².
    let squaredWeightSum: Double
    /// Σwy/Σw.
    let mean: Double
    /// Σw(y − mean)².
    let squares: Double
    /// Σw²(y − mean)².
    let doublyWeightedSquares: Double
  }

  /// The weighted sums at one τ² ≥ 0.
  func weighted(tauSquared: Double) -> Weighted {
    let weights = variances.map { 1 / ($0 + tauSquared) }
    let weightSum = weights.reduce(0, +)
    let mean = zip(weights, values).reduce(0) { $0 + $1.0 * $1.1 } / weightSum
    var squaredWeightSum = 0.0
    var squares = 0.0
    var doublyWeightedSquares = 0.0
    for (weight, value) in zip(weights, values) {
      let residual = value - mean
      squaredWeightSum += weight * weight
      squares += weight * residual * residual
      doublyWeightedSquares += weight * weight * residual * residual
    }
    return Weighted(
      weightSum: weightSum, squaredWeightSum: squaredWeightSum, mean: mean, squares: squares,
      doublyWeightedSquares: doublyWeightedSquares)
  }

  /// τ² = max(0, (Q − (k−1))/(Σw − Σw²/Σw)) with w = 1/v; 0 for one hospital.
  var derSimonianLaird: Double {
    guard values.count > 1 else { return 0 }
    let fit = weighted(tauSquared: 0)
    let scale = fit.weightSum - fit.squaredWeightSum / fit.weightSum
    guard scale > 0 else { return 0 }
    return max(0, (fit.squares - Double(values.count - 1)) / scale)
  }

  /// The τ² that minimises ½[Σ log(v+τ²) + log Σw + Σw(y−μ)²]; 0 for one hospital.
  ///
  /// The criterion can have several minima, so it is first scanned on a grid that is dense near 0 and
  /// reaches beyond any stationary point; the best interval is then bisected on the sign of the
  /// derivative ½[Σw − Σw²/Σw − Σw²(y−μ)²] to the last bit. No step can leave the range, and the same
  /// inputs take the same steps on every machine.
  var restrictedMaximumLikelihood: Double {
    guard values.count > 1, let low = values.min(), let high = values.max() else { return 0 }
    let largest = variances.reduce(0, max)
    // Beyond (range)² + the largest variance the derivative is positive: Σw²(y−μ)² < Σw − Σw²/Σw.
    let top = Double(values.count) * ((high - low) * (high - low) + largest)
    let steps = 400
    let grid = (0...steps).map { index in
      let share = Double(index) / Double(steps)
      return top * share * share * share * share
    }
    var best = 0
    var smallest = Double.infinity
    for (index, candidate) in grid.enumerated() {
      let value = restrictedCriterion(tauSquared: candidate)
      if value < smallest {
        smallest = value
        best = index
      }
    }
    var lower = grid[max(0, best - 1)]
    var upper = grid[min(steps, best + 1)]
    if best == 0, restrictedDerivative(tauSquared: 0) >= 0 { return 0 }
    for _ in 0..<200 {
      let middle = lower + (upper - lower) / 2
      if middle <= lower || middle >= upper { break }
      if restrictedDerivative(tauSquared: middle) > 0 { upper = middle } else { lower = middle }
    }
    return lower + (upper - lower) / 2
  }

  /// Twice the negative restricted log-likelihood without constants.
  private func restrictedCriterion(tauSquared: Double) -> Double {
    let fit = weighted(tauSquared: tauSquared)
    let logs = variances.reduce(0) { $0 + Portable.log($1 + tauSquared) }
    return logs + Portable.log(fit.weightSum) + fit.squares
  }

  /// The derivative of the criterion with respect to τ².
  private func restrictedDerivative(tauSquared: Double) -> Double {
    let fit = weighted(tauSquared: tauSquared)
    return fit.weightSum - fit.squaredWeightSum / fit.weightSum - fit.doublyWeightedSquares
  }
}
