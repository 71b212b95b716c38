/// What a study releases, as the accountants see it.
///
/// Neighbours are studies with and without one patient. Noise multipliers and scales are relative to
/// the sensitivity of the release, z = σ/Δ₂ and b/Δ₁.
public indirect enum PrivacyEvent: Sendable, Equatable {
  /// One Gaussian release with noise multiplier z ≥ 0.
  case gaussian(noiseMultiplier: Double)
  /// One Laplace release with scale b/Δ₁ ≥ 0.
  case laplace(scale: Double)
  /// One release with countably many outcomes: randomised response, discrete noise.
  case table(OutcomeTable)
  /// Anything that is ρ-zCDP. Has no privacy loss distribution, so only Rényi accounting sees it.
  case zeroConcentrated(rho: Double)
  /// The event on a Poisson sample: every patient takes part with probability q, independently.
  case poissonSampled(rate: Double, PrivacyEvent)
  /// A Gaussian release on a batch of fixed size, drawn without replacement; neighbours replace one
  /// patient (Wang, Balle and Kasiviswanathan 2019).
  case sampledWithoutReplacement(batch: Int, population: Int, noiseMultiplier: Double)
  /// All events.
  case composed([PrivacyEvent])
  /// The event `count` times with fresh randomness.
  case repeated(Int, PrivacyEvent)

  /// Tree aggregation over `steps` leaves with restarts, as in DP-FTRL: a patient's one contribution
  /// is in ⌈log2(steps + 1)⌉ nodes (Kairouz et al. 2021, appendix D). Neighbours replace the
  /// contribution by zero.
  ///
  /// - Throws: `outOfRange` when there is no step or a negative one.
  public static func treeAggregation(
    noiseMultiplier: Double, stepCounts: [Int]
  ) throws(DifferentialPrivacyError) -> PrivacyEvent {
    guard let longest = stepCounts.max(), longest > 0, stepCounts.allSatisfy({ $0 >= 0 }) else {
      throw DifferentialPrivacyError(
        .outOfRange, "a tree has at least one step", field: "step_counts")
    }
    let height = Int.bitWidth - longest.leadingZeroBitCount
    return .repeated(height, .gaussian(noiseMultiplier: noiseMultiplier))
  }

  /// A primitive release and how often it happens.
  struct Release: Equatable {
    enum Base: Equatable {
      case gaussian(noiseMultiplier: Double)
      case laplace(scale: Double)
      case table(OutcomeTable)
      case zeroConcentrated(rho: Double)
      case withoutReplacement(batch: Int, population: Int, noiseMultiplier: Double)
    }
    var base: Base
    /// Poisson sampling rate; 1 for none.
    var rate: Double
    var count: Double
  }

  /// The primitive releases with their counts, equal ones merged.
  ///
  /// - Throws: `outOfRange` for a number out of its range; `unattainable` for a Poisson sample of
  ///   several releases that are not all Gaussian.
  func releases() throws(DifferentialPrivacyError) -> [Release] {
    var result: [Release] = []
    try collect(times: 1, depth: 0, into: &result)
    return result
  }

  private func collect(
    times: Double, depth: Int, into result: inout [Release]
  ) throws(DifferentialPrivacyError) {
    guard depth < 64 else {
      throw DifferentialPrivacyError(.malformed, "events are nested too deeply", field: "events")
    }
    switch self {
    case .gaussian(let noiseMultiplier):
      try RenyiDivergence.check(nonNegative: noiseMultiplier, "noise_multiplier")
      Self.add(.gaussian(noiseMultiplier: noiseMultiplier), 1, times, to: &result)
    case .laplace(let scale):
      try RenyiDivergence.check(nonNegative: scale, "scale")
      Self.add(.laplace(scale: scale), 1, times, to: &result)
    case .table(let table):
      Self.add(.table(table), 1, times, to: &result)
    case .zeroConcentrated(let rho):
      try RenyiDivergence.check(nonNegative: rho, "rho")
      Self.add(.zeroConcentrated(rho: rho), 1, times, to: &result)
    case .sampledWithoutReplacement(let batch, let population, let noiseMultiplier):
      try RenyiDivergence.check(nonNegative: noiseMultiplier, "noise_multiplier")
      guard population >= 1, batch >= 0, batch <= population else {
        throw DifferentialPrivacyError(
          .outOfRange, "a batch is part of the population", field: "batch")
      }
      let base = Release.Base.withoutReplacement(
        batch: batch, population: population, noiseMultiplier: noiseMultiplier)
      Self.add(base, 1, times, to: &result)
    case .composed(let events):
      for event in events { try event.collect(times: times, depth: depth + 1, into: &result) }
    case .repeated(let count, let event):
      guard count >= 0 else {
        throw DifferentialPrivacyError(.outOfRange, "a count is at least 0", field: "count")
      }
      try event.collect(times: times * Double(count), depth: depth + 1, into: &result)
    case .poissonSampled(let rate, let event):
      try RenyiDivergence.check(samplingRate: rate)
      var inner: [Release] = []
      try event.collect(times: 1, depth: depth + 1, into: &inner)
      guard let base = Self.single(inner) else {
        if inner.isEmpty { return }
        throw DifferentialPrivacyError(
          .unattainable, "a Poisson sample of this event is not supported", field: "event")
      }
      if rate > 0 { Self.add(base, rate, times, to: &result) }
    }
  }

  /// One release equivalent to these: the only one, or the Gaussian one with the same μ.
  private static func single(_ inner: [Release]) -> Release.Base? {
    if inner.count == 1, inner[0].count == 1, inner[0].rate == 1 {
      switch inner[0].base {
      case .zeroConcentrated, .withoutReplacement: return nil
      default: return inner[0].base
      }
    }
    var sum = 0.0
    for release in inner {
      guard case .gaussian(let noiseMultiplier) = release.base, release.rate == 1 else {
        return nil
      }
      sum += release.count / noiseMultiplier / noiseMultiplier
    }
    return inner.isEmpty ? nil : .gaussian(noiseMultiplier: 1 / sum.squareRoot())
  }

  private static func add(
    _ base: Release.Base, _ rate: Double, _ count: Double, to result: inout [Release]
  ) {
    if count == 0 { return }
    for index in result.indices where result[index].rate == rate && result[index].base == base {
      result[index].count += count
      return
    }
    result.append(Release(base: base, rate: rate, count: count))
  }
}
