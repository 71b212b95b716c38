import PortableNumerics

/// Ridge logistic regression by Newton's method (iteratively reweighted least squares) from
/// summed integers.
///
/// Model: P(y = 1 | x) = 1/(1 + e^−η), η = β₀ + Σ βⱼ xⱼ. Objective to minimise:
///
///     Σᵢ softplus(∓ηᵢ) + ½ λ Σⱼ≥₁ βⱼ²
///
/// which is scikit-learn's with C = 1/λ: the intercept is not penalised. Features are expected on
/// the standardised scale and are clipped to ±16; `predict` clips in the same way.
///
/// In each round a site answers, for every patient, the gradient, the Hessian (upper triangle) and
/// the log-likelihood, each rounded to an integer *before* it is summed. Integer sums do not
/// depend on how patients are spread over sites, so the coefficients are bit-identical to those of
/// the pooled rows.
///
/// **Layout** of the vector for p features, q = p + 1 with the intercept first:
///
/// | elements | meaning | scale | largest magnitude per patient |
/// | --- | --- | --- | --- |
/// | q | Σ (y − π) xⱼ | 2³⁴ | 16 · 2³⁴ = 2³⁸ |
/// | q(q+1)/2 | Σ π(1 − π) xⱼ xₖ, j ≤ k, row by row | 2³² | ¼ · 16² · 2³² = 2³⁸ |
/// | 1 | Σ log-likelihood, each patient at least −64 | 2³² | 64 · 2³² = 2³⁸ |
/// | 1 | patients | 1 | 1 |
/// | 1 | patients with y = 1 | 1 | 1 |
/// | 1 | patients with a clipped feature | 1 | 1 |
///
/// **Bound.** With at most 2²⁴ patients in all sites together every sum is at most 2⁶² < 2⁶³, so
/// neither an Int64 nor a 64-bit ring overflows. **Precision.** The fixed point is gradient = λβ;
/// a patient's gradient is rounded by at most 2⁻³⁵, which moves β by at most 2⁻³⁵ divided by the
/// smallest eigenvalue of the mean Hessian: below 1e-8 unless columns are nearly collinear.
public struct LogisticNewton: Sendable, Equatable {
  /// Largest magnitude of a standardised feature; beyond it a value is clipped.
  public static let featureBound = 16.0
  /// Largest number of patients over all sites together.
  public static let maximumPatientCount = 1 << 24
  /// Largest magnitude of a coefficient on the standardised scale.
  public static let parameterBound = 1e6
  /// Floor of one patient's log-likelihood.
  static let logLikelihoodFloor = -64.0
  static let gradientScale = 0x1p34
  static let hessianScale = 0x1p32
  static let perPatientBound: Int64 = 1 << 38

  /// Number of features p, without the intercept.
  public let featureCount: Int
  /// λ ≥ 0 on the standardised scale; 0 is maximum likelihood.
  public let ridge: Double
  /// The fit has converged when no coefficient moves by as much as this; > 0.
  public let tolerance: Double
  /// Rounds after which the fit stops unconverged; ≥ 1.
  public let iterationLimit: Int

  /// Throws `invalidSettings` for a value outside its range.
  public init(
    featureCount: Int, ridge: Double, tolerance: Double = 1e-8, iterationLimit: Int = 50
  ) throws(LinearModelError) {
    guard featureCount >= 0, featureCount <= 4096, ridge >= 0, ridge <= 1e9, tolerance > 0,
      tolerance < 1, iterationLimit >= 1
    else { throw LinearModelError(.invalidSettings) }
    self.featureCount = featureCount
    self.ridge = ridge
    self.tolerance = tolerance
    self.iterationLimit = iterationLimit
  }

  /// Number of integers in an answer for p features.
  public static func vectorLength(featureCount: Int) -> Int {
    let q = featureCount + 1
    return q + q * (q + 1) / 2 + 4
  }

  /// Number of integers in an answer.
  public var vectorLength: Int { Self.vectorLength(featureCount: featureCount) }

  /// The largest magnitude one patient adds to each element: the sensitivity of the sum, and,
  /// times the number of patients, the bound that the sum has to keep.
  public static func perPatientBounds(featureCount: Int) -> [Int64] {
    let length = vectorLength(featureCount: featureCount)
    var bounds = [Int64](repeating: perPatientBound, count: length)
    for index in (length - 3)..<length { bounds[index] = 1 }
    return bounds
  }

