import PortableNumerics

extension FeatureSummary {
  /// The typical quartiles of several hospitals: of each quartile, the median over the hospitals
  /// weighted by their patients with a value. One hospital in another unit does not move it. Nil when
  /// no hospital has quartiles.
  static func typicalQuartiles(_ summaries: [FeatureSummary]) -> Quartiles? {
    let known = summaries.compactMap { summary in
      summary.quartiles.map { (quartiles: $0, weight: Double(summary.observedCount)) }
    }
    guard !known.isEmpty else { return nil }
    func typical(_ part: KeyPath<Quartiles, Double>) -> Double {
      let sorted = known.map { (value: $0.quartiles[keyPath: part], weight: $0.weight) }
        .sorted { $0.value < $1.value }
      let half = sorted.reduce(0) { $0 + $1.weight } / 2
      var below = 0.0
      for (index, entry) in sorted.enumerated() {
        below += entry.weight
        if below > half { return entry.value }
        if below == half, index + 1 < sorted.count {
          return (entry.value + sorted[index + 1].value) / 2
        }
      }
      return sorted[sorted.count - 1].value
    }
    return Quartiles(
      lower: typical(\.lower), median: typical(\.median), upper: typical(\.upper))
  }
}

extension RiskTable {
  /// Cuts of the public grid that divide the pooled patients of several hospitals into about `bins`
  /// equal parts; strictly ascending, fewer where risks are concentrated.
  static func commonCuts(_ tables: [RiskTable], bins: Int) -> [Double] {
    let grid = publicGrid
    var pooled = [Double](repeating: 0, count: grid.count + 1)
    for table in tables {
      for (bin, count) in table.patients(between: grid).enumerated() { pooled[bin] += count }
    }
    let target = pooled.reduce(0, +) / Double(max(1, bins))
    guard target > 0 else { return [] }
    var cuts: [Double] = []
    var open = 0.0
    var left = pooled.reduce(0, +)
    for (bin, cut) in grid.enumerated() {
      open += pooled[bin]
      left -= pooled[bin]
      if open >= target, left >= target / 2 {
        cuts.append(cut)
        open = 0
      }
    }
    return cuts
  }
}

/// The natural logarithm of the ratio of two positive numbers; nil when one is not positive.
func logRatio(_ numerator: Double, _ denominator: Double) -> Double? {
  guard numerator > 0, denominator > 0, numerator < .infinity, denominator < .infinity else {
    return nil
  }
  return Portable.log(numerator / denominator)
}
