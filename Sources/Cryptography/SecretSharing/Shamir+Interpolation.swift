extension Shamir {
  /// Interpolation through fixed points: the denominators of the Lagrange basis are inverted once
  /// and serve every secret and every place of evaluation.
  public struct Interpolation: Sendable {
    /// Distinct and not zero.
    public let points: [UInt16]
    private let inverseDenominators: [Scalar]

    /// Throws `invalidPoint` when a point is zero or repeated.
    public init(_ points: [UInt16]) throws(CryptographyError) {
      try Shamir.check(points)
      let values = points.map { Scalar(UInt64($0)) }
      var inverses: [Scalar] = []
      inverses.reserveCapacity(points.count)
      for (index, value) in values.enumerated() {
        var product = Scalar.one
        for (other, otherValue) in values.enumerated() where other != index {
          product = product * (value - otherValue)
        }
        guard let inverse = product.inverse else { throw CryptographyError(.invalidPoint) }
        inverses.append(inverse)
      }
      self.points = points
      inverseDenominators = inverses
    }

    /// λ_i with Σ λ_i·f(x_i) = f(place), in the order of `points`.
    public func coefficients(at place: UInt16) -> [Scalar] {
      let target = Scalar(UInt64(place))
      let differences = points.map { target - Scalar(UInt64($0)) }
      // The product of all differences but one: what stands before it times what stands after it.
      var after: [Scalar] = [.one]
      for difference in differences.reversed() {
        after.append((after.last ?? .one) * difference)
      }
      var before = Scalar.one
      var result: [Scalar] = []
      result.reserveCapacity(points.count)
      for (index, difference) in differences.enumerated() {
        result.append(before * after[points.count - 1 - index] * inverseDenominators[index])
        before = before * difference
      }
      return result
    }
  }
}
