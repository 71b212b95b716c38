import PortableNumerics

/// A random-effects summary of one measure over hospitals, with the interval in which the measure of
/// a new hospital is expected to lie.
///
/// y_i ~ N(μ, v_i + τ²) with known v_i. τ² by DerSimonian and Laird or by REML; standard error of μ by
/// Hartung-Knapp-Sidik-Jonkman; prediction interval μ ± t_{k−2} √(τ² + se²) (Higgins, Thompson and
/// Spiegelhalter 2009). All numbers are on the scale of the inputs.
public struct MetaAnalysis: Sendable, Codable, Equatable {
  /// How τ² is estimated.
  public enum HeterogeneityEstimator: String, Sendable, Codable {
    /// The moment estimator of DerSimonian and Laird 1986.
    case derSimonianLaird = "DL"
    /// Restricted maximum likelihood.
    case restrictedMaximumLikelihood = "REML"
  }

  /// How the standard error of the mean is computed.
  public enum IntervalMethod: String, Sendable, Codable {
    /// se = 1/√Σw with the normal distribution.
    case wald
    /// se² = Σw(y−μ)²/((k−1)Σw) with t_{k−1}; with fewer than five hospitals not below the Wald one.
    case hartungKnapp = "HKSJ"
  }

  /// One hospital's measure.
  public struct Study: Sendable, Codable, Equatable {
    /// The hospital.
    public let site: String
    /// Its measure on the analysis scale.
    public let value: Double
    /// Its standard error, > 0.
    public let standardError: Double
    /// Its share of the weights 1/(v_i + τ²), in (0, 1].
    public let weight: Double
  }

  /// The hospitals that took part, in the order given.
  public let studies: [Study]
  /// The hospitals that did not, by name.
  public let omitted: [SiteOmission]
  /// How τ² was estimated.
  public let estimator: HeterogeneityEstimator
  /// How the interval was computed.
  public let method: IntervalMethod
  /// Cochran's Q with fixed-effect weights.
  public let q: Double
  /// The p-value of Q against χ² with k−1 degrees of freedom; nil for one hospital.
  public let qPValue: Double?
  /// I² = max(0, (Q − (k−1))/Q): the share of variation beyond chance, in [0, 1); nil for one hospital.
  public let iSquared: Double?
  /// τ², the variance between hospitals, ≥ 0; nil for one hospital.
  public let tauSquared: Double?
  /// μ with the standard error of the method and its interval (t_{k−1} for HKSJ).
  public let mean: Estimate
  /// The 95 % interval of μ; nil where HKSJ needs two hospitals and there is one.
  public let interval: Interval?
  /// Whether the HKSJ standard error was smaller than the Wald one and replaced by it (k < 5).
  public let isGuarded: Bool
  /// The 95 % prediction interval for a new hospital; nil with fewer than three hospitals.
  public let predictionInterval: Interval?

  /// How many hospitals took part.
  public var count: Int { studies.count }

  /// Summarises the hospitals that have a value and a positive standard error; nil when none has.
  ///
  /// - Parameters:
  ///   - inputs: a hospital's name and estimate; nil, or a standard error that is nil or 0, leaves the
  ///     hospital out and says so in `omitted`.
  public init?(
    _ inputs: [(site: String, estimate: Estimate?)],
    estimator: HeterogeneityEstimator = .restrictedMaximumLikelihood,
    method: IntervalMethod = .hartungKnapp
  ) {
    var sites: [String] = []
    var values: [Double] = []
    var variances: [Double] = []
    var omitted: [SiteOmission] = []
    for input in inputs {
      guard let estimate = input.estimate else {
        omitted.append(SiteOmission(site: input.site, reason: "the measure is not available"))
        continue
      }
      let variance = (estimate.standardError ?? 0) * (estimate.standardError ?? 0)
      guard variance > 1e-300, variance < 1e300, estimate.value.magnitude < 1e100 else {
        omitted.append(
          SiteOmission(site: input.site, reason: "the standard error is not available"))
        continue
      }
      sites.append(input.site)
      values.append(estimate.value)
      variances.append(variance)
    }
    guard !values.isEmpty else { return nil }
    let effects = RandomEffects(values: values, variances: variances)
    let count = Double(values.count)

    let tauSquared: Double
    switch estimator {
    case .derSimonianLaird: tauSquared = effects.derSimonianLaird
    case .restrictedMaximumLikelihood: tauSquared = effects.restrictedMaximumLikelihood
    }
    let fit = effects.weighted(tauSquared: tauSquared)
    let wald = 1 / fit.weightSum.squareRoot()

    var standardError = wald
    var reach: Double? = normalQuantile975
    var isGuarded = false
    if method == .hartungKnapp {
      if values.count > 1 {
        let scaled = (fit.squares / ((count - 1) * fit.weightSum)).squareRoot()
        isGuarded = values.count < 5 && scaled < wald
        standardError = isGuarded ? wald : scaled
        reach = StudentDistribution.quantile(0.975, degreesOfFreedom: count - 1)
      } else {
        reach = nil
      }
    }
    guard let mean = Estimate(value: fit.mean, standardError: standardError) else { return nil }
    self.mean = mean
    self.interval = reach.flatMap {
      Interval(lower: fit.mean - $0 * standardError, upper: fit.mean + $0 * standardError)
    }
    if values.count >= 3 {
      let quantile = StudentDistribution.quantile(0.975, degreesOfFreedom: count - 2)
      let spread = quantile * (tauSquared + standardError * standardError).squareRoot()
      predictionInterval = Interval(lower: fit.mean - spread, upper: fit.mean + spread)
    } else {
      predictionInterval = nil
    }
    self.isGuarded = isGuarded
    self.estimator = estimator
    self.method = method
    self.omitted = omitted
    self.studies = sites.indices.map { index in
      Study(
        site: sites[index], value: values[index],
        standardError: variances[index].squareRoot(),
        weight: 1 / (variances[index] + tauSquared) / fit.weightSum)
    }
    let q = effects.weighted(tauSquared: 0).squares
    self.q = q
    let isAlone = values.count < 2
    self.tauSquared = isAlone ? nil : tauSquared
    qPValue =
      isAlone ? nil : ChiSquareDistribution.upperTail(q, degreesOfFreedom: count - 1)
    iSquared = isAlone ? nil : (q > 0 ? max(0, (q - (count - 1)) / q) : 0)
  }
}
