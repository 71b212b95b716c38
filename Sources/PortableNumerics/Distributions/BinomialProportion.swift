/// The binomial distribution and intervals for a proportion.
public enum BinomialProportion {
  /// P(X ≤ k) for X ~ Binomial(n, p).
  ///
  /// - Parameters:
  ///   - successes: k; below 0 gives 0, n or above gives 1.
  ///   - trials: n ≥ 0; NaN when negative.
  ///   - probability: p in [0, 1]; NaN outside.
  public static func cumulative(
    successes: Int, trials: Int, probability: Double
  ) -> Double {
    guard trials >= 0, probability >= 0, probability <= 1 else { return .nan }
    if successes < 0 { return 0 }
    if successes >= trials { return 1 }
    return SpecialFunctions.incompleteBeta(
      1 - probability, complement: probability, Double(trials - successes),
      Double(successes) + 1)
  }

  /// Wilson's score interval (Wilson 1927; Brown, Cai and DasGupta 2001, eq. 4), without
  /// continuity correction.
  ///
  /// - Parameters:
  ///   - successes: number of successes; real-valued weights are allowed.
  ///   - trials: number of trials, at least `successes`.
  ///   - level: two-sided confidence level in (0, 1).
  /// - Returns: bounds within [0, 1]; nil for no trials or arguments out of range.
  public static func wilsonInterval(
    successes: Double, trials: Double, level: Double = 0.95
  ) -> (lower: Double, upper: Double)? {
    guard trials > 0, trials < .infinity, successes >= 0, successes <= trials, level > 0,
      level < 1
    else { return nil }
    let z = -NormalDistribution.quantile(0.5 * (1 - level))
    let square = z * z
    let share = successes / trials
    let centre = (successes + 0.5 * square) / (trials + square)
    let spread = (share * (1 - share) * trials + 0.25 * square).squareRoot()
    let half = z * spread / (trials + square)
    let lower = successes == 0 ? 0 : max(centre - half, 0)
    let upper = successes == trials ? 1 : min(centre + half, 1)
    return (lower: lower, upper: upper)
  }

  /// The exact interval of Clopper and Pearson (1934): quantiles of two beta distributions.
  ///
  /// - Returns: bounds within [0, 1]; nil for no trials or arguments out of range.
  public static func exactInterval(
    successes: Int, trials: Int, level: Double = 0.95
  ) -> (lower: Double, upper: Double)? {
    guard trials > 0, successes >= 0, successes <= trials, level > 0, level < 1 else {
      return nil
    }
    let half = 0.5 * (1 - level)
    let k = Double(successes)
    let n = Double(trials)
    let lower = successes == 0 ? 0 : BetaDistribution.quantile(half, k, n - k + 1)
    let upper = successes == trials ? 1 : 1 - BetaDistribution.quantile(half, n - k, k + 1)
    return (lower: lower, upper: upper)
  }
}

/// The beta distribution with shapes a, b > 0 on [0, 1].
public enum BetaDistribution {
  /// P(X ≤ x) = I_x(a, b); NaN outside the domain.
  public static func cumulative(_ x: Double, _ a: Double, _ b: Double) -> Double {
    SpecialFunctions.incompleteBeta(x, a, b)
  }

  /// The x with P(X ≤ x) = p; relative error below 1e-11. NaN outside the domain.
  public static func quantile(_ p: Double, _ a: Double, _ b: Double) -> Double {
    guard p >= 0, p <= 1, a > 0, b > 0, a < .infinity, b < .infinity else { return .nan }
    if p == 0 { return 0 }
    if p == 1 { return 1 }
    let logitX = RootFinding.increasing(
      lower: -740, upper: 740, start: Portable.log(a / b)
    ) { position in
      let x = Portable.sigmoid(position)
      let y = Portable.sigmoid(-position)
      let probability = SpecialFunctions.incompleteBeta(x, complement: y, a, b)
      return (value: probability - p, derivative: SpecialFunctions.betaPrefix(x, y, a, b))
    }
    return Portable.sigmoid(logitX)
  }
}
