import PortableNumerics

/// Unpenalised logistic regression on a handful of columns: the engine of the calibration models.
struct LogisticFit {
  /// One coefficient per column.
  let coefficients: [Double]
  /// The inverse of the observed information, [columns × columns].
  let covariance: SymmetricMatrix

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
      var information = SymmetricMatrix(order: width)
      for row in rows {
        let risk = Portable.sigmoid(predictor(row, beta))
        let residual = (outcomes[row] ? 1 : 0) - risk
        let weight = risk * (1 - risk)
        for i in 0..<width {
          gradient[i] += residual * columns[i][row]
          for j in 0...i {
            information[i, j] += weight * columns[i][row] * columns[j][row]
          }
        }
      }
      guard let inverse = LogisticFit.inverse(information) else { return nil }
      var step = [Double](repeating: 0, count: width)
      var decrement = 0.0
      for i in 0..<width {
        for j in 0..<width { step[i] += inverse[i, j] * gradient[j] }
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
        sum += weights[i] * weights[j] * covariance[i, j]
      }
    }
    return max(0, sum)
  }

  /// The inverse of an information matrix; nil when columns are nearly dependent, that is when a pivot
  /// falls below 1e-12 of its diagonal element.
  private static func inverse(_ information: SymmetricMatrix) -> SymmetricMatrix? {
    do {
      return try CholeskyFactor(information, relativeTolerance: 1e-12).inverse()
    } catch {
      return nil
    }
  }
}
