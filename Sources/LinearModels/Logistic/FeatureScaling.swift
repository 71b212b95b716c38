import PortableNumerics

/// The means and standard deviations that put features on the standardised scale, and
/// coefficients back on the clinical one.
///
/// z = (x − mean) / standard deviation. A feature without spread becomes 0 everywhere, so that it
/// gets the coefficient 0 under a ridge penalty and is named as singular without one.
public struct FeatureScaling: Sendable, Equatable {
  /// One mean for each feature, in the feature's unit.
  public let means: [Double]
  /// One standard deviation for each feature, ≥ 0, in the feature's unit.
  public let standardDeviations: [Double]

  /// Throws `shapeMismatch`; `invalidSettings` with the column for a value that is not finite or
  /// a negative standard deviation.
  public init(means: [Double], standardDeviations: [Double]) throws(LinearModelError) {
    guard means.count == standardDeviations.count else { throw LinearModelError(.shapeMismatch) }
    for index in means.indices
    where !means[index].isFinite || !standardDeviations[index].isFinite
      || standardDeviations[index] < 0
    {
      throw LinearModelError(.invalidSettings, index: index)
    }
    self.means = means
    self.standardDeviations = standardDeviations
  }

  /// 1 / standard deviation, 0 for a feature without spread.
  private func inverseDeviation(_ index: Int) -> Double {
    let deviation = standardDeviations[index]
    return deviation > 0 ? 1 / deviation : 0
  }

  /// The standardised matrix. Throws `shapeMismatch` for another number of columns.
  public func standardised(_ matrix: Matrix) throws(LinearModelError) -> Matrix {
    guard matrix.columns == means.count else { throw LinearModelError(.shapeMismatch) }
    var storage = matrix.storage
    let p = means.count
    for j in 0..<p {
      let deviation = standardDeviations[j]
      for i in 0..<matrix.rows {
        let centred = storage[i * p + j] - means[j]
        storage[i * p + j] = deviation > 0 ? centred / deviation : centred * 0
      }
    }
    var result = matrix
    result.storage = storage
    return result
  }

  /// Coefficients and standard errors per unit of the original features, intercept first.
  ///
  /// With βⱼ on the standardised scale and s = 1/sd: bⱼ = βⱼ sⱼ, b₀ = β₀ − Σ βⱼ sⱼ meanⱼ; the
  /// covariance is carried over exactly. e^bⱼ is the odds ratio for one unit of feature j.
  ///
  /// - Parameters:
  ///   - beta: p + 1 coefficients, intercept first.
  ///   - covariance: packed upper triangle of order p + 1, as in `LogisticNewtonState`.
  /// - Throws: `shapeMismatch`.
  public func originalCoefficients(
    beta: [Double], covariance: [Double]
  ) throws(LinearModelError) -> (estimates: [Double], standardErrors: [Double]) {
    let q = means.count + 1
    guard beta.count == q, let matrix = try? SymmetricMatrix(order: q, packed: covariance) else {
      throw LinearModelError(.shapeMismatch)
    }
    var estimates = beta
    var standardErrors = [Double](repeating: 0, count: q)
    // The row of the transformation that gives the intercept.
    var row = [Double](repeating: 1, count: q)
    for j in 1..<max(q, 1) {
      let inverse = inverseDeviation(j - 1)
      estimates[j] = beta[j] * inverse
      estimates[0] -= estimates[j] * means[j - 1]
      standardErrors[j] = matrix[j, j].squareRoot() * inverse
      row[j] = -means[j - 1] * inverse
    }
    var variance = 0.0
    for j in 0..<q {
      for k in 0..<q { variance += row[j] * row[k] * matrix[j, k] }
    }
    standardErrors[0] = max(variance, 0).squareRoot()
    return (estimates: estimates, standardErrors: standardErrors)
  }
}
