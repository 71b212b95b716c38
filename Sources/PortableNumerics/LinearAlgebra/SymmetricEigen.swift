/// Eigenvalues and eigenvectors of a symmetric matrix, A = V Λ Vᵀ, by cyclic Jacobi rotations.
///
/// Golub and Van Loan, Matrix Computations, 4th ed., §8.5. Only + − × ÷ √ in a fixed order, so every
/// machine gets the same bits. About 10 sweeps of n³ operations: meant for n up to some hundreds.
public struct SymmetricEigen: Sendable {
  /// n.
  public let order: Int
  /// n eigenvalues, in the order in which the rotations left them.
  public let values: [Double]
  /// Eigenvector k in column k, [n × n] row by row.
  private let vectors: [Double]

  /// Decomposes a matrix. Throws `notPositiveDefinite` when an element
  /// is NaN or infinite.
  public init(_ matrix: SymmetricMatrix) throws(NumericsError) {
    let n = matrix.order
    var a = [Double](repeating: 0, count: n * n)
    for i in 0..<n {
      for j in 0..<n {
        let value = matrix[i, j]
        guard value.isFinite else { throw NumericsError(.notPositiveDefinite) }
        a[i * n + j] = value
      }
    }
    var v = [Double](repeating: 0, count: n * n)
    for i in 0..<n { v[i * n + i] = 1 }
    for _ in 0..<60 {
      var off = 0.0
      var diagonal = 0.0
      for i in 0..<n {
        diagonal += a[i * n + i] * a[i * n + i]
        for j in 0..<i { off += a[i * n + j] * a[i * n + j] }
      }
      if off <= 1e-30 * diagonal || off == 0 { break }
      for p in 0..<n {
        for q in (p + 1)..<max(n, p + 1) { Self.rotate(&a, &v, p, q, n) }
      }
    }
    order = n
    values = (0..<n).map { a[$0 * n + $0] }
    vectors = v
  }

  /// One rotation that makes element (p, q) zero.
  private static func rotate(
    _ a: inout [Double], _ v: inout [Double], _ p: Int, _ q: Int, _ n: Int
  ) {
    let apq = a[p * n + q]
    guard apq != 0 else { return }
    let theta = (a[q * n + q] - a[p * n + p]) / (2 * apq)
    let t =
      theta.magnitude > 1e150
      ? 1 / (2 * theta)
      : (theta >= 0 ? 1.0 : -1.0) / (theta.magnitude + (theta * theta + 1).squareRoot())
    let c = 1 / (t * t + 1).squareRoot()
    let s = t * c
    for k in 0..<n {
      let akp = a[k * n + p]
      let akq = a[k * n + q]
      a[k * n + p] = c * akp - s * akq
      a[k * n + q] = s * akp + c * akq
    }
    for k in 0..<n {
      let apk = a[p * n + k]
      let aqk = a[q * n + k]
      a[p * n + k] = c * apk - s * aqk
      a[q * n + k] = s * apk + c * aqk
      let vkp = v[k * n + p]
      let vkq = v[k * n + q]
      v[k * n + p] = c * vkp - s * vkq
      v[k * n + q] = s * vkp + c * vkq
    }
  }

  /// V f(Λ) Vᵀ b: the matrix whose eigenvalues are `transform` of these, times a vector of n numbers.
  public func apply(
    _ transform: (Double) -> Double, to vector: [Double]
  ) throws(NumericsError) -> [Double] {
    guard vector.count == order else { throw NumericsError(.shapeMismatch) }
    var result = [Double](repeating: 0, count: order)
    for k in 0..<order {
      var projection = 0.0
      for i in 0..<order { projection += vectors[i * order + k] * vector[i] }
      projection *= transform(values[k])
      for i in 0..<order { result[i] += vectors[i * order + k] * projection }
    }
    return result
  }
}
