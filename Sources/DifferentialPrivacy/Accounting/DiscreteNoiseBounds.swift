import PortableNumerics

/// The charge of discrete Gaussian noise as continuous Gaussian noise.
///
/// N_Z(s, S) is, up to a factor e^(±2η) per coordinate with η = 2e^(−2π²v), a randomised rounding of
/// N(s, S − v): draw Y ~ N(s, S − v), then K ~ N_Z(Y, v). Rounding is post-processing, so every
/// result for the Gaussian mechanism holds with variance S − v. At v = 4, η is below 1e-33. The
/// argument is that of Peikert (2010) and Micciancio and Walter (2017) for lattices.
public enum GaussianDominance {
  /// The variance v given away, in squared lattice units.
  public static let slackVariance = 4.0

  /// The guarantee of honest discrete noise of total variance S.
  ///
  /// - Parameters:
  ///   - variance: S in squared lattice units, the sum over the honest shares.
  ///   - sensitivity: L2 in lattice units.
  ///   - slackVariance: v, at least 1 and below S, 4 by default.
  /// - Throws: `outOfRange`.
  public static func guarantee(
    variance: Double, sensitivity: Double, slackVariance: Double = slackVariance
  ) throws(DifferentialPrivacyError) -> GaussianPrivacy {
    guard slackVariance >= 0, variance > slackVariance, variance < .infinity else {
      throw DifferentialPrivacyError(
        .outOfRange, "the variance has to exceed the slack", field: "sigma2")
    }
    return try GaussianPrivacy(
      standardDeviation: (variance - slackVariance).squareRoot(), sensitivity: sensitivity)
  }

  /// The factor e^(2dη) − 1 by which probabilities of d coordinates may differ, as a log: add it to
  /// ε when it is not negligible.
  public static func logFactor(coordinateCount: Int, slackVariance: Double = slackVariance)
    -> Double
  {
    // 4 = 2 · (2 of η); π² to the last place.
    4 * Double(max(0, coordinateCount))
      * Portable.exp(-2 * 9.869_604_401_089_358 * slackVariance)
  }
}

/// Sums of discrete Gaussians of several parties as concentrated differential privacy (Kairouz,
/// Liu and Steinke 2021, proposition 14).
public struct SumOfDiscreteGaussians: Sendable, Hashable {
  /// τ = 10 Σ_{k=1}^{n−1} e^(−2π²σ²k/(k+1)), the log-ratio per coordinate to one discrete Gaussian.
  public let tau: Double
  /// ½ε²-concentrated: ε = min(√(Δ²/(nσ²) + 2τd), Δ/(√n σ) + τ√d).
  public let concentratedEpsilon: Double

  /// ρ = ε²/2.
  public var rho: Double { 0.5 * concentratedEpsilon * concentratedEpsilon }

  /// Creates the bound.
  ///
  /// - Parameters:
  ///   - partyCount: n ≥ 1.
  ///   - varianceEach: σ² > 0 of each party in squared lattice units.
  ///   - sensitivity: L2 ≥ 0 in lattice units.
  ///   - dimension: d ≥ 1.
  /// - Throws: `outOfRange`.
  public init(
    partyCount: Int, varianceEach: Double, sensitivity: Double, dimension: Int
  ) throws(DifferentialPrivacyError) {
    guard partyCount >= 1, partyCount <= 1_000_000 else {
      throw DifferentialPrivacyError(.outOfRange, "1 to 10^6 parties", field: "parties")
    }
    guard varianceEach > 0, varianceEach < .infinity else {
      throw DifferentialPrivacyError(
        .outOfRange, "a variance is positive and finite", field: "sigma2_each")
    }
    guard sensitivity >= 0, sensitivity < .infinity else {
      throw DifferentialPrivacyError(
        .outOfRange, "a sensitivity is finite and at least 0", field: "sensitivity_l2")
    }
    guard dimension >= 1 else {
      throw DifferentialPrivacyError(.outOfRange, "at least one coordinate", field: "dimension")
    }
    var sum = 0.0
    for k in 1..<max(partyCount, 1) {
      let share = Double(k) / Double(k + 1)
      sum += Portable.exp(-2 * 9.869_604_401_089_358 * varianceEach * share)
    }
    tau = 10 * sum
    let d = Double(dimension)
    let n = Double(partyCount)
    let ideal = sensitivity / (n * varianceEach).squareRoot()
    concentratedEpsilon = min(
      (ideal * ideal + 2 * tau * d).squareRoot(), ideal + tau * d.squareRoot())
  }
}

/// The Rényi bound of the Skellam mechanism.
public enum SkellamBound {
  /// α Δ₂²/(2μ) + min(((2α − 1)Δ₂² + 6Δ₁)/(4μ²), 3Δ₁/(2μ)) (Agarwal, Kairouz and Liu 2021,
  /// theorem 3.5).
  ///
  /// - Parameters:
  ///   - order: α > 1, an integer in the theorem.
  ///   - variance: μ > 0 in squared lattice units.
  ///   - sensitivityL1: Δ₁ in lattice units.
  ///   - sensitivityL2: Δ₂ in lattice units.
  /// - Throws: `outOfRange`.
  public static func renyiDivergence(
    order: Double, variance: Double, sensitivityL1: Double, sensitivityL2: Double
  ) throws(DifferentialPrivacyError) -> Double {
    try RenyiDivergence.check(order: order)
    guard variance > 0 else {
      throw DifferentialPrivacyError(.outOfRange, "a variance is positive", field: "variance_mu")
    }
    try RenyiDivergence.check(nonNegative: sensitivityL1, "sensitivity_l1")
    try RenyiDivergence.check(nonNegative: sensitivityL2, "sensitivity_l2")
    let square = sensitivityL2 * sensitivityL2
    let first = ((2 * order - 1) * square + 6 * sensitivityL1) / (4 * variance * variance)
    let second = 3 * sensitivityL1 / (2 * variance)
    return order * square / (2 * variance) + min(first, second)
  }
}
