/// The Cholesky factorisation A = L Lᵀ of a positive definite matrix.
///
/// Only + − × ÷ √ in a fixed order, so the result has the same bits on every machine. Cost n³/6
/// multiplications; meant for the tens to hundreds of parameters of a regression.
public struct CholeskyFactor: Sendable {
  /// Number of rows and of columns.
  public let order: Int
  /// L, row-major with zeros above the diagonal.
  private let lower: [Double]

  /// Factorises a matrix.
  ///
  /// Throws `notPositiveDefinite` with the column whose pivot is not above
  /// `relativeTolerance` × its diagonal element. The ratio is 1 − R² of that column on the
  /// columns before it, so a collinear column is named at any scale.
  ///
  /// - Parameter relativeTolerance: in [0, 1).
  public init(
    _ matrix: SymmetricMatrix, relativeTolerance: Double = 1e-14
  ) throws(NumericsError) {
    let n = matrix.order
    var l = [Double](repeating: 0, count: n * n)
    for j in 0..<n {
      var pivot = matrix[j, j]
      for k in 0..<j { pivot -= l[j * n + k] * l[j * n + k] }
      let limit = relativeTolerance * matrix[j, j]
      guard pivot > 0, pivot > limit, pivot < .infinity else {
        throw NumericsError(.notPositiveDefinite, index: j)
      }
      let root = pivot.squareRoot()
      l[j * n + j] = root
      for i in (j + 1)..<max(n, j + 1) {
        var sum = matrix[j, i]
        for k in 0..<j { sum -= l[i * n + k] * l[j * n + k] }
        l[i * n + j] = sum / root
      }
    }
    order = n
    lower = l
  }

  /// The x with A x = b. Throws `shapeMismatch` when b has not `order` elements.
  public func solve(_ rightHandSide: [Double]) throws(NumericsError) -> [Double] {
    guard rightHandSide.count == order else { throw NumericsError(.shapeMismatch) }
    var x = rightHandSide
    for i in 0..<order {
      for k in 0..<i { x[i] -= lower[i * order + k] * x[k] }
      x[i] /= lower[i * order + i]
    }
    var i = order - 1
    while i >= 0 {
      for k in (i + 1)..<max(order, i + 1) { x[i] -= lower[k * order + i] * x[k] }
      x[i] /= lower[i * order + i]
      i -= 1
    }
    return x
  }

  /// log |A| = 2 Σ log L(i, i).
  public var logDeterminant: Double {
    var sum = 0.0
    for i in 0..<order { sum += Portable.log(lower[i * order + i]) }
    return 2 * sum
  }

  /// A⁻¹.
  public func inverse() -> SymmetricMatrix {
    let m = inverseOfLower()
    var result = SymmetricMatrix(order: order)
    for i in 0..<order {
      for j in i..<order {
        var sum = 0.0
        for k in j..<order { sum += m[k * order + i] * m[k * order + j] }
        result[i, j] = sum
      }
    }
    return result
  }

  /// The diagonal of A⁻¹: variances, when A is an information matrix.
  public var inverseDiagonal: [Double] {
    let m = inverseOfLower()
    return (0..<order).map { i in
      var sum = 0.0
      for k in i..<order { sum += m[k * order + i] * m[k * order + i] }
      return sum
    }
  }

  /// L⁻¹, row-major.
  private func inverseOfLower() -> [Double] {
    var m = [Double](repeating: 0, count: order * order)
    for j in 0..<order {
      m[j * order + j] = 1 / lower[j * order + j]
      for i in (j + 1)..<max(order, j + 1) {
        var sum = 0.0
        for k in j..<i { sum -= lower[i * order + k] * m[k * order + j] }
        m[i * order + j] = sum / lower[i * order + i]
      }
    }
    return m
  }
}
