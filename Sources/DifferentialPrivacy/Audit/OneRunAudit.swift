import PortableNumerics

/// The privacy audit in one training run (Steinke, Nasr and Jagielski 2023).
///
/// m canary patients are each included by a fair coin. The auditor abstains on all but r of them and
/// guesses v of these right. An (ε, δ)-private training makes many right guesses improbable, which
/// gives a lower bound on ε with a confidence. r has to be fixed in advance (or corrected for), and
/// canaries go into a replica run, since they would change the clinical model.
///
/// A bound above the proven ε is a bug. A low bound proves nothing.
public struct OneRunAudit: Sendable, Hashable {
  /// m, the canaries.
  public let canaryCount: Int
  /// r, the guesses made.
  public let guessCount: Int
  /// v, the right ones.
  public let correctCount: Int

  /// Creates an audit from its three counts; counts of sites may be summed.
  ///
  /// - Throws: `outOfRange` unless 0 ≤ v ≤ r ≤ m ≤ 10^7.
  public init(
    canaryCount: Int, guessCount: Int, correctCount: Int
  ) throws(DifferentialPrivacyError) {
    guard 0 <= correctCount, correctCount <= guessCount, guessCount <= canaryCount,
      canaryCount <= 10_000_000
    else {
      throw DifferentialPrivacyError(
        .outOfRange, "right guesses are guesses and guesses are canaries", field: "v")
    }
    self.canaryCount = canaryCount
    self.guessCount = guessCount
    self.correctCount = correctCount
  }

  /// The probability of at least v right guesses under any (ε, δ)-private training, bounded
  /// (theorem 5.2 and appendix D): P[B ≥ v] + 2mδ · max_{1≤i≤v} P[v > B ≥ v − i]/i,
  /// B ~ Binomial(r, e^ε/(1 + e^ε)).
  ///
  /// - Throws: `outOfRange`.
  public func pValue(epsilon: Double, delta: Double) throws(DifferentialPrivacyError) -> Double {
    try GaussianPrivacy.checkDelta(delta)
    guard epsilon >= 0 else {
      throw DifferentialPrivacyError(.outOfRange, "ε must be at least 0", field: "epsilon")
    }
    if correctCount == 0 { return 1 }
    let right = Portable.sigmoid(epsilon)
    let wrong = Portable.sigmoid(-epsilon)
    // P[B ≥ v] = I_p(v, r − v + 1), precise in its tail.
    let upper = SpecialFunctions.incompleteBeta(
      right, complement: wrong, Double(correctCount), Double(guessCount - correctCount + 1))
    if delta == 0 { return min(1, upper) }
    var sum = 0.0
    var largest = 0.0
    // log P[B = k] downwards from v − 1 by the ratio of neighbours.
    var logMass = logBinomialMass(correctCount - 1, right, wrong)
    for step in 1...correctCount where logMass > -.infinity {
      let k = correctCount - step
      sum += Portable.exp(logMass)
      largest = max(largest, sum / Double(step))
      if k == 0 { break }
      logMass += Portable.log(Double(k) / Double(guessCount - k + 1)) - epsilon
    }
    return min(1, upper + 2 * Double(canaryCount) * delta * largest)
  }

  private func logBinomialMass(_ k: Int, _ right: Double, _ wrong: Double) -> Double {
    let n = Double(guessCount)
    let j = Double(k)
    let coefficient =
      SpecialFunctions.logGamma(n + 1) - SpecialFunctions.logGamma(j + 1)
      - SpecialFunctions.logGamma(n - j + 1)
    return coefficient + j * Portable.log(right) + (n - j) * Portable.log(wrong)
  }

  /// The largest ε that the guesses reject at level `p`: with confidence 1 − p the training is not
  /// (ε, δ)-private for any smaller ε.
  ///
  /// - Parameters:
  ///   - delta: δ in [0, 1].
  ///   - significance: p in (0, 1), 0.05 for 95 %.
  /// - Returns: 0 when nothing is rejected.
  /// - Throws: `outOfRange`.
  public func epsilonLowerBound(
    delta: Double, significance: Double = 0.05
  ) throws(DifferentialPrivacyError) -> Double {
    guard significance > 0, significance < 1 else {
      throw DifferentialPrivacyError(.outOfRange, "a level is in (0, 1)", field: "p")
    }
    if try pValue(epsilon: 0, delta: delta) >= significance { return 0 }
    var low = 0.0
    var high = 1.0
    while try pValue(epsilon: high, delta: delta) < significance {
      low = high
      high += 1
      if high > 40 { return low }
    }
    while high - low > 1e-12 {
      let middle = low + 0.5 * (high - low)
      if !(middle > low && middle < high) { break }
      if try pValue(epsilon: middle, delta: delta) < significance {
        low = middle
      } else {
        high = middle
      }
    }
    return low
  }
}
