import PortableNumerics

/// Zero-concentrated differential privacy with parameter ρ: Rényi divergence at most ρα at every
/// order α > 1 (Bun and Steinke 2016, definition 1).
///
/// For statements to statisticians. Releases compose by adding ρ.
public struct ZeroConcentratedPrivacy: Sendable, Hashable {
  /// ρ ≥ 0; 0 is perfect privacy.
  public let rho: Double

  /// Creates a guarantee.
  ///
  /// - Throws: `outOfRange` when ρ is negative or NaN.
  public init(rho: Double) throws(DifferentialPrivacyError) {
    guard rho >= 0 else {
      throw DifferentialPrivacyError(.outOfRange, "ρ must be at least 0", field: "rho")
    }
    self.rho = rho
  }

  /// The simple conversion ε = ρ + 2√(ρ log 1/δ) (Bun and Steinke 2016, proposition 3); never
  /// below ``epsilon(delta:)``, printed only for comparison with older statements.
  public func simpleEpsilon(delta: Double) throws(DifferentialPrivacyError) -> Double {
    try GaussianPrivacy.checkDelta(delta)
    if rho == 0 { return 0 }
    if delta == 0 || rho == .infinity { return .infinity }
    return rho + 2 * (-rho * Portable.log(delta)).squareRoot()
  }

  /// The optimal conversion and the order α at which it is attained,
  /// ε = inf_α αρ + log(1/(αδ))/(α − 1) + log(1 − 1/α) (Canonne, Kamath and Steinke 2020,
  /// proposition 12).
  ///
  /// The infimum is where ρ(α − 1)² = log 1/δ − log α: the left side increases and the right one
  /// decreases, so there is one.
  public func epsilonAndOrder(
    delta: Double
  ) throws(DifferentialPrivacyError) -> (epsilon: Double, order: Double) {
    try GaussianPrivacy.checkDelta(delta)
    if rho == 0 || delta == 1 { return (0, .infinity) }
    if delta == 0 || rho == .infinity { return (.infinity, 1) }
    let tail = -Portable.log(delta)
    let upper = (tail / rho).squareRoot() + 1e-300
    // In the excess α − 1, between 0 and √(log(1/δ)/ρ).
    let excess = Bracket.root(0, upper) {
      rho * $0 * $0 + Portable.log1p($0) - tail
    }
    let order = 1 + excess
    let logOrder = Portable.log1p(excess)
    let epsilon =
      order * rho + (tail - logOrder) / excess + Portable.log(excess) - logOrder
    return (max(0, epsilon), order)
  }

  /// The optimal ε for δ; see ``epsilonAndOrder(delta:)``.
  public func epsilon(delta: Double) throws(DifferentialPrivacyError) -> Double {
    try epsilonAndOrder(delta: delta).epsilon
  }

  /// The optimal δ for ε, inf_α exp((α − 1)(αρ − ε + log(1 − 1/α)) − log α), at most 1.
  ///
  /// The exponent is least where (2α − 1)ρ + log(1 − 1/α) = ε, whose left side increases.
  public func delta(epsilon: Double) throws(DifferentialPrivacyError) -> Double {
    guard epsilon >= 0 else {
      throw DifferentialPrivacyError(.outOfRange, "ε must be at least 0", field: "epsilon")
    }
    if rho == 0 || epsilon == .infinity { return 0 }
    if rho == .infinity { return 1 }
    func slope(_ excess: Double) -> Double {
      (2 * excess + 1) * rho + Portable.log(excess) - Portable.log1p(excess) - epsilon
    }
    guard let (below, above) = Bracket.doubling(from: 1, until: { slope($0) >= 0 }) else {
      return 0
    }
    let excess = below == 0 ? above : Bracket.root(below, above, slope)
    let order = 1 + excess
    let logOrder = Portable.log1p(excess)
    let exponent =
      excess * (order * rho - epsilon + Portable.log(excess) - logOrder) - logOrder
    return min(1, Portable.exp(exponent))
  }

  /// The largest ρ that is still (ε, δ) by the optimal conversion.
  ///
  /// - Throws: `outOfRange`.
  public static func largest(
    epsilon: Double, delta: Double
  ) throws(DifferentialPrivacyError) -> ZeroConcentratedPrivacy {
    try GaussianPrivacy.checkDelta(delta)
    guard epsilon >= 0 else {
      throw DifferentialPrivacyError(.outOfRange, "ε must be at least 0", field: "epsilon")
    }
    if delta == 1 || epsilon == .infinity { return try ZeroConcentratedPrivacy(rho: .infinity) }
    if delta == 0 { return try ZeroConcentratedPrivacy(rho: 0) }
    func excess(_ rho: Double) -> Double {
      guard let guarantee = try? ZeroConcentratedPrivacy(rho: rho),
        let value = try? guarantee.epsilonAndOrder(delta: delta).epsilon
      else { return .nan }
      return value - epsilon
    }
    guard let (below, above) = Bracket.doubling(from: 1, until: { excess($0) > 0 }) else {
      return try ZeroConcentratedPrivacy(rho: .infinity)
    }
    // The end below keeps the promise: ε(below) ≤ ε.
    var (low, high) = (below, above)
    for _ in 0..<200 where high - low > 1e-15 * high {
      let middle = low + 0.5 * (high - low)
      if !(middle > low && middle < high) { break }
      if excess(middle) > 0 { high = middle } else { low = middle }
    }
    return try ZeroConcentratedPrivacy(rho: low)
  }
}
