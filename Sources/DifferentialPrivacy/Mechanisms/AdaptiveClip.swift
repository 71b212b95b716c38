import PortableNumerics

/// The clipping bound that follows a quantile of the patients' norms (Andrew, Thakkar, McMahan and
/// Ramaswamy, NeurIPS 2021, Algorithm 1): C ← C · e^(−η·(b̃ − γ)), where b̃ is the noisy fraction of
/// patients whose norm is at most C.
///
/// Every site computes the same next bound from the published fraction, bit for bit. The count costs
/// budget: with the expected number of patients for the total and ½ taken off each indicator, as in the
/// paper, one patient moves it by ½.
public struct AdaptiveClip: Sendable, Hashable {
  /// γ: the fraction of patients that should be within the bound, in (0, 1). 0.5 in the paper.
  public let quantile: Double
  /// η: step on the logarithmic scale, in (0, 10]. 0.2 in the paper.
  public let learningRate: Double
  /// The bound never leaves this range; 0 < lower ≤ upper, finite.
  public let range: ClosedRange<Double>

  /// Throws `outOfRange` for what the fields' comments exclude.
  public init(
    quantile: Double = 0.5, learningRate: Double = 0.2, range: ClosedRange<Double>
  ) throws(DifferentialPrivacyError) {
    guard quantile > 0, quantile < 1 else {
      throw DifferentialPrivacyError(
        .outOfRange, "a quantile lies between 0 and 1", field: "quantile")
    }
    guard learningRate > 0, learningRate <= 10 else {
      throw DifferentialPrivacyError(
        .outOfRange, "a learning rate of clipping is above 0 and at most 10", field: "learningRate")
    }
    guard range.lowerBound > 0, range.upperBound < .infinity else {
      throw DifferentialPrivacyError(
        .outOfRange, "bounds of clipping are positive and finite", field: "range")
    }
    self.quantile = quantile
    self.learningRate = learningRate
    self.range = range
  }

  /// The bound of the next step.
  ///
  /// The fraction comes with noise and may be outside of [0, 1]; it is limited to that range
  /// (post-processing). Throws `outOfRange` unless `bound` is positive and finite and the fraction a
  /// number.
  public func next(
    after bound: Double, fractionWithin fraction: Double
  ) throws(DifferentialPrivacyError) -> Double {
    guard bound > 0, bound < .infinity else {
      throw DifferentialPrivacyError(
        .outOfRange, "bounds of clipping are positive and finite", field: "bound")
    }
    guard !fraction.isNaN else {
      throw DifferentialPrivacyError(.outOfRange, "a fraction is a number", field: "fraction")
    }
    let moved = bound * Portable.exp(-learningRate * (min(max(fraction, 0), 1) - quantile))
    return min(max(moved, range.lowerBound), range.upperBound)
  }
}
