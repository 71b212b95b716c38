// Every query returns plain integers, and the answer over several tables is the sum of the answers
// over each: that is what makes them fit for a secure sum. No count can exceed the number of rows,
// and a table has at most 2^31 − 1 rows, so no sum here can overflow.

extension CohortTable {
  /// Counts of the set's rows, length 3 + 2 × features:
  /// `[rows, events, patients, present₀, present and event₀, present₁, …]`.
  ///
  /// A feature is present in a row when its value is not missing. Patients are counted once each
  /// at this site.
  public func counts(_ rows: RowSet) -> [Int64] {
    let indices = rowIndices(rows)
    var answer: [Int64] = [
      Int64(indices.count), Int64(indices.count { outcome[$0] == 1 }),
      Int64(Set(indices.map { patients[$0] }).count),
    ]
    for column in columns {
      var present: Int64 = 0
      var presentAndEvent: Int64 = 0
      for row in indices where !column.isMissing(row) {
        present += 1
        presentAndEvent += Int64(outcome[row])
      }
      answer.append(present)
      answer.append(presentAndEvent)
    }
    return answer
  }

  /// Counts per level for every category, in feature order: the vocabulary's levels, then "other",
  /// then missing. `vocabularies` has one entry per feature; entries of other kinds are ignored,
  /// and nil takes the table's own vocabulary.
  ///
  /// Throws `shapeMismatch` when there is not one vocabulary per feature.
  public func levelCounts(
    vocabularies: [[String]]? = nil, _ rows: RowSet
  ) throws(CohortError) -> [Int64] {
    guard vocabularies.map({ $0.count == features.count }) ?? true else {
      throw CohortError(.shapeMismatch)
    }
    var answer: [Int64] = []
    for (feature, column) in columns.enumerated() {
      guard case .category(_, let own) = column else { continue }
      let vocabulary = vocabularies?[feature] ?? own
      answer += bins(category: codes(feature, in: vocabulary), vocabulary.count, rows)
    }
    return answer
  }

  /// Counts of one category: levels, other, missing.
  private func bins(category codes: [Int32], _ levelCount: Int, _ rows: RowSet) -> [Int64] {
    var counts = [Int64](repeating: 0, count: levelCount + 2)
    for (row, code) in codes.enumerated() where contains(row, in: rows) {
      switch code {
      case Column.missingCode: counts[levelCount + 1] += 1
      case Column.otherCode: counts[levelCount] += 1
      default: counts[Int(code)] += 1
      }
    }
    return counts
  }
}
