import PortableNumerics

/// Two neighbouring runs of a mechanism with countably many outcomes: the probability of each
/// outcome under both, in logarithms.
///
/// Everything that is asked of such a mechanism (δ at ε, ε at δ, Rényi divergences) is a finite
/// sum of positive numbers here, so the answers are exact to rounding, as far into the tail as the
/// table reaches.
public struct OutcomeTable: Sendable, Equatable {
  /// One outcome.
  public struct Outcome: Sendable, Equatable {
    /// log P(outcome) under the first run; −∞ for an impossible one.
    public let logUpper: Double
    /// log Q(outcome) under the neighbouring run.
    public let logLower: Double

    /// The privacy loss log P/Q.
    public var loss: Double { logUpper - logLower }
  }

  /// The outcomes by decreasing privacy loss.
  public let outcomes: [Outcome]

  /// Creates a table; outcomes impossible under both runs are dropped.
  public init(_ outcomes: [(logUpper: Double, logLower: Double)]) {
    self.outcomes =
      outcomes.filter { $0.logUpper > -.infinity || $0.logLower > -.infinity }
      .map { Outcome(logUpper: $0.logUpper, logLower: $0.logLower) }
      .sorted { $0.loss > $1.loss }
  }

  /// The same pair with the runs exchanged.
  public var reversed: OutcomeTable {
    OutcomeTable(outcomes.map { ($0.logLower, $0.logUpper) })
  }

  /// log P[outcomes impossible under Q].
  private var logInfinite: Double {
    var sum = LogSum()
    for outcome in outcomes where outcome.logLower == -.infinity { sum.add(outcome.logUpper) }
    return sum.value
  }

  /// The largest loss of an outcome that can happen: the ε of pure differential privacy.
  public var pureEpsilon: Double {
    max(0, outcomes.first { $0.logUpper > -.infinity }?.loss ?? 0)
  }

  /// log δ(ε) = log Σ max(0, P − e^ε Q).
  public func logDelta(epsilon: Double) -> Double {
    var sum = LogSum()
    for outcome in outcomes {
      let loss = outcome.loss
      if !(loss > epsilon) { break }
      sum.add(outcome.logUpper + Portable.log(-Portable.expm1(epsilon - loss)))
    }
    return sum.value
  }

  /// The smallest ε ≥ 0 with δ(ε) ≤ δ.
  ///
  /// δ(ε) is a straight line in e^ε between two losses; the line is solved exactly.
  ///
  /// - Parameter logDelta: log δ; −∞ asks for pure differential privacy.
  public func epsilon(logDelta target: Double) -> Double {
    if target >= 0 || logDelta(epsilon: 0) <= target { return 0 }
    if target == -.infinity { return pureEpsilon }
    if logInfinite > target { return .infinity }
    var upper = LogSum()
    var lower = LogSum()
    var index = 0
    // δ at a loss ℓ is Σ_{above ℓ} P − e^ℓ Σ_{above ℓ} Q; walk down until it would exceed δ.
    while index < outcomes.count {
      let loss = outcomes[index].loss
      if !(loss > 0) { break }
      let atLoss =
        lower.value == -.infinity
        ? upper.value : Self.logDifference(upper.value, loss + lower.value)
      if loss < .infinity, atLoss > target { break }
      upper.add(outcomes[index].logUpper)
      lower.add(outcomes[index].logLower)
      index += 1
    }
    if lower.value == -.infinity { return 0 }
    // Solve U − e^ε L = δ.
    return max(0, Self.logDifference(upper.value, target) - lower.value)
  }

  /// The Rényi divergence of order α of P from Q.
  public func renyiDivergence(order: Double) -> Double {
    if order == .infinity { return pureEpsilon }
    if order == 1 {
      var sum = 0.0
      for outcome in outcomes where outcome.logUpper > -.infinity {
        sum += Portable.exp(outcome.logUpper) * outcome.loss
      }
      return max(0, sum)
    }
    var sum = LogSum()
    for outcome in outcomes where outcome.logUpper > -.infinity {
      if outcome.logLower == -.infinity { return .infinity }
      sum.add(order * outcome.logUpper + (1 - order) * outcome.logLower)
    }
    return max(0, sum.value / (order - 1))
  }

  /// log(e^a − e^b) for a ≥ b; −∞ where b has caught up.
  static func logDifference(_ a: Double, _ b: Double) -> Double {
    if !(a > b) { return -.infinity }
    return b == -.infinity ? a : a + Portable.log(-Portable.expm1(b - a))
  }
}

