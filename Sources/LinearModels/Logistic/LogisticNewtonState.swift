import PortableNumerics

/// What every site and the aggregator know about a Newton fit after some rounds.
///
/// A function of the settings and the published totals only. Two parties compare states by
/// `bitPatterns`.
public struct LogisticNewtonState: Sendable, Equatable {
  /// How far the fit is.
  public enum Status: Sendable, Equatable {
    /// Another round at `beta` is needed.
    case iterating
    /// The last step was below the tolerance and has been taken.
    case converged
    /// The iteration limit was reached; `beta` is the best point evaluated.
    case iterationLimit
    /// Thirty halvings of a step did not lower the objective; `beta` is the best point evaluated.
    case stalled
    /// The fit is impossible; only a batch records this, a single fit throws.
    case failed(LinearModelError.Code)

    var number: UInt64 {
      switch self {
      case .iterating: 0
      case .converged: 1
      case .iterationLimit: 2
      case .stalled: 3
      case .failed(let code):
        16 + UInt64(LinearModelError.Code.allCases.firstIndex(of: code) ?? 0)
      }
    }
  }

  /// Coefficients, intercept first; while iterating, the point the next round is answered at.
  public internal(set) var beta: [Double]
  /// Rounds taken in so far.
  public internal(set) var iteration = 0
  public internal(set) var status = Status.iterating
  /// −2 log-likelihood at the best point evaluated; NaN before the first round.
  public internal(set) var deviance = Double.nan
  /// Penalised objective −log-likelihood + ½ λ ‖β‖² at the best point evaluated; NaN before the
  /// first round.
  public internal(set) var objective = Double.nan
  /// Standard errors, intercept first: square roots of the diagonal of (H + λI)⁻¹, the inverse
  /// penalised information at the last point evaluated (no sandwich). With λ = 0 these are the
  /// usual ones; with λ > 0 they are those of the posterior under a normal prior. Empty before
  /// the first round.
  public internal(set) var standardErrors: [Double] = []
  /// (H + λI)⁻¹, packed upper triangle of order p + 1; empty before the first round.
  public internal(set) var covariance: [Double] = []
  /// Patients in the last total.
  public internal(set) var patientCount: Int64 = 0
  /// Patients with the outcome in the last total.
  public internal(set) var eventCount: Int64 = 0
  /// Patients in the last total with at least one clipped feature.
  public internal(set) var clippedCount: Int64 = 0
  /// The best point evaluated, from which the present step was taken.
  var acceptedBeta: [Double] = []
  /// Halvings of the present step.
  var halvings = 0

  init(parameterCount: Int) {
    beta = Array(repeating: 0, count: parameterCount)
  }

  /// True when no further round is needed.
  public var isFinished: Bool { status != .iterating }

  /// Everything in the state as 64-bit words, in a fixed order: the bytes to hash.
  public var bitPatterns: [UInt64] {
    var words: [UInt64] = [
      UInt64(iteration), status.number, deviance.bitPattern, objective.bitPattern,
      UInt64(bitPattern: patientCount), UInt64(bitPattern: eventCount),
      UInt64(bitPattern: clippedCount), UInt64(halvings),
    ]
    for part in [beta, standardErrors, covariance, acceptedBeta] {
      words.append(UInt64(part.count))
      words.append(contentsOf: part.map(\.bitPattern))
    }
    return words
  }

  /// Equal when every bit is equal (so NaN equals NaN).
  public static func == (left: LogisticNewtonState, right: LogisticNewtonState) -> Bool {
    left.bitPatterns == right.bitPatterns
  }

  /// Two-sided Wald p value of a coefficient against 0; nil before the first round or out of
  /// range.
  public func waldPValue(coefficient index: Int) -> Double? {
    guard standardErrors.indices.contains(index) else { return nil }
    let z = (beta[index] / standardErrors[index]).magnitude
    return 2 * NormalDistribution.upperTail(z)
  }

  /// Wald interval of a coefficient; nil before the first round or out of range.
  ///
  /// - Parameter level: two-sided confidence level in (0, 1).
  public func waldInterval(
    coefficient index: Int, level: Double = 0.95
  ) -> (lower: Double, upper: Double)? {
    guard standardErrors.indices.contains(index), level > 0, level < 1 else { return nil }
    let half = -NormalDistribution.quantile(0.5 * (1 - level)) * standardErrors[index]
    return (lower: beta[index] - half, upper: beta[index] + half)
  }
}
