import PortableNumerics

/// The comparison of two samples counted over the same bins: effect sizes and tests.
public struct CountComparison: Sendable, Codable, Equatable {
  /// Population stability index with 0.5 added to each bin that is not empty on both sides.
  public let populationStability: Double
  /// What the index is expected to be without any difference: (B − 1)(n + m)/(n m), and what noise on
  /// the counts adds, Σ (v/n² + w/m²)/share. The folk cut-offs
  /// 0.1 and 0.25 ignore it; with few patients and many bins it exceeds them.
  public let populationStabilityByChance: Double
  /// P(index ≥ the observed one) without any difference: index · n m/(n + m) is about χ² with B − 1
  /// degrees of freedom (Yurdakul 2018); with noise, index · (B − 1)/(expected index) is.
  public let populationStabilityPValue: Double
  /// Jensen-Shannon divergence, base 2, in [0, 1].
  public let jensenShannon: Double
  /// Kolmogorov-Smirnov distance at the bin edges; nil for unordered bins.
  public let kolmogorovSmirnov: Double?
  /// Pearson's χ² of homogeneity, Σ(O − E)²/E over both samples; with noise each bin's term is divided
  /// by the variance that sampling and noise have together.
  public let chiSquare: Double
  /// B − 1 with B the number of bins that are not empty on both sides.
  public let degreesOfFreedom: Int
  /// The p-value of `chiSquare`; 1 for a single bin.
  public let pValue: Double

  /// Compares two samples of counts ≥ 0 over the same bins; nil when a sample is empty.
  ///
  /// - Parameter noise: variances of the noise on each count of the reference and of the current
  ///   sample, patients².
  public init?(
    reference: [Double], current: [Double], isOrdered: Bool,
    noise: (reference: Double, current: Double) = (0, 0)
  ) {
    guard
      let jensenShannon = Divergence.jensenShannon(reference: reference, current: current)
    else { return nil }
    let filled = reference.indices.filter { reference[$0] + current[$0] > 0 }
    let p = filled.map { reference[$0] }
    let q = filled.map { current[$0] }
    let n = p.reduce(0, +)
    let m = q.reduce(0, +)
    let index = Divergence.populationStability(
      reference: p.map { $0 + 0.5 }, current: q.map { $0 + 0.5 })
    guard let index else { return nil }
    populationStability = index
    self.jensenShannon = jensenShannon
    kolmogorovSmirnov =
      isOrdered ? Divergence.kolmogorovSmirnov(reference: reference, current: current) : nil
    degreesOfFreedom = filled.count - 1
    let freedom = Double(degreesOfFreedom)
    let noiseOfShare = noise.reference / (n * n) + noise.current / (m * m)
    var byChance = freedom * (n + m) / (n * m)
    if noiseOfShare > 0 {
      for (p, q) in zip(p, q) { byChance += noiseOfShare / max((p + q) / (n + m), 1 / (n + m)) }
    }
    populationStabilityByChance = byChance

    var statistic = 0.0
    for (p, q) in zip(p, q) where noiseOfShare > 0 {
      let difference = q / m - p / n
      let share = (p + q) / (n + m)
      statistic += difference * difference / (share * (1 / n + 1 / m) + noiseOfShare)
    }
    for (p, q) in zip(p, q) where noiseOfShare == 0 {
      let total = p + q
      let expectedReference = total * n / (n + m)
      let expectedCurrent = total * m / (n + m)
      statistic += (p - expectedReference) * (p - expectedReference) / expectedReference
      statistic += (q - expectedCurrent) * (q - expectedCurrent) / expectedCurrent
    }
    chiSquare = statistic
    if degreesOfFreedom > 0 {
      pValue = ChiSquareDistribution.upperTail(statistic, degreesOfFreedom: freedom)
      populationStabilityPValue = ChiSquareDistribution.upperTail(
        index * (noiseOfShare > 0 ? freedom / byChance : n * m / (n + m)),
        degreesOfFreedom: freedom)
    } else {
      pValue = 1
      populationStabilityPValue = 1
    }
  }

  /// The index beyond what chance explains, ≥ 0: the effect size findings are ranked by.
  public var excessPopulationStability: Double {
    max(0, populationStability - populationStabilityByChance)
  }
}

/// Adjusts p-values for the number of tests so that the expected share of false findings among the
/// findings stays below the level (Benjamini and Hochberg 1995).
public enum BenjaminiHochberg {
  /// The adjusted p-values in the order given, each in [0, 1] and not below the raw one.
  ///
  /// p_(i) · m/i for the i-th smallest, made monotone from the largest downwards. A value that is not
  /// in [0, 1] counts as 1.
  public static func adjusted(_ pValues: [Double]) -> [Double] {
    let values = pValues.map { $0 >= 0 && $0 <= 1 ? $0 : 1 }
    let order = values.indices.sorted { values[$0] < values[$1] }
    var result = values
    var smallest = 1.0
    for (rank, index) in order.enumerated().reversed() {
      smallest = min(smallest, values[index] * Double(values.count) / Double(rank + 1))
      result[index] = smallest
    }
    return result
  }
}
