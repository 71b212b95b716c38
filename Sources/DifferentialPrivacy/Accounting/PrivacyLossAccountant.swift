import PortableNumerics

/// The tight accountant: (ε, δ) of a list of events by their privacy loss distributions, for
/// neighbours that differ by one patient added or removed.
///
/// Studies of Gaussian releases alone are answered exactly as μ-GDP. Everything else goes through
/// distributions on a grid that dominate the true ones, in both directions, so no answer is below
/// the truth by more than rounding (about 1e-9 relative).
///
/// Assumes: q, σ and the number of steps of sampled releases are fixed in advance. Amplification by
/// sampling is not valid for adaptive choices of these; use the GDP filter or Rényi accounting then.
/// Cost: about 50 ms for 14,000 steps of sampled Gaussian releases.
public struct PrivacyLossAccountant: Sendable {
  private let releases: [PrivacyEvent.Release]
  /// The Gaussian releases together; their part of the study, all of it when `releases` is empty.
  private let gaussian: GaussianPrivacy
  /// The largest grid spacing.
  private let gridStep: Double

  /// Creates the accountant of a study.
  ///
  /// - Parameters:
  ///   - event: everything that is released.
  ///   - gridStep: the largest spacing of the loss grid; finer where losses are smaller, coarser
  ///     where 2^21 points would not cover the range.
  /// - Throws: `outOfRange`; `unattainable` for an event without a privacy loss distribution.
  public init(
    _ event: PrivacyEvent, gridStep: Double = 1e-4
  ) throws(DifferentialPrivacyError) {
    guard gridStep > 0, gridStep <= 1 else {
      throw DifferentialPrivacyError(.outOfRange, "a grid step is in (0, 1]", field: "grid")
    }
    self.gridStep = gridStep
    var others: [PrivacyEvent.Release] = []
    var parts: [GaussianPrivacy] = []
    for release in try event.releases() {
      guard release.count <= 1e12 else {
        throw DifferentialPrivacyError(.outOfRange, "at most 10^12 releases", field: "count")
      }
      if case .gaussian(let noiseMultiplier) = release.base, release.rate == 1 {
        let one = try GaussianPrivacy(standardDeviation: noiseMultiplier, sensitivity: 1)
        parts.append(try GaussianPrivacy(mu: one.mu * release.count.squareRoot()))
      } else {
        let sampled = Self.withoutNoise(release)
        _ = try PrivacyLossPair(sampled.base)
        others.append(sampled)
      }
    }
    gaussian = .composed(parts)
    releases = others
  }

  /// A sampled release without noise gives its patient away, but only when he is in it: two outcomes,
  /// one of which the other run never has.
  private static func withoutNoise(_ release: PrivacyEvent.Release) -> PrivacyEvent.Release {
    guard release.rate < 1 else { return release }
    switch release.base {
    case .gaussian(noiseMultiplier: 0), .laplace(scale: 0):
      var certain = release
      certain.base = .table(OutcomeTable([(0, -.infinity), (-.infinity, 0)]))
      return certain
    default: return release
    }
  }

  /// The smallest ε for δ.
  ///
  /// - Returns: ∞ when some outcome is impossible without the patient with probability above δ.
  /// - Throws: `outOfRange`.
  public func epsilon(delta: Double) throws(DifferentialPrivacyError) -> Double {
    try GaussianPrivacy.checkDelta(delta)
    if delta == 1 { return 0 }
    if releases.isEmpty { return try gaussian.epsilon(delta: delta) }
    if let single { return single.epsilon(delta: delta) }
    let pure = try pureEpsilon()
    if delta == 0 || pure == 0 { return pure }
    let tail = min(1e-12, 1e-7 * delta)
    let composed = try worst(tail: tail) { $0.epsilon(delta: delta) }
    return min(pure, composed)
  }

  /// The smallest δ for ε.
  ///
  /// - Throws: `outOfRange`.
  public func delta(epsilon: Double) throws(DifferentialPrivacyError) -> Double {
    guard epsilon >= 0 else {
      throw DifferentialPrivacyError(.outOfRange, "ε must be at least 0", field: "epsilon")
    }
    if epsilon == .infinity { return 0 }
    if releases.isEmpty { return try gaussian.delta(epsilon: epsilon) }
    if let single { return single.delta(epsilon: epsilon) }
    if try pureEpsilon() <= epsilon { return 0 }
    var tail = 1e-18
    while true {
      let value = try worst(tail: tail) { $0.delta(epsilon: epsilon) }
      if value > tail * 1e7 || tail < 1e-280 { return value }
      tail *= tail
    }
  }

