import Cryptography
import DifferentialPrivacy
import SecureAggregation

/// The sampler of noise that a study's parties, and whoever reviews their evidence, hand to the secure
/// sum: the discrete Gaussian of protocol/README.md §20.
public let discreteGaussianNoise: LayerNoise = { seeds, variances, count in
  try DiscreteGaussian.sum(seeds: seeds, variances: variances, count: count)
}

extension NoiseRequirement {
  /// How the noise of a sum is shared out over the sites of a manifest; the same at every party.
  ///
  /// - Parameter length: coordinates of the sum.
  public func schedule(
    for plan: StudyPlan, manifest: Manifest, length: Int
  ) throws -> NoiseSchedule {
    try NoiseSchedule(
      siteCount: manifest.siteCount,
      colluderCount: plan.privacy.effectiveColluders(siteCount: manifest.siteCount),
      threshold: manifest.threshold, variance: variance, vectorLength: length)
  }
}

extension SumQuery {
  /// The layers of noise that may come off the sum of this query, as every party derives them.
  public func noiseLayers(
    for plan: StudyPlan, manifest: Manifest, length: Int
  ) throws -> [NoiseLayer] {
    guard let noise, !isNoisedAtEachSite else { return [] }
    return try noise.schedule(for: plan, manifest: manifest, length: length).layers.map {
      NoiseLayer(largestSurvivorCount: UInt16($0.largestSurvivorCount), variance: $0.variance)
    }
  }
}

extension PrivacySpecification {
  /// The number of colluding sites that a study over so many sites is built for, everywhere: in the
  /// manifest, in how the noise of a sum is shared out, and in what is printed. It is what the study asks
  /// for, as far as the roster's threshold carries it.
  public func effectiveColluders(siteCount: Int) -> Int {
    min(maximumColluders, Manifest.colluderLimit(siteCount: siteCount))
  }
}
