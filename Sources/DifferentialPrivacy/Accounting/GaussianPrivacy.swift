import PortableNumerics

/// Gaussian differential privacy with parameter μ: no test of one patient's presence is better
/// than telling N(0, 1) from N(μ, 1) (Dong, Roth and Su 2022, definition 4).
///
/// The currency of the ledger. A Gaussian release with L2 sensitivity Δ and noise σ has μ = Δ/σ,
/// and releases compose without loss, also when each is chosen after seeing the earlier ones:
/// μ² = Σ Δ_k²/σ_k².
///
/// Conversions to (ε, δ) are those of Balle and Wang (2018, theorem 8), evaluated without
/// cancellation in the logarithmic domain: δ down to e^(−10^15), relative error below 1e-12 for
/// δ > 1e-300.
///
/// Assumes: continuous Gaussian noise, or discrete noise charged as in ``GaussianDominance``.
public struct GaussianPrivacy: Sendable, Hashable {
  /// μ ≥ 0; 0 is perfect privacy, ∞ none.
  public let mu: Double

  /// Creates a guarantee.
  ///
  /// - Throws: `outOfRange` when μ is negative or NaN.
  public init(mu: Double) throws(DifferentialPrivacyError) {
    guard mu >= 0 else {
      throw DifferentialPrivacyError(.outOfRange, "μ must be at least 0", field: "mu")
    }
    self.mu = mu
  }

  /// The guarantee of one Gaussian release.
  ///
  /// - Parameters:
  ///   - standardDeviation: σ ≥ 0 of the noise of every coordinate.
  ///   - sensitivity: L2 sensitivity Δ ≥ 0 to one patient, finite.
  /// - Throws: `outOfRange`.
  public init(
    standardDeviation: Double, sensitivity: Double
  ) throws(DifferentialPrivacyError) {
    guard standardDeviation >= 0 else {
      throw DifferentialPrivacyError(
        .outOfRange, "a standard deviation is at least 0", field: "sigma")
    }
    guard sensitivity >= 0, sensitivity < .infinity else {
      throw DifferentialPrivacyError(
        .outOfRange, "a sensitivity is finite and at least 0", field: "sensitivity")
    }
    mu = sensitivity == 0 ? 0 : sensitivity / standardDeviation
  }

  private init(unchecked mu: Double) { self.mu = mu }

  /// The guarantee with μ² = `sumOfSquares`, which is not negative.
  init(sumOfSquares: Double) { mu = max(0, sumOfSquares).squareRoot() }

  /// Perfect privacy: nothing was released.
  public static let none = GaussianPrivacy(unchecked: 0)

  /// The guarantee of `count` releases of this kind, μ·√count.
  ///
  /// - Throws: `outOfRange` when the count is negative.
  public func repeated(_ count: Int) throws(DifferentialPrivacyError) -> GaussianPrivacy {
    guard count >= 0 else {
      throw DifferentialPrivacyError(.outOfRange, "a count is at least 0", field: "count")
    }
    return count == 0
      ? .none : GaussianPrivacy(unchecked: mu * Double(count).squareRoot())
  }

  /// The guarantee of all releases together, √Σμ_k² (Dong, Roth and Su 2022, corollary 2).
  public static func composed(_ parts: some Sequence<GaussianPrivacy>) -> GaussianPrivacy {
    // Scaled by the largest, so that tiny and huge μ neither underflow nor overflow.
    let values = parts.map(\.mu)
    let largest = values.max() ?? 0
    if largest == 0 || largest == .infinity { return GaussianPrivacy(unchecked: largest) }
    var sum = 0.0
    var lost = 0.0
    for value in values {
      let ratio = value / largest
      let term = ratio * ratio - lost
      let next = sum + term
      lost = (next - sum) - term
      sum = next
    }
    return GaussianPrivacy(unchecked: largest * sum.squareRoot())
  }

  /// The linkage of one patient to h sites: sensitivities and therefore μ are multiplied by h.
  ///
  /// - Throws: `outOfRange` when h is below 1.
  public func linked(acrossSites count: Int) throws(DifferentialPrivacyError) -> GaussianPrivacy {
    guard count >= 1 else {
      throw DifferentialPrivacyError(.outOfRange, "a patient is at 1 site or more", field: "sites")
    }
    return GaussianPrivacy(unchecked: mu * Double(count))
  }

  /// The zCDP parameter ρ = μ²/2 (Bun and Steinke 2016, proposition 6).
  public var rho: Double { 0.5 * mu * mu }
}
