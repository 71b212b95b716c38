import Numerics

/// Unpenalised logistic regression on a handful of columns: the engine of the calibration models.
struct LogisticFit {
  /// One coefficient per column.
  let coefficients: [Double]
  /// The inverse of the observed information, row-major [columns × columns].
  let covariance: [Double]

  /// Fits by Newton's method with step halving; nil when the information is singular or 50 steps do
  /// not converge, which is what separation and constant columns lead to.
  ///
  /// - Parameters:
  ///   - columns: [columns][rows], finite, of comparable magnitude.
  ///   - offset: a fixed part of the linear predictor per row, or nil.
  ///   - start: starting coefficients.
  init?(columns: [[Double]], offset: [Double]? = nil, outcomes: [Bool], start: [Double]) {
    let width = columns.count
    let rows = outcomes.indices
    var beta = start

    func predictor(_ row: Int, _ coefficients: [Double]) -> Double {
      var sum = offset?[row] ?? 0
      for column in 0..<width { sum += coefficients[column] * columns[column][row] }
      return sum
    }
    func logLikelihood(_ coefficients: [Double]) -> Double {
      var sum = 0.0
      for row in rows {
        let eta = predictor(row, coefficients)
        sum -= Portable.softplus(outcomes[row] ? -eta : eta)
      }
      return sum
    }

    var current = logLikelihood(beta)
    for _ in 0..<50 {
      var gradient = [Double](repeating: 0, count: width)
      var information = [Double](repeating: 0, count: width * width)
      for row in rows {
        let risk = Portable.sigmoid(predictor(row, beta))
        let residual = (outcomes[row] ? 1 : 0) - risk
        let weight = risk * (1 - risk)
        for i in 0..<width {
          gradient[i] += residual * columns[i][row]
          for j in 0...i {
            information[i * width + j] += weight * columns[i][row] * columns[j][row]
          }
        }
      }
      guard let inverse = invertSymmetric(lower: information, width: width) else { return nil }
      var step = [Double](repeating: 0, count: width)
      var decrement = 0.0
      for i in 0..<width {
        for j in 0..<width { step[i] += inverse[i * width + j] * gradient[j] }
        decrement += step[i] * gradient[i]
      }
      // The decrement is twice the gain in log-likelihood that the quadratic model still expects.
      if decrement <= 1e-20 * Double(outcomes.count) {
        coefficients = beta
        covariance = inverse
        return
      }
      var scale = 1.0
      var accepted = false
      for _ in 0..<30 {
        let candidate = (0..<width).map { beta[$0] + scale * step[$0] }
        let value = logLikelihood(candidate)
        if value >= current - 1e-12 * current.magnitude {
          beta = candidate
          current = value
          accepted = true
          break
        }
        scale /= 2
      }
      guard accepted, beta.allSatisfy({ $0.magnitude < 1e6 }) else { return nil }
      if decrement <= 1e-14 * Double(outcomes.count) {
        coefficients = beta
        covariance = inverse
        return
      }
    }
    return nil
  }

  /// The variance of the linear combination of the coefficients with these weights.
  func variance(of weights: [Double]) -> Double {
    var sum = 0.0
    for i in weights.indices {
      for j in weights.indices {
        sum += weights[i] * weights[j] * covariance[i * weights.count + j]
      }
    }
    return max(0, sum)
  }
}

/// Inverts a symmetric positive definite matrix given by its lower triangle, row-major; nil when a
/// pivot falls below 1e-12 of its diagonal entry, that is when columns are nearly dependent.
private func invertSymmetric(lower matrix: [Double], width: Int) -> [Double]? {
  var factor = [Double](repeating: 0, count: width * width)
  for i in 0..<width {
    for j in 0...i {
      var sum = matrix[i * width + j]
      for k in 0..<j { sum -= factor[i * width + k] * factor[j * width + k] }
      if i == j {
        guard sum > 1e-12 * matrix[i * width + i], sum.isFinite else { return nil }
        factor[i * width + i] = sum.squareRoot()
      } else {
        factor[i * width + j] = sum / factor[j * width + j]
      }
    }
  }
  var inverse = [Double](repeating: 0, count: width * width)
  for column in 0..<width {
    var solution = [Double](repeating: 0, count: width)
    for i in 0..<width {
      var sum = i == column ? 1.0 : 0.0
      for k in 0..<i { sum -= factor[i * width + k] * solution[k] }
      solution[i] = sum / factor[i * width + i]
    }
    for i in (0..<width).reversed() {
      var sum = solution[i]
      for k in (i + 1)..<max(width, i + 1) { sum -= factor[k * width + i] * solution[k] }
      solution[i] = sum / factor[i * width + i]
    }
    for i in 0..<width { inverse[i * width + column] = solution[i] }
  }
  return inverse
}
