import Testing

@testable import Validation

@Suite struct ClassCellsTests {
  private func shown(_ counts: [Int], isEvent: [Bool] = [], minimum: Int = 10) -> [Int?] {
    let observed = counts.enumerated().flatMap { [Int](repeating: $0, count: $1) }
    let cells = ClassCells(
      observed: observed, patients: nil, isEvent: isEvent, classCount: counts.count,
      minimum: minimum)
    return counts.indices.map { cells.shownCount($0) }
  }

  @Test func hiddenClassesCannotBeSubtracted() {
    #expect(shown([30, 20, 10]) == [30, 20, 10])
    #expect(shown([30, 20, 0]) == [30, 20, 0])
    #expect(shown([50, 0]) == [50, 0])
    #expect(shown([30, 20, 3]) == [30, nil, nil], "the next smallest goes with it")
    #expect(
      shown([40, 30, 20, 3, 4]) == [40, 30, nil, nil, nil], "3 and 4 together are a small cell")
    #expect(shown([40, 30, 20, 6, 7]) == [40, 30, 20, nil, nil])
    #expect(shown([50, 3]) == [nil, nil])
    #expect(shown([5, 3, 4], minimum: 1) == [5, 3, 4])
  }

  /// The event's rows are published beside the classes, so each side has to hide within itself.
  @Test func theEventsTotalDoesNotGiveAClassAway() {
    let counts = [40, 30, 3, 20]
    #expect(shown(counts) == [40, 30, nil, nil])
    #expect(shown(counts, isEvent: [false, true, true, false]) == [40, nil, nil, 20])
    #expect(shown(counts, isEvent: [true, false, true, false]) == [nil, 30, nil, 20])
  }

  /// Law: whatever the counts, what can be had from the shown ones and the totals is no small cell.
  @Test func nothingSmallIsLeftByAnySubtraction() {
    var uniform = SeededUniform(seed: 5)
    var hiddenOnes = 0
    for _ in 0..<2000 {
      let classCount = 2 + uniform.integer(below: 5)
      let most = 1 + uniform.integer(below: 40)
      let counts = (0..<classCount).map { _ in uniform.integer(below: most) }
      let isEvent = (0..<classCount).map { _ in uniform.integer(below: 2) == 0 }
      let events = zip(counts, isEvent).reduce(0) { $0 + ($1.1 ? $1.0 : 0) }
      let others = counts.reduce(0, +) - events
      let minimum = 1 + uniform.integer(below: 12)
      let shown = shown(counts, isEvent: isEvent, minimum: minimum)
      hiddenOnes += shown.filter { $0 == nil }.count
      for (count, shown) in zip(counts, shown) where shown != nil {
        #expect(shown == count && (count == 0 || count >= minimum))
      }
      // A side below the minimum has no published total: then only all rows count.
      let hasTotals = [events, others].allSatisfy { $0 == 0 || $0 >= minimum }
      let all = Array(counts.indices)
      var sides = [all]
      if hasTotals {
        sides.append(all.filter { isEvent[$0] })
        sides.append(all.filter { !isEvent[$0] })
      }
      for side in sides {
        let hidden = side.filter { shown[$0] == nil }
        let rest: Int = hidden.map { counts[$0] }.reduce(0, +)
        let total: Int = side.map { counts[$0] }.reduce(0, +)
        guard !hidden.isEmpty, total >= minimum else { continue }
        #expect(
          rest >= minimum && hidden.count > 1, "counts \(counts)")
      }
    }
    #expect(hiddenOnes > 500)
  }

  /// Sixty rows of a class of four patients are a small cell.
  @Test func cellsHoldEnoughPatientsWhateverTheirRows() {
    let observed = (0..<180).map { $0 % 3 }
    let patients = (0..<180).map { (row: Int) -> Int32 in
      let patient = row % 3 == 2 ? row / 3 % 4 : row
      return Int32(patient)
    }
    let cells = ClassCells(
      observed: observed, patients: patients, isEvent: [], classCount: 3, minimum: 10)
    #expect((0..<3).map { cells.shownCount($0) } == [nil, 60, nil])
    let own = ClassCells(
      observed: observed, patients: nil, isEvent: [], classCount: 3, minimum: 10)
    #expect((0..<3).map { own.shownCount($0) } == [60, 60, 60])
  }
}
