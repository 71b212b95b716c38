extension CohortTable {
  /// How many values lie strictly below each probe, per number feature, in feature order; the
  /// lengths are those of `probes`, which has one list per feature. Lists of other kinds must be
  /// empty. Probes need no order. Missing values lie below nothing.
  ///
  /// With 64 probes per round three rounds find any quantile at four digits.
  /// Throws `shapeMismatch` for a wrong count of lists or a probe that is not finite.
  public func countsBelow(
    probes: [[Double]], _ rows: RowSet
  ) throws(CohortError) -> [Int64] {
    guard probes.count == features.count else { throw CohortError(.shapeMismatch) }
    var answer: [Int64] = []
    for (feature, list) in probes.enumerated() where !list.isEmpty {
      guard features[feature].isNumber, list.allSatisfy(\.isFinite) else {
        throw CohortError(.shapeMismatch, name: features[feature].name)
      }
      let order = list.indices.sorted { list[$0] < list[$1] }
      let bins = bins(number: numbers(feature), cuts: order.map { list[$0] }, rows)
      var below: Int64 = 0
      var counts = [Int64](repeating: 0, count: list.count)
      for (position, probe) in order.enumerated() {
        below += bins[position]
        counts[probe] = below
      }
      answer += counts
    }
    return answer
  }

  /// Bins of one number: `cuts.count + 1` bins and the missing count. `cuts` are ascending.
  private func bins(number values: [Double], cuts: [Double], _ rows: RowSet) -> [Int64] {
    var counts = [Int64](repeating: 0, count: cuts.count + 2)
    cuts.withUnsafeBufferPointer { cuts in
      for (row, value) in values.enumerated() where contains(row, in: rows) {
        if value.isNaN {
          counts[cuts.count + 1] += 1
          continue
        }
        var low = 0
        var high = cuts.count
        while low < high {
          let middle = (low + high) / 2
          if cuts[middle] <= value { low = middle + 1 } else { high = middle }
        }
        counts[low] += 1
      }
    }
    return counts
  }
}
