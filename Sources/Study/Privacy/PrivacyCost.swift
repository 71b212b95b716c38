import DifferentialPrivacy

/// What releases cost a patient together: the arithmetic of the plan and of the ledger.
///
/// Releases that everybody is in add up as μ² (Gaussian differential privacy). Steps in which each
/// patient takes part with some probability are composed, together with the rest, by their Rényi
/// divergences (Mironov, Talwar and Zhang 2019), which holds for discrete noise at integer orders.
public struct PrivacyCost: Sendable, Equatable {
  /// A step with Poisson sampling.
  private struct Sampled: Hashable {
    var rate: Double
    /// σ/Δ.
    var noiseMultiplier: Double
  }

  /// μ² per study of the releases about everybody, training and holdout patients.
  private var squaredMu: [String: [PatientGroup: Double]] = [:]
  /// Steps with sampling, all of training patients, per study.
  private var sampled: [String: [Sampled: Int]] = [:]

  /// Orders at which sampled steps are compared.
  private static let orders = (2...64).map(Double.init) + [96, 128, 256]

  public init() {}

  /// Adds `count` releases of one kind.
  public mutating func add(_ noise: NoiseRequirement, study: String, count: Int = 1) {
    if noise.samplingRate < 1, noise.squaredMu > 0, noise.squaredMu < .infinity {
      let kind = Sampled(
        rate: noise.samplingRate, noiseMultiplier: 1 / noise.squaredMu.squareRoot())
      sampled[study, default: [:]][kind, default: 0] += count
    } else {
      squaredMu[study, default: [:]][noise.group, default: 0] += Double(count) * noise.squaredMu
    }
  }

  /// μ² of the releases without sampling. Within a study training and holdout patients are different
  /// people, so the larger of the two counts; over studies a patient may be the one or the other.
  public var squaredMuWithoutSampling: Double {
    squaredMu.keys.sorted().reduce(0) { sum, study in
      let cost = squaredMu[study] ?? [:]
      return sum + (cost[.everybody] ?? 0) + max(cost[.training] ?? 0, cost[.holdout] ?? 0)
    }
  }

  /// Whether nothing was released.
  public var isZero: Bool { sampled.isEmpty && squaredMuWithoutSampling == 0 }

  /// ε at a δ in (0, 1); infinite where there is no bound.
  public func epsilon(delta: Double) -> Double {
    guard let study = sampled.keys.first else {
      return Self.epsilon(squaredMu: squaredMuWithoutSampling, steps: [:], delta: delta)
    }
    if sampled.count == 1 {
      // The study's training patients take the sampled steps, its holdout patients do not.
      let cost = squaredMu[study] ?? [:]
      let others =
        squaredMuWithoutSampling - max(cost[.training] ?? 0, cost[.holdout] ?? 0)
      return max(
        Self.epsilon(
          squaredMu: others + (cost[.training] ?? 0), steps: sampled[study] ?? [:], delta: delta),
        Self.epsilon(squaredMu: others + (cost[.holdout] ?? 0), steps: [:], delta: delta))
    }
    var steps: [Sampled: Int] = [:]
    for own in sampled.values { steps.merge(own, uniquingKeysWith: +) }
    return Self.epsilon(squaredMu: squaredMuWithoutSampling, steps: steps, delta: delta)
  }

  private static func epsilon(
    squaredMu: Double, steps: [Sampled: Int], delta: Double
  ) -> Double {
    do {
      guard !steps.isEmpty else {
        return try GaussianPrivacy(mu: squaredMu.squareRoot()).epsilon(delta: delta)
      }
      let kinds = steps.sorted {
        ($0.key.rate, $0.key.noiseMultiplier) < ($1.key.rate, $1.key.noiseMultiplier)
      }
      let curve = try RenyiCurve(orders: orders) {
        (order) throws(DifferentialPrivacyError) -> Double in
        var sum = order * squaredMu / 2
        for (kind, count) in kinds {
          sum +=
            Double(count)
            * (try RenyiDivergence.subsampledGaussian(
              order: order, noiseMultiplier: kind.noiseMultiplier, samplingRate: kind.rate))
        }
        return sum
      }
      return try curve.epsilon(delta: delta)
    } catch {
      return .infinity
    }
  }
}
