import DifferentialPrivacy

/// What releases cost a patient together: the arithmetic of the plan and of the ledger.
///
/// Releases that everybody is in add up as μ² (Gaussian differential privacy, a fully adaptive filter).
/// Steps in which each patient takes part with some probability are composed, together with the rest,
/// by their Rényi divergences (Mironov, Talwar and Zhang 2019), which holds for discrete noise at
/// integer orders. Discrete noise is charged as continuous noise of variance σ² − 4 (PRIVACY-CORE §4.3).
public struct PrivacyCost: Sendable, Equatable {
  /// A step with Poisson sampling.
  private struct Sampled: Hashable {
    var rate: Double
    /// √(σ² − 4)/Δ, of all openings of the step together.
    var noiseMultiplier: Double
  }

  /// Releases that one patient is in.
  private struct Composition {
    var squaredMu = 0.0
    var steps: [Sampled: Int] = [:]

    /// The same as the accountants see it.
    var event: PrivacyEvent {
      var events: [PrivacyEvent] = []
      if squaredMu > 0 { events.append(.gaussian(noiseMultiplier: 1 / squaredMu.squareRoot())) }
      let kinds = steps.sorted {
        ($0.key.rate, $0.key.noiseMultiplier) < ($1.key.rate, $1.key.noiseMultiplier)
      }
      for (kind, count) in kinds {
        events.append(
          .repeated(
            count,
            .poissonSampled(
              rate: kind.rate, .gaussian(noiseMultiplier: kind.noiseMultiplier))))
      }
      return .composed(events)
    }

    func epsilon(delta: Double) -> Double {
      do {
        guard steps.isEmpty else {
          return try event.renyiCurve(orders: PrivacyCost.orders).epsilon(delta: delta)
        }
        return try GaussianPrivacy(mu: squaredMu.squareRoot()).epsilon(delta: delta)
      } catch {
        return .infinity
      }
    }
  }

  /// μ² per study of the releases about everybody, training and holdout patients.
  private var squaredMu: [String: [PatientGroup: Double]] = [:]
  /// Steps with sampling, all of training patients, per study.
  private var sampled: [String: [Sampled: Int]] = [:]

  /// Orders at which sampled steps are compared.
  private static let orders = (2...64).map(Double.init) + [96, 128, 256]

  public init() {}

  /// Adds `count` releases of one kind, each of them opened `openings` times with noise of its own.
  ///
  /// Who takes part in a step with sampling follows from the query, so every opening of one step is over
  /// the same patients: together they are *one* sampled release with `openings` times the squared
  /// sensitivity, which costs far more than as many steps that are sampled anew.
  public mutating func add(
    _ noise: NoiseRequirement, study: String, count: Int = 1, openings: Int = 1
  ) {
    let once = noise.squaredMu
    if noise.samplingRate < 1, once > 0, once < .infinity {
      let kind = Sampled(
        rate: noise.samplingRate, noiseMultiplier: 1 / (Double(openings) * once).squareRoot())
      sampled[study, default: [:]][kind, default: 0] += count
    } else {
      squaredMu[study, default: [:]][noise.group, default: 0] +=
        Double(count) * Double(openings) * once
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

  /// Whether a step with sampling is among the releases. ε then comes from Rényi divergences, otherwise
  /// from μ².
  public var hasSampling: Bool { !sampled.isEmpty }

  /// ρ of zero-concentrated differential privacy, μ²/2, for statements to statisticians; nil where
  /// steps are sampled, whose divergence is no straight line.
  public var rho: Double? { hasSampling ? nil : squaredMuWithoutSampling / 2 }

  /// Everything that a patient of one group is in, as the accountants see it; the one way from the plan
  /// and the ledger to them.
  ///
  /// - Parameter group: `training` or `holdout`, the patient's group in every study; `everybody` for the
  ///   releases about all patients alone.
  public func event(for group: PatientGroup) -> PrivacyEvent { composition(for: group).event }

  private func composition(for group: PatientGroup) -> Composition {
    var all = Composition()
    for study in squaredMu.keys.sorted() {
      let cost = squaredMu[study] ?? [:]
      all.squaredMu += (cost[.everybody] ?? 0) + (group == .everybody ? 0 : cost[group] ?? 0)
    }
    guard group == .training else { return all }
    for study in sampled.keys { all.steps.merge(sampled[study] ?? [:], uniquingKeysWith: +) }
    return all
  }

  /// What a patient can have been in, at worst: one of these compositions costs the most.
  private var worst: [Composition] {
    guard let study = sampled.keys.first else {
      return [Composition(squaredMu: squaredMuWithoutSampling)]
    }
    guard sampled.count == 1 else {
      var steps: [Sampled: Int] = [:]
      for own in sampled.values { steps.merge(own, uniquingKeysWith: +) }
      return [Composition(squaredMu: squaredMuWithoutSampling, steps: steps)]
    }
    // The study's training patients take the sampled steps, its holdout patients do not.
    let cost = squaredMu[study] ?? [:]
    let others = squaredMuWithoutSampling - max(cost[.training] ?? 0, cost[.holdout] ?? 0)
    return [
      Composition(squaredMu: others + (cost[.training] ?? 0), steps: sampled[study] ?? [:]),
      Composition(squaredMu: others + (cost[.holdout] ?? 0)),
    ]
  }

  /// ε at a δ in (0, 1); infinite where there is no bound.
  public func epsilon(delta: Double) -> Double {
    isZero ? 0 : worst.map { $0.epsilon(delta: delta) }.max() ?? 0
  }

  /// Whether all this is within a budget: by the filter in μ², or by ε where steps are sampled. What
  /// rounding takes, one part in 10⁹, is let pass.
  public func isWithin(epsilon: Double, delta: Double) -> Bool {
    let budget = epsilon * (1 + 1e-9)
    guard !hasSampling else { return self.epsilon(delta: delta) <= budget }
    do {
      let filter = try GaussianPrivacyFilter(
        budget: .largest(epsilon: budget, delta: delta))
      return filter.admits(try GaussianPrivacy(mu: squaredMuWithoutSampling.squareRoot()))
    } catch {
      return isZero
    }
  }
}
