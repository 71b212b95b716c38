import PortableNumerics

/// The distribution of the privacy loss log P/Q of one release under P, rounded to a grid so that it
/// dominates the true one: δ(ε) is never below the exact value (connect the dots; Doroshenko,
/// Ghazi, Kamath, Kumar and Manurangsi, PETS 2022).
struct PrivacyLossDistribution {
  /// Grid spacing h > 0.
  var step: Double
  /// Grid index of the first mass: its loss is `first · step`.
  var first: Int
  /// Probability at `first`, `first + 1`, …
  var masses: [Double]
  /// Probability of an infinite loss, truncated tails included.
  var infinityMass: Double

  var last: Int { first + masses.count - 1 }

  /// log Σ p e^(s · loss) over the finite losses.
  ///
  /// Blocks of 64 by Horner's rule, so one exponential per block.
  func logMomentGenerating(_ s: Double) -> Double {
    let blockLength = 64
    let ratio = Portable.exp(s * step)
    var sum = LogSum()
    masses.withUnsafeBufferPointer { masses in
      var start = 0
      while start < masses.count {
        let end = min(start + blockLength, masses.count)
        var index = end - 1
        var value = 0.0
        while index >= start {
          value = value * ratio + masses[index]
          index -= 1
        }
        if value > 0 { sum.add(Portable.log(value) + s * step * Double(first + start)) }
        start = end
      }
    }
    return sum.value
  }

  /// Which of two neighbouring runs the outcomes are drawn from.
  enum Direction: CaseIterable {
    /// From the run with the patient.
    case remove
    /// From the run without.
    case add
  }
}

/// Two neighbouring runs of a release before sampling, as the joint distribution of its privacy loss
/// ℓ = log P/Q under P (with the patient) and Q (without).
struct PrivacyLossPair {
  enum Kind {
    /// ℓ ~ N(μ²/2, μ²) under P and N(−μ²/2, μ²) under Q.
    case gaussian(mu: Double)
    /// P(ℓ ≤ l) = ½e^(−(c−l)/2) and Q(ℓ ≤ l) = 1 − ½e^(−(c+l)/2) between −c and c, with atoms at both
    /// ends; c = Δ/b.
    case laplace(bound: Double)
    /// Atoms only.
    case atoms
  }
  let kind: Kind
  /// Losses with positive probability: log P and log Q of each.
  let atoms: [OutcomeTable.Outcome]

  init(_ base: PrivacyEvent.Release.Base) throws(DifferentialPrivacyError) {
    switch base {
    case .gaussian(let noiseMultiplier):
      kind = .gaussian(mu: 1 / noiseMultiplier)
      atoms = []
    case .laplace(let scale):
      let c = 1 / scale
      kind = .laplace(bound: c)
      let half = -0.693_147_180_559_945_3
      atoms = OutcomeTable([(half, half - c), (half - c, half)]).outcomes
    case .table(let table):
      kind = .atoms
      atoms = table.outcomes
    case .zeroConcentrated, .withoutReplacement:
      throw DifferentialPrivacyError(
        .unattainable, "this event has no privacy loss distribution", field: "event")
    }
  }

  /// The pair is its own mirror image: adding and removing give the same distribution.
  var isSymmetric: Bool {
    if case .atoms = kind { return false }
    return true
  }

  /// The losses between which the continuous part has all but `tail` of its mass under both runs;
  /// nil without one.
  func continuousRange(tail: Double) -> (lower: Double, upper: Double)? {
    switch kind {
    case .gaussian(let mu):
      let reach = -NormalDistribution.quantile(max(tail, 1e-300)) * mu + 0.5 * mu * mu
      return (-reach, reach)
    case .laplace(let bound): return (-bound, bound)
    case .atoms: return nil
    }
  }

  /// Probabilities of the continuous part in (lower, upper] under P and Q.
  func continuousMass(_ lower: Double, _ upper: Double) -> (upper: Double, lower: Double) {
    if !(upper > lower) { return (0, 0) }
    switch kind {
    case .gaussian(let mu):
      let half = 0.5 * mu
      let low = lower / mu
      let width = (upper - lower) / mu
      if width == .infinity {
        if lower == -.infinity {
          let high = upper / mu
          return (
            NormalDistribution.cumulative(high - half), NormalDistribution.cumulative(high + half)
          )
        }
        return (
          NormalDistribution.upperTail(low - half), NormalDistribution.upperTail(low + half)
        )
      }
      return (
        NormalDistribution.mass(above: low - half, width: width),
        NormalDistribution.mass(above: low + half, width: width)
      )
    case .laplace(let bound):
      let low = max(lower, -bound)
      let high = min(upper, bound)
      if !(high > low) { return (0, 0) }
      let share = -0.5 * Portable.expm1(-0.5 * (high - low))
      return (
        share * Portable.exp(-0.5 * (bound - high)), share * Portable.exp(-0.5 * (bound + low))
      )
    case .atoms: return (0, 0)
    }
  }

  /// The largest loss after sampling at the given rate; ∞ for Gaussian noise.
  func pureEpsilon(rate: Double, direction: PrivacyLossDistribution.Direction) -> Double {
    let extreme: Double
    switch kind {
    case .gaussian(let mu):
      if mu == 0 { return 0 }
      return direction == .add && rate < 1 ? -Portable.log1p(-rate) : .infinity
    case .laplace(let bound): extreme = bound
    case .atoms:
      let losses = atoms.filter {
        (direction == .remove ? $0.logUpper : $0.logLower) > -.infinity
      }.map { direction == .remove ? $0.loss : -$0.loss }
      extreme = losses.max() ?? 0
    }
    let sampled = SampledLoss(rate: rate)
    return direction == .remove
      ? sampled.loss(base: extreme) : -sampled.loss(base: -extreme)
  }
}

/// The privacy loss of a Poisson-sampled release as a function of the unsampled one:
/// ℓ′ = log(1 − q + q e^ℓ).
struct SampledLoss {
  let rate: Double
  private let logRate: Double
  private let logRest: Double

  init(rate: Double) {
    self.rate = rate
    logRate = Portable.log(rate)
    logRest = Portable.log1p(-rate)
  }

  func loss(base: Double) -> Double {
    if rate == 1 { return base }
    if base < 1 { return Portable.log1p(rate * Portable.expm1(base)) }
    if base == .infinity { return .infinity }
    return logRate + base + Portable.log1p(Portable.exp(logRest - logRate - base))
  }

  /// The inverse; −∞ at and below log(1 − q).
  func base(loss: Double) -> Double {
    if rate == 1 { return loss }
    if loss < 1 {
      let ratio = Portable.expm1(loss) / rate
      return ratio <= -1 ? -.infinity : Portable.log1p(ratio)
    }
    if loss == .infinity { return .infinity }
    return loss - logRate + Portable.log1p(-Portable.exp(logRest - loss))
  }
}
