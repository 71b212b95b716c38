extension Shamir {
  /// A secret reconstructed in spite of wrong shares, and who gave the wrong ones.
  public struct Correction: Sendable, Equatable {
    public let secret: Scalar
    /// Points whose share does not lie on the polynomial, ascending.
    public let wrongPoints: [UInt16]
  }

  /// Reconstructs from m shares of which at most e = ⌊(m − threshold)/2⌋ are wrong, and names them.
  ///
  /// Shares of one secret are a Reed–Solomon codeword; this is the decoder of Berlekamp and Welch
  /// (US patent 4,633,470, 1986; expired): find E monic of degree e and Q of degree below e + t with
  /// Q(x_i) = y_i·E(x_i) at every point, then f = Q/E and the wrong points are where f(x_i) ≠ y_i.
  /// Throws `tooFewShares` when no polynomial of degree below the threshold fits all but e shares.
  public static func correct(
    _ shares: [Share], threshold: Int
  ) throws(CryptographyError) -> Correction {
    try check(shares.map(\.point))
    guard threshold >= 1, shares.count >= threshold else {
      throw CryptographyError(.tooFewShares)
    }
    let errorCount = (shares.count - threshold) / 2
    let points = shares.map { Scalar(UInt64($0.point)) }
    // Unknowns: the e lower coefficients of E, then the e + t coefficients of Q.
    var rows: [[Scalar]] = []
    for (point, share) in zip(points, shares) {
      var row: [Scalar] = []
      var power = Scalar.one
      var powers: [Scalar] = []
      for _ in 0..<(errorCount + threshold) {
        powers.append(power)
        power = power * point
      }
      for degree in 0..<errorCount { row.append(share.value * powers[degree]) }
      for degree in 0..<(errorCount + threshold) { row.append(Scalar.zero - powers[degree]) }
      // Right-hand side: −y·x^e, from the leading coefficient 1 of E.
      row.append(Scalar.zero - share.value * powers[errorCount])
      rows.append(row)
    }
    let unknowns = 2 * errorCount + threshold
    guard let solution = solve(rows, unknowns: unknowns) else {
      throw CryptographyError(.tooFewShares)
    }
    let locator = Array(solution[..<errorCount]) + [Scalar.one]
    guard let polynomial = divide(Array(solution[errorCount...]), by: locator) else {
      throw CryptographyError(.tooFewShares)
    }
    let wrong = zip(points, shares).filter { evaluate(polynomial, at: $0) != $1.value }
      .map { $0.1.point }.sorted()
    guard wrong.count <= errorCount else { throw CryptographyError(.tooFewShares) }
    return Correction(secret: polynomial.first ?? Scalar.zero, wrongPoints: wrong)
  }

  /// One solution of a linear system given as rows with the right-hand side last; free unknowns are
  /// set to zero. Nil when the system is inconsistent.
  private static func solve(_ system: [[Scalar]], unknowns: Int) -> [Scalar]? {
    var rows = system
    var pivots: [Int] = []
    var next = 0
    for column in 0..<unknowns {
      guard let found = (next..<rows.count).first(where: { rows[$0][column] != .zero }),
        let inverse = rows[found][column].inverse
      else { continue }
      rows.swapAt(next, found)
      rows[next] = rows[next].map { $0 * inverse }
      for other in 0..<rows.count where other != next && rows[other][column] != .zero {
        let factor = rows[other][column]
        for index in column...unknowns {
          rows[other][index] = rows[other][index] - factor * rows[next][index]
        }
      }
      pivots.append(column)
      next += 1
      if next == rows.count { break }
    }
    guard rows[next...].allSatisfy({ $0[unknowns] == .zero }) else { return nil }
    var solution = [Scalar](repeating: .zero, count: unknowns)
    for (row, column) in pivots.enumerated() { solution[column] = rows[row][unknowns] }
    return solution
  }

  /// The quotient of two polynomials, lowest degree first, by a monic divisor; nil when the
  /// division leaves a remainder.
  private static func divide(_ dividend: [Scalar], by divisor: [Scalar]) -> [Scalar]? {
    var remainder = dividend
    let degree = divisor.count - 1
    guard remainder.count > degree else { return nil }
    var quotient = [Scalar](repeating: .zero, count: remainder.count - degree)
    for index in stride(from: quotient.count - 1, through: 0, by: -1) {
      let factor = remainder[index + degree]
      quotient[index] = factor
      guard factor != .zero else { continue }
      for offset in 0...degree {
        remainder[index + offset] = remainder[index + offset] - factor * divisor[offset]
      }
    }
    return remainder.allSatisfy { $0 == .zero } ? quotient : nil
  }

  private static func evaluate(_ polynomial: [Scalar], at point: Scalar) -> Scalar {
    polynomial.reversed().reduce(Scalar.zero) { $0 * point + $1 }
  }
}
