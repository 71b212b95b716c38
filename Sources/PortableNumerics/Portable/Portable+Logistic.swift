extension Portable {
  /// 1 / (1 + e^−x), the logistic function; in [0, 1].
  ///
  /// At most 3 ulp on both sides: for negative x it is computed as e^x / (1 + e^x), so small
  /// probabilities keep their precision. sigmoid(−∞) = 0, sigmoid(∞) = 1, sigmoid(NaN) = NaN.
  public static func sigmoid(_ x: Double) -> Double {
    let e = exp(-x.magnitude)
    return x < 0 ? e / (1 + e) : 1 / (1 + e)
  }

  /// log(p / (1 − p)), the inverse of `sigmoid`.
  ///
  /// At most 3 ulp. logit(0) = −∞, logit(½) = 0, logit(1) = ∞; NaN outside [0, 1].
  public static func logit(_ p: Double) -> Double {
    if !(p >= 0 && p <= 1) { return .nan }
    if p < 0.25 { return log(p / (1 - p)) }
    if p < 0.5 { return -log1p((1 - 2 * p) / p) }
    if p <= 0.75 { return log1p((2 * p - 1) / (1 - p)) }
    return log(p / (1 - p))
  }

  /// log(1 + e^x), the logistic log-partition; never overflows.
  ///
  /// At most 3 ulp. softplus(−∞) = 0, softplus(∞) = ∞, softplus(NaN) = NaN.
  public static func softplus(_ x: Double) -> Double {
    let tail = log1p(exp(-x.magnitude))
    return x > 0 ? x + tail : tail
  }
}