  /// A site's answer for one round: the sum over its rows, zero for no rows.
  ///
  /// Uses only portable arithmetic, so the integers are the same on every machine.
  ///
  /// - Parameters:
  ///   - beta: p + 1 coefficients, intercept first.
  ///   - design: rows × p, standardised, no missing values.
  ///   - outcome: 0 or 1 for each row of `design`.
  ///   - rows: the rows to use (0-based, each at most once); nil for all.
  /// - Throws: `shapeMismatch`, `nonFiniteParameter`, `nonFiniteFeature` and `invalidOutcome` with
  ///   the column or row concerned, `tooManyPatients`.
  public static func answer(
    beta: [Double], design: Matrix, outcome: [UInt8], rows: [Int]? = nil
  ) throws(LinearModelError) -> [Int64] {
    let p = design.columns
    let q = p + 1
    guard beta.count == q, outcome.count == design.rows else {
      throw LinearModelError(.shapeMismatch)
    }
    try checkParameters(beta)
    let chosen = rows ?? Array(0..<design.rows)
    guard chosen.count <= maximumPatientCount else { throw LinearModelError(.tooManyPatients) }
    var result = [Int64](repeating: 0, count: vectorLength(featureCount: p))
    let fault: LinearModelError? = result.withUnsafeMutableBufferPointer { sums in
      design.storage.withUnsafeBufferPointer { values in
        accumulate(
          into: sums, beta: beta, values: values, columns: p, outcome: outcome, rows: chosen)
      }
    }
    if let fault { throw fault }
    return result
  }

  /// Throws `nonFiniteParameter` for a coefficient that is NaN or out of bounds.
  static func checkParameters(_ beta: [Double]) throws(LinearModelError) {
    for (index, value) in beta.enumerated() where !(value.magnitude <= parameterBound) {
      throw LinearModelError(.nonFiniteParameter, index: index)
    }
  }

  /// Adds the integers of each chosen row; returns what is wrong with the first bad row.
  private static func accumulate(
    into sums: UnsafeMutableBufferPointer<Int64>, beta: [Double],
    values: UnsafeBufferPointer<Double>, columns p: Int, outcome: [UInt8], rows: [Int]
  ) -> LinearModelError? {
    let q = p + 1
    let rowCount = outcome.count
    let tail = q + q * (q + 1) / 2
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: q) { x in
      beta.withUnsafeBufferPointer { beta in
        x.initialize(repeating: 1)
        for row in rows {
          guard row >= 0, row < rowCount else { return LinearModelError(.shapeMismatch) }
          var eta = beta[0]
          var isClipped = false
          for j in 0..<p {
            let value = values[row * p + j]
            guard value.isFinite else { return LinearModelError(.nonFiniteFeature, index: j) }
            let clipped = min(max(value, -featureBound), featureBound)
            if clipped != value { isClipped = true }
            x[j + 1] = clipped
            eta += beta[j + 1] * clipped
          }
          let y = outcome[row]
          guard y <= 1 else { return LinearModelError(.invalidOutcome, index: row) }
          let probability = Portable.sigmoid(eta)
          // Scaling by a power of two is exact: one rounding to an integer for each product.
          let residual = (Double(y) - probability) * gradientScale
          let weight = probability * (1 - probability) * hessianScale
          var element = q
          for j in 0..<q {
            sums[j] &+= Int64(Portable.nearestInteger(residual * x[j]))
            let scaled = weight * x[j]
            for k in j..<q {
              sums[element] &+= Int64(Portable.nearestInteger(scaled * x[k]))
              element += 1
            }
          }
          let logLikelihood = max(-Portable.softplus(y == 1 ? -eta : eta), logLikelihoodFloor)
          sums[tail] &+= Int64(Portable.nearestInteger(logLikelihood * hessianScale))
          sums[tail + 1] &+= 1
          sums[tail + 2] &+= Int64(y)
          sums[tail + 3] &+= isClipped ? 1 : 0
        }
        return nil
      }
    }
  }

  /// The probabilities P(y = 1) for the rows of a standardised design matrix.
  ///
  /// Throws `shapeMismatch` when `beta` has not columns + 1 elements, `nonFiniteParameter`. A row
  /// with a missing feature gives NaN.
  public static func predict(
    beta: [Double], design: Matrix
  ) throws(LinearModelError) -> [Double] {
    guard beta.count == design.columns + 1 else { throw LinearModelError(.shapeMismatch) }
    try checkParameters(beta)
    let p = design.columns
    return (0..<design.rows).map { row in
      var eta = beta[0]
      for j in 0..<p {
        let value = design.storage[row * p + j]
        let clipped = value.isNaN ? value : min(max(value, -featureBound), featureBound)
        eta += beta[j + 1] * clipped
      }
      return Portable.sigmoid(eta)
    }
  }
}
