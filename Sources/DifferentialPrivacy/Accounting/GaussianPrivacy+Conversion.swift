import PortableNumerics

extension GaussianPrivacy {
  /// The smallest δ for which the guarantee is (ε, δ); see ``logDelta(epsilon:)``.
  public func delta(epsilon: Double) throws(DifferentialPrivacyError) -> Double {
    Portable.exp(try logDelta(epsilon: epsilon))
  }

  /// log δ(ε), δ(ε) = Φ(μ/2 − ε/μ) − e^ε Φ(−μ/2 − ε/μ) (Balle and Wang 2018, theorem 8).
  ///
  /// - Parameter epsilon: ε ≥ 0; ∞ is allowed.
  /// - Returns: at most 0; −∞ for δ = 0.
  /// - Throws: `outOfRange`.
  public func logDelta(epsilon: Double) throws(DifferentialPrivacyError) -> Double {
    guard epsilon >= 0 else {
      throw DifferentialPrivacyError(.outOfRange, "ε must be at least 0", field: "epsilon")
    }
    if mu == 0 || epsilon == .infinity { return -.infinity }
    if mu == .infinity { return 0 }
    return Self.logDelta(offset: epsilon / mu - 0.5 * mu, mu: mu)
  }

  /// The smallest ε ≥ 0 for which the guarantee is (ε, δ).
  ///
  /// - Parameter delta: δ in [0, 1]; 0 gives ∞ unless μ = 0.
  /// - Throws: `outOfRange`.
  public func epsilon(delta: Double) throws(DifferentialPrivacyError) -> Double {
    try Self.checkDelta(delta)
    return mu == 0 || delta == 1 ? 0 : epsilon(logDelta: Portable.log(delta))
  }

  /// The smallest ε ≥ 0 with log δ(ε) at most `logDelta`; for δ too small for a `Double`.
  public func epsilon(logDelta target: Double) -> Double {
    if mu == 0 || target >= 0 { return 0 }
    if mu == .infinity || !(target > -.infinity) { return .infinity }
    let start = -0.5 * mu
    if Self.logDelta(offset: start, mu: mu) <= target { return 0 }
    // δ ≤ P(Z > x), so the x of the tail is an upper end.
    var step = 1.0
    var upper = max(start + step, (-2 * target).squareRoot())
    while Self.logDelta(offset: upper, mu: mu) > target {
      upper += step
      step *= 2
    }
    let offset = Bracket.root(start, upper) { target - Self.logDelta(offset: $0, mu: mu) }
    return max(0, mu * (offset + 0.5 * mu))
  }

  /// The largest guarantee that is still (ε, δ): the calibration of the Gaussian mechanism, whose
  /// noise is Δ/μ (Balle and Wang 2018, algorithm 1).
  ///
  /// - Parameters:
  ///   - epsilon: ε ≥ 0.
  ///   - delta: δ in [0, 1]; 0 gives μ = 0 and 1 gives ∞.
  /// - Throws: `outOfRange`.
  public static func largest(
    epsilon: Double, delta: Double
  ) throws(DifferentialPrivacyError) -> GaussianPrivacy {
    try checkDelta(delta)
    guard epsilon >= 0 else {
      throw DifferentialPrivacyError(.outOfRange, "ε must be at least 0", field: "epsilon")
    }
    if delta == 1 || epsilon == .infinity { return try GaussianPrivacy(mu: .infinity) }
    if delta == 0 { return .none }
    let target = Portable.log(delta)
    func excess(_ mu: Double) -> Double {
      logDelta(offset: epsilon / mu - 0.5 * mu, mu: mu) - target
    }
    guard let (below, above) = Bracket.doubling(from: 1, until: { excess($0) >= 0 }) else {
      return try GaussianPrivacy(mu: .infinity)
    }
    if below == 0 { return .none }
    return try GaussianPrivacy(mu: Bracket.root(below, above, excess))
  }

  /// The smallest standard deviation that makes a release of this L2 sensitivity (ε, δ).
  ///
  /// - Returns: Δ/μ; 0 when nothing has to be hidden, ∞ when no finite noise is enough.
  /// - Throws: `outOfRange`.
  public static func standardDeviation(
    epsilon: Double, delta: Double, sensitivity: Double
  ) throws(DifferentialPrivacyError) -> Double {
    guard sensitivity >= 0, sensitivity < .infinity else {
      throw DifferentialPrivacyError(
        .outOfRange, "a sensitivity is finite and at least 0", field: "sensitivity")
    }
    let allowed = try largest(epsilon: epsilon, delta: delta)
    return sensitivity == 0 ? 0 : sensitivity / allowed.mu
  }

  static func checkDelta(_ delta: Double) throws(DifferentialPrivacyError) {
    guard delta >= 0, delta <= 1 else {
      throw DifferentialPrivacyError(.outOfRange, "δ must be in [0, 1]", field: "delta")
    }
  }

  /// log δ at ε = μ·(x + μ/2).
  ///
  /// With R the Mills ratio, e^ε φ(x + μ) = φ(x), so δ = φ(x) · (R(x) − R(x + μ)). Where the
  /// two ratios are close, δ = φ(x) ∫₀^∞ e^(−s²/2 − s x) (1 − e^(−s μ)) ds, whose integrand is
  /// positive.
  static func logDelta(offset x: Double, mu: Double) -> Double {
    if x == .infinity { return -.infinity }
    if x < -4 {
      // δ = P(Z > x) − e^ε P(Z > x + μ), the second at most φ(x) R(x + μ).
      let second = Portable.exp(NormalDistribution.logDensity(x)) * Self.ratio(x + mu)
      return Portable.log1p(-(NormalDistribution.cumulative(x) + second))
    }
    let first = Self.ratio(x)
    let second = Self.ratio(x + mu)
    let difference = second < 0.5 * first ? first - second : gap(x, mu)
    return NormalDistribution.logDensity(x) + Portable.log(difference)
  }

  private static func ratio(_ x: Double) -> Double { NormalDistribution.millsRatio(x) }

  /// R(x) − R(x + μ) for x ≥ −4 as its integral: 16-point Gauss–Legendre on five panels up to the
  /// s at which s²/2 + s x = 45.
  private static func gap(_ x: Double, _ mu: Double) -> Double {
    // The root of s²/2 + s x = 45 in the form that does not cancel for x > 0.
    let root = (x * x + 90).squareRoot()
    let end = x > 0 ? 90 / (x + root) : root - x
    let width = end / 5
    var sum = 0.0
    for panel in 0..<5 {
      let middle = (Double(panel) + 0.5) * width
      for (node, weight) in GaussLegendre.sixteen {
        for s in [middle - 0.5 * width * node, middle + 0.5 * width * node] {
          sum -= weight * Portable.exp(-s * (0.5 * s + x)) * Portable.expm1(-s * mu)
        }
      }
    }
    return 0.5 * width * sum
  }
}
