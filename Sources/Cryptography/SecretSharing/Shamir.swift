import CSodium

/// Shamir's secret sharing (CACM 1979) over Z_ℓ: the secret is the value at 0 of a random polynomial
/// of degree `threshold - 1`, the share of a holder its value at the holder's point.
///
/// Any `threshold` shares determine the secret; fewer reveal nothing about it.
public enum Shamir {
  /// A share that its holder has opened.
  public struct Share: Hashable, Sendable {
    /// The holder's evaluation point, at least 1.
    public let point: UInt16
    public let value: Scalar

    public init(point: UInt16, value: Scalar) {
      self.point = point
      self.value = value
    }
  }

  /// Draws a uniform scalar: 64 uniform bytes modulo ℓ (statistical distance below 2^-258).
  public static func randomScalar(
    from entropy: inout some EntropySource
  ) throws(CryptographyError) -> SecretBytes {
    try SecretBytes(count: Scalar.byteCount) { (target) throws(CryptographyError) in
      try drawScalar(into: target, from: &entropy)
    }
  }

  private static func drawScalar(
    into target: UnsafeMutableRawBufferPointer, from entropy: inout some EntropySource
  ) throws(CryptographyError) {
    try withSecretScratch(byteCount: 64) { (wide) throws(CryptographyError) in
      try entropy.fill(wide)
      crypto_core_ed25519_scalar_reduce(
        target.octets,
        wide.octets)
    }
  }

  /// Deals shares of a reduced 32-byte secret scalar.
  ///
  /// Draws the coefficients of x^1 … x^(threshold-1) in this order, 64 bytes each. Returns a table
  /// of 32-byte shares in the order of `points`. Throws `wrongLength`, `invalidPoint` (a point is
  /// zero or repeated) or `tooFewShares` (fewer points than the threshold, or a threshold of 0).
  public static func deal(
    _ secret: SecretBytes, threshold: Int, points: [UInt16],
    from entropy: inout some EntropySource
  ) throws(CryptographyError) -> SecretBytes {
    guard secret.count == Scalar.byteCount else { throw CryptographyError(.wrongLength) }
    try check(points)
    guard threshold >= 1, threshold <= points.count else {
      throw CryptographyError(.tooFewShares)
    }
    let coefficients = try SecretBytes(count: threshold * Scalar.byteCount) {
      (table) throws(CryptographyError) in
      secret.withUnsafeBytes { table.copyMemory(from: $0) }
      for degree in stride(from: 1, to: threshold, by: 1) {
        try drawScalar(
          into: UnsafeMutableRawBufferPointer(
            rebasing: table[(degree * Scalar.byteCount)..<((degree + 1) * Scalar.byteCount)]),
          from: &entropy)
      }
    }
    return SecretBytes(count: points.count * Scalar.byteCount) { shares in
      coefficients.withUnsafeBytes { coefficients in
        for (index, point) in points.enumerated() {
          evaluate(
            coefficients, at: Scalar(UInt64(point)),
            into: UnsafeMutableRawBufferPointer(
              rebasing: shares[(index * Scalar.byteCount)..<((index + 1) * Scalar.byteCount)]))
        }
      }
    }
  }

  /// Horner's rule over a table of coefficients, lowest degree first.
  private static func evaluate(
    _ coefficients: UnsafeRawBufferPointer, at point: Scalar,
    into target: UnsafeMutableRawBufferPointer
  ) {
    let base = coefficients.octets
    let sum = target.octets
    let count = coefficients.count / Scalar.byteCount
    withSecretScratch(byteCount: Scalar.byteCount) { scratch in
      let product = scratch.octets
      target.copyMemory(
        from: UnsafeRawBufferPointer(
          start: base + (count - 1) * Scalar.byteCount, count: Scalar.byteCount))
      for degree in stride(from: count - 2, through: 0, by: -1) {
        crypto_core_ed25519_scalar_mul(product, sum, point.bytes)
        crypto_core_ed25519_scalar_add(sum, product, base + degree * Scalar.byteCount)
      }
    }
  }

  /// The Lagrange coefficients λ_i with Σ λ_i·f(x_i) = f(0), in the order of `points`. They depend
  /// only on the points: one computation serves every secret opened by the same holders.
  public static func lagrangeCoefficients(
    at points: [UInt16]
  ) throws(CryptographyError) -> [Scalar] {
    try Interpolation(points).coefficients(at: 0)
  }

  /// The secret from opened shares and the coefficients of their points.
  public static func combine(_ values: [Scalar], coefficients: [Scalar]) -> Scalar {
    var secret = Scalar.zero
    for (value, coefficient) in zip(values, coefficients) { secret = secret + value * coefficient }
    return secret
  }

  /// The secret from at least `threshold` opened shares, of which the first `threshold` are used.
  public static func combine(
    _ shares: [Share], threshold: Int
  ) throws(CryptographyError) -> Scalar {
    guard threshold >= 1, shares.count >= threshold else {
      throw CryptographyError(.tooFewShares)
    }
    let used = shares.prefix(threshold)
    return combine(
      used.map(\.value), coefficients: try lagrangeCoefficients(at: used.map(\.point)))
  }

  static func check(_ points: [UInt16]) throws(CryptographyError) {
    guard Set(points).count == points.count, !points.contains(0) else {
      throw CryptographyError(.invalidPoint)
    }
  }
}
