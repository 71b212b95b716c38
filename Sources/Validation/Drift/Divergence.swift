import PortableNumerics

/// How far two distributions over the same bins are from each other.
///
/// `reference` and `current` are counts or shares, ≥ 0, of equal length; they are normalised here.
/// Every function is nil when the lengths differ, a number is negative or not finite, or one side is
/// empty.
public enum Divergence {
  /// Population stability index Σ(p − q) ln(p/q) of shares; ≥ 0 and symmetric. Nil also when a bin is
  /// empty on one side only, where it is infinite.
  public static func populationStability(reference: [Double], current: [Double]) -> Double? {
    guard let (p, q) = shares(reference, current) else { return nil }
    var sum = 0.0
    for (p, q) in zip(p, q) where p > 0 || q > 0 {
      guard p > 0, q > 0 else { return nil }
      sum += (p - q) * Portable.log(p / q)
    }
    return max(0, sum)
  }

  /// Jensen-Shannon divergence ½KL(p‖m) + ½KL(q‖m) with m the mean of the two and logarithms to base
  /// 2; in [0, 1] and symmetric. Its square root is a distance.
  public static func jensenShannon(reference: [Double], current: [Double]) -> Double? {
    guard let (p, q) = shares(reference, current) else { return nil }
    var sum = 0.0
    for (p, q) in zip(p, q) {
      let m = (p + q) / 2
      if p > 0 { sum += p * Portable.log(p / m) }
      if q > 0 { sum += q * Portable.log(q / m) }
    }
    return min(1, max(0, sum / 2 / 0.6931471805599453))
  }

  /// Kolmogorov-Smirnov distance: the largest difference of the cumulative shares at a bin edge. A
  /// lower bound of the unbinned distance, short of it by at most the largest bin share. Bins must be
  /// ordered.
  public static func kolmogorovSmirnov(reference: [Double], current: [Double]) -> Double? {
    guard let (p, q) = shares(reference, current) else { return nil }
    var gap = 0.0
    var largest = 0.0
    for (p, q) in zip(p, q) {
      gap += p - q
      largest = max(largest, gap.magnitude)
    }
    return min(1, largest)
  }

  /// Wasserstein-1 distance Σ |F − G| · width over the edges between bins. Nil also when there is not
  /// one width ≥ 0 between each two neighbouring bins.
  ///
  /// - Parameter widths: the distance from each bin to the next in the unit of the variable.
  public static func wasserstein(
    reference: [Double], current: [Double], widths: [Double]
  ) -> Double? {
    guard let (p, q) = shares(reference, current), widths.count == p.count - 1,
      widths.allSatisfy({ $0 >= 0 && $0 < .infinity })
    else { return nil }
    var gap = 0.0
    var sum = 0.0
    for (index, width) in widths.enumerated() {
      gap += p[index] - q[index]
      sum += gap.magnitude * width
    }
    return sum
  }

  /// Both sides as shares.
  private static func shares(
    _ reference: [Double], _ current: [Double]
  ) -> ([Double], [Double])? {
    guard reference.count == current.count,
      (reference + current).allSatisfy({ $0 >= 0 && $0 < 1e300 })
    else { return nil }
    let total = reference.reduce(0, +)
    let currentTotal = current.reduce(0, +)
    guard total > 0, currentTotal > 0, total < .infinity, currentTotal < .infinity else {
      return nil
    }
    return (reference.map { $0 / total }, current.map { $0 / currentTotal })
  }
}
