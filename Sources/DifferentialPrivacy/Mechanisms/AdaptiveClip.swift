import PortableNumerics

/// The clipping bound that follows a quantile of the patients' norms (Andrew, Thakkar, McMahan and
/// Ramaswamy, NeurIPS 2021, Algorithm 1): C ← C · e^(−η·(b̃ − γ)), where b̃ is the noisy fraction of
/// patients whose norm is at most C.
///
/// Every site computes the same next bound from the published noisy counts, bit for bit. The counts
/// cost budget: each patient adds 1 to the total and at most 1 to the count within, so the two together
/// have L2 sensitivity √2 (½ when, as in the paper, the total is public and ½ is taken off each
/// indicator).
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
  /// `within` and `total` are noisy sums over all sites and may be negative or out of order: the
  /// fraction is limited to [0, 1], and a total below 1 leaves the bound as it is (post-processing).
  /// Throws `outOfRange` unless `bound` is positive and finite.
  public func next(
    after bound: Double, within: Int64, total: Int64
  ) throws(DifferentialPrivacyError) -> Double {
    guard bound > 0, bound < .infinity else {
      throw DifferentialPrivacyError(
        .outOfRange, "bounds of clipping are positive and finite", field: "bound")
    }
    var next = bound
    if total >= 1 {
      let fraction = Double(min(max(within, 0), total)) / Double(total)
      next = bound * Portable.exp(-learningRate * (fraction - quantile))
    }
    return min(max(next, range.lowerBound), range.upperBound)
  }
}
