/// Counts that were released with Gaussian noise, made into counts that patients could have.
public enum NoisyCounts {
  /// The closest vector of numbers ≥ 0 with the same total, or with total 0 when the noisy total is
  /// negative.
  ///
  /// Euclidean projection onto the scaled simplex (Duchi et al., ICML 2008, algorithm 1). As a function
  /// of the release alone it costs no privacy, and it removes most of the noise of empty cells.
  public static func projected(_ noisy: [Double]) -> [Double] {
    let total = max(0, noisy.reduce(0, +))
    guard total > 0 else { return noisy.map { _ in 0 } }
    let descending = noisy.sorted(by: >)
    var sum = 0.0
    var shift = 0.0
    for (rank, value) in descending.enumerated() {
      sum += value
      let candidate = (sum - total) / Double(rank + 1)
      if value - candidate > 0 { shift = candidate }
    }
    return noisy.map { max(0, $0 - shift) }
  }

  /// Whole numbers with the rounded total: floors, and the largest remainders rounded up.
  public static func whole(_ counts: [Double]) -> [Int] {
    let floors = counts.map { $0.rounded(.down) }
    let missing = Int((counts.reduce(0, +) - floors.reduce(0, +)).rounded())
    let order = counts.indices.sorted {
      (counts[$0] - floors[$0], $1) > (counts[$1] - floors[$1], $0)
    }
    var whole = floors.map { Int($0) }
    for index in order.prefix(max(0, missing)) { whole[index] += 1 }
    return whole
  }

  /// The value below which a share of the patients lies, by interpolation within public bins.
  ///
  /// - Parameters:
  ///   - share: in (0, 1).
  ///   - edges: ascending, one more than `counts`.
  /// - Returns: the middle of the range without patients.
  public static func quantile(_ share: Double, counts: [Double], edges: [Double]) -> Double {
    let total = counts.reduce(0, +)
    guard edges.count == counts.count + 1, let first = edges.first, let last = edges.last else {
      return 0
    }
    guard total > 0 else { return (first + last) / 2 }
    var below = 0.0
    for (bin, count) in counts.enumerated() where count > 0 {
      if below + count >= share * total {
        let part = (share * total - below) / count
        return edges[bin] + (edges[bin + 1] - edges[bin]) * min(max(part, 0), 1)
      }
      below += count
    }
    return last
  }
}
