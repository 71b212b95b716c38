import DifferentialPrivacy
import PortableNumerics
import Study

/// The largest ROC curve that a plan's proof allows any membership test.
///
/// Without sampling it is the trade-off of the plan's μ. With sampling it is the lower envelope of the
/// curves of (ε(δ), δ) over a ladder of δ, TPR ≤ min(e^ε FPR + δ, 1 − e^−ε (1 − δ − FPR)) (Kairouz, Oh
/// and Viswanath 2015).
struct ProvenCeiling {
  private let gaussian: MembershipCeiling?
  private let ladder: [(epsilon: Double, delta: Double)]

  /// μ of the plan; nil with sampling.
  let mu: Double?

  init(_ plan: PrivacyPlan) throws {
    if plan.releases.allSatisfy({ $0.noise.samplingRate >= 1 }) {
      let guarantee = try GaussianPrivacy(
        mu: plan.cost.squaredMuWithoutSampling.squareRoot())
      mu = guarantee.mu
      gaussian = MembershipCeiling(guarantee)
      ladder = []
    } else {
      mu = nil
      gaussian = nil
      let cost = plan.cost
      ladder = [0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 1e-5].map {
        (cost.epsilon(delta: $0), $0)
      }
    }
  }

  /// The largest true-positive rate at a false-positive rate in [0, 1].
  func truePositiveRate(atFalsePositiveRate rate: Double) throws -> Double {
    if let gaussian { return try gaussian.truePositiveRate(atFalsePositiveRate: rate) }
    return ladder.reduce(1) { least, point in
      let growth = Portable.exp(min(max(point.epsilon, 0), 700))
      return min(
        least, growth * rate + point.delta, 1 - (1 - point.delta - rate) / growth)
    }
  }

  /// The largest area under the curve.
  func area() throws -> Double {
    if let gaussian { return gaussian.area }
    let steps = 2000
    var sum = 0.0
    for step in 0..<steps {
      sum += try truePositiveRate(atFalsePositiveRate: (Double(step) + 0.5) / Double(steps))
    }
    return sum / Double(steps)
  }
}
