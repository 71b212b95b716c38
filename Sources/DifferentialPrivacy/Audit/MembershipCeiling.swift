import PortableNumerics

/// What the best possible membership test can reach against a μ-GDP release: to be printed beside
/// what an attack did reach.
///
/// The trade-off of any test is at best G_μ(α) = Φ(Φ⁻¹(1 − α) − μ) (Dong, Roth and Su 2022,
/// definition 4).
public struct MembershipCeiling: Sendable, Hashable {
  /// μ of the release.
  public let mu: Double

  /// The ceiling for a guarantee.
  public init(_ guarantee: GaussianPrivacy) { mu = guarantee.mu }

  /// The ceiling of the largest Gaussian mechanism that is (ε, δ).
  ///
  /// - Throws: `outOfRange`.
  public init(epsilon: Double, delta: Double) throws(DifferentialPrivacyError) {
    mu = try GaussianPrivacy.largest(epsilon: epsilon, delta: delta).mu
  }

  /// The largest true-positive rate at a false-positive rate: Φ(μ + Φ⁻¹(FPR)).
  ///
  /// - Throws: `outOfRange` for a rate outside [0, 1].
  public func truePositiveRate(
    atFalsePositiveRate rate: Double
  ) throws(DifferentialPrivacyError) -> Double {
    guard rate >= 0, rate <= 1 else {
      throw DifferentialPrivacyError(.outOfRange, "a rate is in [0, 1]", field: "rate")
    }
    if mu == .infinity { return 1 }
    if rate == 0 || rate == 1 { return rate }
    return NormalDistribution.cumulative(mu + NormalDistribution.quantile(rate))
  }

  /// The largest area under the ROC curve, Φ(μ/√2).
  public var area: Double { NormalDistribution.cumulative(mu * 0.707_106_781_186_547_6) }

  /// The largest advantage TPR − FPR, 2Φ(μ/2) − 1: the total variation distance.
  public var advantage: Double {
    SpecialFunctions.erf(mu * 0.353_553_390_593_273_8)
  }
}