  /// The release when there is only one and it has a closed form.
  private var single: SingleRelease? {
    guard releases.count == 1, gaussian.mu == 0, releases[0].count == 1, releases[0].rate == 1
    else { return nil }
    return SingleRelease(releases[0].base)
  }

  /// Σ count · largest loss, the ε at δ = 0.
  private func pureEpsilon() throws(DifferentialPrivacyError) -> Double {
    if gaussian.mu > 0 { return .infinity }
    var largest = 0.0
    for direction in PrivacyLossDistribution.Direction.allCases {
      var sum = 0.0
      for release in releases {
        let pair = try PrivacyLossPair(release.base)
        sum += release.count * pair.pureEpsilon(rate: release.rate, direction: direction)
      }
      largest = max(largest, sum)
    }
    return largest
  }

  /// The worse of both directions; the grid grows until the transform fits.
  private func worst(
    tail: Double, _ query: (PrivacyLossComposition) -> PrivacyLossComposition.Answer
  ) throws(DifferentialPrivacyError) -> Double {
    var kinds: [(pair: PrivacyLossPair, rate: Double, count: Double)] = []
    for release in releases {
      kinds.append((try PrivacyLossPair(release.base), release.rate, release.count))
    }
    if gaussian.mu > 0 {
      guard gaussian.mu < .infinity else { return .infinity }
      kinds.append(
        (try PrivacyLossPair(.gaussian(noiseMultiplier: 1 / gaussian.mu)), 1, 1))
    }
    if kinds.contains(where: { kind in
      if case .gaussian(let mu) = kind.pair.kind { return mu == .infinity }
      if case .laplace(let bound) = kind.pair.kind { return bound == .infinity }
      return false
    }) {
      return .infinity
    }
    let total = kinds.reduce(0) { $0 + $1.count }
    let each = max(1e-300, tail / (4 * total))
    let symmetric = kinds.allSatisfy { $0.rate == 1 && $0.pair.isSymmetric }
    var worst = 0.0
    for direction in PrivacyLossDistribution.Direction.allCases {
      if direction == .add, symmetric { break }
      var step = Self.gridStep(kinds, largest: gridStep, tail: each)
      var attempts = 0
      while true {
        attempts += 1
        // Beyond any study: losses that no grid covers are no privacy.
        guard attempts < 60, step.isFinite else { return .infinity }
        let parts = kinds.map { kind in
          (
            distribution: PrivacyLossDistribution(
              kind.pair, rate: kind.rate, direction: direction, step: step, tail: each),
            count: kind.count
          )
        }
        switch query(PrivacyLossComposition(parts, step: step)) {
        case .value(let value):
          worst = max(worst, value)
        case .tooWide(let factor):
          step *= max(1.5, factor)
          continue
        }
        break
      }
    }
    return worst
  }

  /// The grid: fine enough that rounding adds little to the variance of the whole, coarse enough
  /// that one release fits.
  ///
  /// Rounding adds at most h²/4 to the variance of each release; h² · count is kept below a
  /// thousandth of the variance of the sum.
  private static func gridStep(
    _ kinds: [(pair: PrivacyLossPair, rate: Double, count: Double)], largest: Double, tail: Double
  ) -> Double {
    var variance = 0.0
    var count = 0.0
    var widest = 0.0
    for kind in kinds {
      let second: Double
      let reach: Double
      switch kind.pair.kind {
      case .gaussian(let mu):
        second = mu < 5 ? Portable.expm1(mu * mu) : mu * mu
        reach = kind.pair.continuousRange(tail: tail)?.upper ?? 0
      case .laplace(let bound):
        second = min(bound * bound, Portable.expm1(min(bound, 5)))
        reach = bound
      case .atoms:
        var sum = 0.0
        for atom in kind.pair.atoms where atom.loss.isFinite {
          sum += Portable.exp(atom.logUpper) * atom.loss * atom.loss
        }
        second = sum
        reach = kind.pair.atoms.reduce(0) {
          $1.loss.isFinite && Portable.exp(max($1.logUpper, $1.logLower)) > tail
            ? max($0, $1.loss.magnitude) : $0
        }
      }
      let sampled = SampledLoss(rate: kind.rate)
      variance += kind.count * min(kind.rate * kind.rate * second, 1e6)
      count += kind.count
      widest = max(widest, sampled.loss(base: reach) - sampled.loss(base: -reach))
    }
    let fine = (1e-3 * variance / count).squareRoot()
    var step = min(largest, fine)
    if !(step > 1e-12) { step = min(largest, 1e-12) }
    return max(step, widest / Double(PrivacyLossDistribution.largestCount))
  }
}
