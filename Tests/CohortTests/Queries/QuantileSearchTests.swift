import Testing

@testable import Cohort

@Suite struct QuantileSearchTests {
  private typealias Grid = QuantileSearch.Grid

  @Test(arguments: [1, 2, 7, 64]) func findsTheExactQuantiles(probes: Int) throws {
    let table = try build(
      wardSpecification(patientColumn: nil, order: nil), randomRows(400, seed: 21))
    let quantiles = [0.0, 0.05, 0.25, 0.5, 0.75, 0.99, 1]
    let counts = table.counts(.training)
    let grids: [Grid?] = [
      Grid(range: 0...66, step: 0.01), Grid(range: 18...120, step: 1), nil, nil,
    ]
    var search = try QuantileSearch(
      grids: grids, presentCounts: [counts[3], counts[5], 0, 0], quantiles: quantiles,
      probesPerTarget: probes)
    var rounds = 0
    while !search.isFinished {
      try search.update(try table.countsBelow(probes: search.probes, .training))
      rounds += 1
    }
    // The interval shrinks by a factor of probes + 1 a round, rounded up.
    #expect(rounds <= (probes == 64 ? 3 : 13))
    for feature in 0..<2 {
      let rowSet = table.rowIndices(.training)
      let sorted = rowSet.map { table.numbers(feature)[$0] }.filter { !$0.isNaN }.sorted()
      let exact = quantiles.map { quantile in
        sorted[max(Int((quantile * Double(sorted.count)).rounded(.up)), 1) - 1]
      }
      #expect(search.quantiles[feature] == exact, "seed 21, \(probes) probes")
    }
    #expect(search.quantiles[2].isEmpty)
  }

  @Test func valuesBetweenGridPointsGoToTheNearest() throws {
    let grid = Grid(range: 0...10, step: 0.1)
    #expect(grid.value(12) == 1.2 && grid.value(3) == 0.3)
    var search = try QuantileSearch(grids: [grid], presentCounts: [1], quantiles: [0.5])
    let value = 100 * 0.011312
    while !search.isFinished {
      try search.update(search.probes[0].map { value < $0 ? 1 : 0 })
    }
    #expect(search.quantiles == [[1.1]])
  }

  @Test func contradictingTotalsEnd() throws {
    var generator = TestGenerator(state: 4)
    var search = try QuantileSearch(
      grids: [Grid(range: -5...5, step: 0.001)], presentCounts: [100], quantiles: [0.1, 0.5])
    var rounds = 0
    while !search.isFinished, rounds < 100 {
      try search.update(
        search.probes[0].map { _ in Int64.random(in: -50...150, using: &generator) })
      rounds += 1
    }
    #expect(search.isFinished && rounds < 20, "seed 4")
    #expect(search.quantiles[0].allSatisfy { $0 >= -5 && $0 <= 5.001 })
  }

  @Test func extremeGridsAreBounded() {
    for range in [
      -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude, 0...0, 1e300...1e301,
      -1e-300...1e-300, 1e15...1e15 + 4,
    ] {
      for step in [1e-300, 1, 0, .nan, -1, .infinity, 1e300] {
        let grid = Grid(range: range, step: step)
        #expect(grid.last >= 0 && grid.last <= 1 << 41)
        #expect(grid.value(0).isFinite && grid.value(grid.last).isFinite)
      }
    }
  }
}
