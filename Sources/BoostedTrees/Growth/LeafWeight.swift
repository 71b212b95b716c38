/// The weight of a leaf and what it is worth (Chen and Guestrin 2016, eq. 5 and 6).
struct LeafWeight: Sendable {
  let l1: Double
  let l2: Double
  let largest: Double

  init(_ settings: GrowthSettings) {
    l1 = settings.l1Penalty
    l2 = settings.l2Penalty
    largest = settings.maximumLeafWeight
  }

  /// −T(G)/(H + λ), within ± `largest` and `lower … upper`; 0 for a leaf without hessian.
  func weight(_ gradient: Double, _ hessian: Double, lower: Double, upper: Double) -> Double {
    guard hessian > 0 else { return min(max(0, lower), upper) }
    let shrunk: Double
    if gradient > l1 {
      shrunk = gradient - l1
    } else if gradient < -l1 {
      shrunk = gradient + l1
    } else {
      shrunk = 0
    }
    var weight = -shrunk / (hessian + l2)
    if largest > 0 { weight = min(max(weight, -largest), largest) }
    return min(max(weight, lower), upper)
  }

  /// How much the weight lowers twice the penalised second-order loss:
  /// −(2·G·w + (H + λ)·w² + 2·α·|w|).
  func gain(_ gradient: Double, _ hessian: Double, weight: Double) -> Double {
    -(2 * gradient * weight + (hessian + l2) * weight * weight + 2 * l1 * weight.magnitude)
  }
}
