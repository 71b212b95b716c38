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

  /// Counts per bin for every feature, in feature order, each followed by the count of missing
  /// values:
  /// - number with cuts c₁ ≤ … ≤ c_k: k + 1 bins, `x < c₁`, `c₁ ≤ x < c₂`, …, `c_k ≤ x`;
  /// - category: its levels, then other;
  /// - flag: no, yes.
  ///
  /// Throws `shapeMismatch` when there is not one list of cuts per feature (empty for flags and
  /// categories) or a list is not ascending.
  public func histogramCounts(
    cuts: [[Double]], vocabularies: [[String]]? = nil, _ rows: RowSet
  ) throws(CohortError) -> [Int64] {
    guard cuts.count == features.count,
      vocabularies.map({ $0.count == features.count }) ?? true
    else { throw CohortError(.shapeMismatch) }
    var answer: [Int64] = []
    for (feature, column) in columns.enumerated() {
      let list = cuts[feature]
      guard list.allSatisfy(\.isFinite), zip(list, list.dropFirst()).allSatisfy({ $0 <= $1 }),
        features[feature].isNumber || list.isEmpty
      else { throw CohortError(.shapeMismatch, name: features[feature].name) }
      switch column {
      case .number(let values): answer += bins(number: values, cuts: list, rows)
      case .flag(let values): answer += bins(number: values, cuts: [0.5], rows)
      case .category(_, let own):
        let vocabulary = vocabularies?[feature] ?? own
        answer += bins(category: codes(feature, in: vocabulary), vocabulary.count, rows)
      }
    }
    return answer
  }

  /// How many entries `histogramCounts` gives for one feature.
  public static func histogramLength(
    of feature: FeatureSpecification, cutCount: Int, levelCount: Int
  ) -> Int {
    switch feature.kind {
    case .number: cutCount + 2
    case .flag: 3
    case .category: levelCount + 2
    }
  }

  /// Bins of one number: `cuts.count + 1` bins and the missing count. `cuts` are ascending.
  func bins(number values: [Double], cuts: [Double], _ rows: RowSet) -> [Int64] {
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