extension OutcomeTable {
  /// Randomised response over k answers: the true one with probability 1 − p, a uniform one with
  /// probability p.
  ///
  /// - Parameters:
  ///   - noise: p in [0, 1].
  ///   - bucketCount: k ≥ 1.
  ///   - comparedWithUniform: false for two patients with different answers ("replace one"), true
  ///     for a patient against nobody, whose answer is uniform ("replace special").
  /// - Throws: `outOfRange`.
  public static func randomizedResponse(
    noise: Double, bucketCount: Int, comparedWithUniform: Bool = false
  ) throws(DifferentialPrivacyError) -> OutcomeTable {
    guard noise >= 0, noise <= 1 else {
      throw DifferentialPrivacyError(
        .outOfRange, "a noise parameter is in [0, 1]", field: "noise_parameter")
    }
    guard bucketCount >= 1 else {
      throw DifferentialPrivacyError(
        .outOfRange, "at least one answer is possible", field: "num_buckets")
    }
    let k = Double(bucketCount)
    let own = Portable.log1p(-noise * (k - 1) / k)
    let other = Portable.log(noise / k)
    if bucketCount == 1 { return OutcomeTable([(0, 0)]) }
    if comparedWithUniform {
      let rest = Portable.log((k - 1) / k)
      return OutcomeTable([(own, -Portable.log(k)), (rest + Portable.log(noise), rest)])
    }
    var outcomes = [(logUpper: own, logLower: other), (logUpper: other, logLower: own)]
    if bucketCount > 2 {
      let rest = Portable.log((k - 2) / k) + Portable.log(noise)
      outcomes.append((rest, rest))
    }
    return OutcomeTable(outcomes)
  }

  /// Discrete Laplace noise P(k) = tanh(a/2) e^(−a|k|) on a count that one patient shifts by `shift`.
  ///
  /// Outcomes up to 0 share one loss and those from the shift on another, so the table is finite and
  /// exact.
  ///
  /// - Parameters:
  ///   - rate: a > 0 and finite.
  ///   - shift: 0 to 10^6.
  /// - Throws: `outOfRange`.
  public static func discreteLaplace(
    rate: Double, shift: Int
  ) throws(DifferentialPrivacyError) -> OutcomeTable {
    guard rate > 0, rate < .infinity else {
      throw DifferentialPrivacyError(
        .outOfRange, "the scale is positive and finite", field: "parameter")
    }
    guard shift >= 0, shift <= IntegerNoise.largestReach else {
      throw DifferentialPrivacyError(
        .outOfRange, "an integer sensitivity is at least 0 and within the table",
        field: "sensitivity")
    }
    if shift == 0 { return OutcomeTable([(0, 0)]) }
    // Σ_{k≤0} tanh(a/2) e^(ak) = 1/(1 + e^−a).
    let half = -Portable.log1p(Portable.exp(-rate))
    let peak = half + Portable.log(-Portable.expm1(-rate))
    let far = rate * Double(shift)
    var outcomes = [(logUpper: half - far, logLower: half), (logUpper: half, logLower: half - far)]
    for k in stride(from: 1, to: shift, by: 1) {
      outcomes.append((peak - rate * Double(shift - k), peak - rate * Double(k)))
    }
    return OutcomeTable(outcomes)
  }

  /// An integer of known distribution, symmetric about 0, added to a count that one patient shifts
  /// by `shift`.
  ///
  /// - Parameters:
  ///   - logMass: log P(noise = k) for k = 0, 1, …; beyond the end the noise is impossible, which
  ///     counts as a loss of ∞ when reached through the shift, so the table has to reach as far as
  ///     the δ of interest.
  ///   - shift: at least 0.
  static func additive(logMass: [Double], shift: Int) -> OutcomeTable {
    let reach = logMass.count - 1
    guard reach >= 0, shift > 0 else { return OutcomeTable([(0, 0)]) }
    func mass(_ k: Int) -> Double {
      let m = k.magnitude
      return m <= UInt(reach) ? logMass[Int(m)] : -.infinity
    }
    var outcomes: [(logUpper: Double, logLower: Double)] = []
    outcomes.reserveCapacity(2 * reach + shift + 1)
    for k in (-reach)...(reach + shift) { outcomes.append((mass(k - shift), mass(k))) }
    return OutcomeTable(outcomes)
  }
}
