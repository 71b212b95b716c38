import DifferentialPrivacy
import SecureAggregation
import Study

/// Draws the noise of revealed seeds again.
let revealedNoise: LayerNoise = { seeds, count in
  try DiscreteGaussian.sum(
    of: seeds.map { (bytes: $0.bytes, variance: $0.variance) }, count: count)
}

extension StudyRun {
  /// The layers of noise that may come off the sum of a query, as every party derives them.
  func noiseLayers(of query: SumQuery, length: Int) throws -> [NoiseLayer] {
    guard let noise = query.noise else { return [] }
    let manifest = setup.manifest.manifest
    return try noise.schedule(
      for: plan, siteCount: manifest.siteCount, threshold: manifest.threshold,
      vectorLength: length
    ).layers.map {
      NoiseLayer(
        largestSurvivorCount: UInt16($0.largestSurvivorCount), variance: $0.variance)
    }
  }
}
