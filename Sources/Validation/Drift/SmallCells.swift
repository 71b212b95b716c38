/// Counts after the small-cell rule: every cell is empty or holds at least the minimum.
///
/// Ordered bins are emptied into the nearest filled bin (the fuller of two equally near, then the
/// left one), smallest first; unordered ones into the last cell, "other", and when that stays too
/// small, the next smallest level follows. Too few missing values count with the fullest bin, too few
/// present values as missing. All patients stay counted, so no total gives a small cell away.
///
/// Where patients have several rows, a cell's size is its patients, not its rows.
struct SmallCells {
  private(set) var counts: [Int]
  /// The patients of each cell; nil when every row is a patient.
  private var people: [Set<Int32>]?
  private(set) var missingCount: Int
  private(set) var mergedCellCount = 0
  private(set) var isSuppressed = false

  /// Applies the rule.
  ///
  /// - Parameters:
  ///   - counts: rows of each cell, at least one cell.
  ///   - people: the patients of each cell, and of the missing values last; nil when every row is one.
  init(
    counts: [Int], missingCount: Int, people: [Set<Int32>]? = nil, isOrdered: Bool, minimum: Int
  ) {
    self.counts = counts
    self.missingCount = missingCount
    self.people = people.map { Array($0.dropLast()) }
    let total = counts.reduce(0, +) + missingCount
    let lacking = people?.last
    let size = (
      observed: self.people.map { Self.size(of: $0) } ?? total - missingCount,
      missing: lacking?.count ?? missingCount,
      all: people.map { Self.size(of: $0) } ?? total
    )
    guard size.all >= minimum else {
      isSuppressed = total > 0
      self.counts = counts.map { _ in 0 }
      self.missingCount = 0
      return
    }
    if size.observed < minimum {
      if size.observed > 0 {
        mergedCellCount += 1
        self.missingCount = total
        self.counts = counts.map { _ in 0 }
      }
      return
    }
    if isOrdered { mergeOrdered(minimum: minimum) } else { mergeUnordered(minimum: minimum) }
    if size.missing > 0, size.missing < minimum {
      let fullest = self.counts.indices.max { self.counts[$0] < self.counts[$1] } ?? 0
      self.counts[fullest] += missingCount
      self.missingCount = 0
      mergedCellCount += 1
    }
  }

  private static func size(of people: [Set<Int32>]) -> Int {
    people.reduce(into: Set<Int32>()) { $0.formUnion($1) }.count
  }

  /// How many patients a cell holds.
  private func size(_ cell: Int) -> Int { people?[cell].count ?? counts[cell] }

  private func smallest(below minimum: Int, in indices: Range<Int>) -> Int? {
    indices.filter { size($0) > 0 && size($0) < minimum }.min { size($0) < size($1) }
  }

  private mutating func move(_ source: Int, to target: Int) {
    counts[target] += counts[source]
    counts[source] = 0
    if let moved = people?[source] {
      people?[target].formUnion(moved)
      people?[source] = []
    }
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
    while size(other) > 0, size(other) < minimum {
      let filled = (0..<other).filter { counts[$0] > 0 }
      guard let next = filled.min(by: { size($0) < size($1) }) else { return }
      move(next, to: other)
    }
  }
}
