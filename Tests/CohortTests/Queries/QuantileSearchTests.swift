import Testing

@testable import Cohort

@Suite struct QuantileSearchTests {
  private typealias Grid = QuantileSearch.Grid

  /// Runs a search over plain values; returns the quantiles and the number of rounds.
  private func run(
    _ columns: [[Double]], grids: [Grid], probabilities: [Double], probes: Int = 64
  ) throws -> (quantiles: [[Double]?], rounds: Int) {
    var search = QuantileSearch(
      grids: grids, probabilities: probabilities, probesPerFeature: probes)
    var rounds = 0
    while !search.isFinished, rounds < 200 {
      let below = zip(search.probes, columns).map { list, values in
        list.map { probe in Int64(values.count { $0 < probe }) }
      }
      try search.narrow(
        below: below, present: columns.map { Int64($0.count { !$0.isNaN }) })
      rounds += 1
    }
    #expect(search.isFinished)
    return (search.quantiles, rounds)
  }

  /// The smallest value v with count(x ≤ v) ≥ ⌈q·n⌉, by sorting; q in thousandths.
  private func sorted(_ values: [Double], _ thousandths: [Int]) -> [Double] {
    let order = values.filter { !$0.isNaN }.sorted()
    return thousandths.map { q in
      order[min(max((q * order.count + 999) / 1000, 1), order.count) - 1]
    }
  }

  @Test(arguments: [1, 2, 7, 64], [UInt64(1), 2, 3])
  func equalsSorting(probes: Int, seed: UInt64) throws {
    var generator = TestGenerator(state: seed)
    let thousandths = [1, 100, 250, 300, 500, 700, 900, 999]
    // Decimals on a 0.1 and a 0.01 grid, whole numbers with many ties, negatives, a single value.
    let columns: [[Double]] = [
      (0..<301).map { _ in Double(Int.random(in: 0...300, using: &generator)) / 10 },
      (0..<200).map { _ in Double(Int.random(in: 0...6600, using: &generator)) / 100 },
      (0..<150).map { _ in Double(Int.random(in: 0...3, using: &generator)) },
      (0..<90).map { _ in Double(Int.random(in: -26...62, using: &generator)) / 10 },
      [0.3],
      (0..<40).map { $0 % 3 == 0 ? .nan : Double(Int.random(in: 18...110, using: &generator)) },
    ]
    let grids = [
      Grid(range: 0...30, resolution: 0.1), Grid(range: 0...66, resolution: 0.01),
      Grid(range: 0...3, resolution: 1), Grid(range: -10...10, resolution: 0.1),
      Grid(range: 0...30, resolution: 0.1), Grid(range: 18...110, resolution: 1),
    ]
    let (quantiles, rounds) = try run(
      columns, grids: grids, probabilities: thousandths.map { Double($0) / 1000 }, probes: probes)
    for (feature, values) in columns.enumerated() {
      // The very doubles that the decimals are read as, not a neighbour.
      #expect(
        quantiles[feature] == sorted(values, thousandths),
        "seed \(seed), feature \(feature), \(probes) probes")
    }
    #expect(rounds <= 13, "seed \(seed)")
  }

  @Test func everyDecimalOfAGridIsFoundAsItself() throws {
    for tenths in 0...300 {
      let value = Double(tenths) / 10
      let found = try run(
        [[value]], grids: [Grid(range: 0...30, resolution: 0.1)], probabilities: [0.5])
      #expect(found.quantiles == [[value]])
    }
  }

  @Test func aFeatureThatNobodyHasHasNoQuantile() throws {
    let found = try run(
      [[.nan, .nan], [], [1, 2, 3]],
      grids: [Grid](repeating: Grid(range: 0...9, resolution: 1), count: 3),
      probabilities: [0.5])
    #expect(found.quantiles == [nil, nil, [2]])
  }

  @Test func valuesBetweenGridPointsGoToTheNearest() throws {
    let found = try run(
      [[100 * 0.011312]], grids: [Grid(range: 0...10, resolution: 0.1)], probabilities: [0.5])
    #expect(found.quantiles == [[1.1]])
  }

  @Test func valuesOutsideTheRangeCountAsItsEnds() throws {
    let found = try run(
      [[-1e9, -1e9, 5, 1e9]], grids: [Grid(range: 0...10, resolution: 1)],
      probabilities: [0.1, 0.5, 0.6, 0.9])
    #expect(found.quantiles == [[0, 0, 5, 10]])
  }

  @Test func withoutAResolutionTheAnswerIsWithinHalfAStep() throws {
    let values = [0.1234567, 17.7, 99.00001]
    let grid = Grid(range: 0...100, resolution: nil)
    let found = try run([values], grids: [grid], probabilities: [0.1, 0.5, 0.9])
    for (value, quantile) in zip(values, try #require(found.quantiles[0])) {
      #expect(abs(value - quantile) <= grid.step / 2)
    }
  }

  /// Every round reveals at most the budget, and a search for nine deciles at four digits is short.
  @Test func theBudgetHolds() throws {
    var generator = TestGenerator(state: 3)
    let values = (0..<1000).map { _ in Double(Int.random(in: 0...6600, using: &generator)) / 100 }
    var search = QuantileSearch(
      grids: [Grid(range: 0...66, resolution: 0.01)],
      probabilities: (1...9).map { Double($0) / 10 })
    var rounds = 0
    while !search.isFinished {
      let probes = search.probes[0]
      #expect(probes.count <= 64 && zip(probes, probes.dropFirst()).allSatisfy { $0 < $1 })
      try search.narrow(
        below: [probes.map { probe in Int64(values.count { $0 < probe }) }], present: [1000])
      rounds += 1
    }
    #expect(rounds <= 6)
  }

  @Test func contradictingTotalsEnd() throws {
    for seed in 1...20 {
      var generator = TestGenerator(state: UInt64(seed))
      var search = QuantileSearch(
        grids: [Grid(range: -5...5, resolution: 0.001)], probabilities: [0.1, 0.5])
      var rounds = 0
      while !search.isFinished, rounds < 100 {
        try search.narrow(
          below: [search.probes[0].map { _ in Int64.random(in: -50...150, using: &generator) }],
          present: [Int64.random(in: -1...100, using: &generator)])
        rounds += 1
      }
      #expect(search.isFinished && rounds < 20, "seed \(seed)")
      if let quantiles = search.quantiles[0] {
        #expect(quantiles.allSatisfy { $0 >= -5 && $0 <= 5 }, "seed \(seed)")
      }
    }
  }

  @Test func wrongShapesAreRefused() {
    var search = QuantileSearch(grids: [Grid(range: 0...9, resolution: 1)], probabilities: [0.5])
    #expect(throws: CohortError(.shapeMismatch)) { try search.narrow(below: [[1]], present: [1]) }
    #expect(throws: CohortError(.shapeMismatch)) { try search.narrow(below: [], present: []) }
  }

  @Test func extremeGridsAreBounded() {
    for range in [
      -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude, 0...0, 1e300...1e301,
      -1e-300...1e-300, 1e15...1e15 + 4, -Double.infinity...Double.infinity,
    ] {
      for resolution in [1e-300, 1, 0, .nan, -1, .infinity, 1e300] {
        let grid = Grid(range: range, resolution: resolution)
        #expect((1...Grid.maximumStepCount).contains(grid.stepCount))
        #expect(grid.value(0).isFinite && grid.value(grid.stepCount).isFinite)
        #expect(grid.probe(0).isFinite && grid.probe(grid.stepCount - 1).isFinite)
      }
    }
  }
}
