/// Counts after the small-cell rule: every cell is empty or holds at least the minimum.
///
/// Ordered bins are emptied into the nearest filled bin (the fuller of two equally near, then the
/// left one), smallest first; unordered ones into the last cell, "other", and when that stays too
/// small, the next smallest level follows. Too few missing values count with the fullest bin, too few
/// present values as missing. All patients stay counted, so no total gives a small cell away.
struct SmallCells {
  private(set) var counts: [Int]
  private(set) var missingCount: Int
  private(set) var mergedCellCount = 0
  private(set) var isSuppressed = false

  /// Applies the rule; `counts` must not be empty.
  init(counts: [Int], missingCount: Int, isOrdered: Bool, minimum: Int) {
    self.counts = counts
    self.missingCount = missingCount
    let observed = counts.reduce(0, +)
    let total = observed + missingCount
    guard total >= minimum else {
      isSuppressed = total > 0
      self.counts = counts.map { _ in 0 }
      self.missingCount = 0
      return
    }
    if observed < minimum {
      if observed > 0 {
        mergedCellCount += 1
        self.missingCount = total
        self.counts = counts.map { _ in 0 }
      }
      return
    }
    if isOrdered { mergeOrdered(minimum: minimum) } else { mergeUnordered(minimum: minimum) }
    if missingCount > 0, missingCount < minimum {
      let fullest = self.counts.indices.max { self.counts[$0] < self.counts[$1] } ?? 0
      self.counts[fullest] += missingCount
      self.missingCount = 0
      mergedCellCount += 1
    }
  }

  private func smallest(below minimum: Int, in indices: Range<Int>) -> Int? {
    indices.filter { counts[$0] > 0 && counts[$0] < minimum }.min { counts[$0] < counts[$1] }
  }

  private mutating func move(_ source: Int, to target: Int) {
    counts[target] += counts[source]
    counts[source] = 0
    mergedCellCount += 1
  }

  private mutating func mergeOrdered(minimum: Int) {
    while let small = smallest(below: minimum, in: counts.indices) {
      let left = counts[..<small].lastIndex { $0 > 0 }
      let right = counts[(small + 1)...].firstIndex { $0 > 0 }
      switch (left, right) {
      case (let left?, let right?):
        let toLeft = small - left
        let toRight = right - small
        let prefersRight = toRight < toLeft || (toRight == toLeft && counts[right] > counts[left])
        move(small, to: prefersRight ? right : left)
      case (let only?, nil), (nil, let only?): move(small, to: only)
      case (nil, nil): return
      }
    }
  }

  private mutating func mergeUnordered(minimum: Int) {
    let other = counts.count - 1
    while let small = smallest(below: minimum, in: 0..<other) { move(small, to: other) }
    while counts[other] > 0, counts[other] < minimum {
      let filled = (0..<other).filter { counts[$0] > 0 }
      guard let next = filled.min(by: { counts[$0] < counts[$1] }) else { return }
      move(next, to: other)
    }
  }
}
