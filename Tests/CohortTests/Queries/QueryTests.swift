import Testing

@testable import Cohort

@Suite struct QueryTests {
  private func table(_ rows: [[String]]) throws -> CohortTable {
    try build(wardSpecification(patientColumn: nil, order: nil), rows)
  }

  private func sum(_ answers: [[Int64]]) -> [Int64] {
    guard let first = answers.first else { return [] }
    return answers.dropFirst().reduce(first) { zip($0, $1).map { $0 + $1 } }
  }

  @Test func countsOfAKnownTable() throws {
    let table = try table([
      ["", "", "1.5", "70", "medicine", "1", "1"], ["", "", "", "40", "attic", "", "0"],
      ["", "", "0.5", "", "", "0", "1"],
    ])
    #expect(table.counts(.all) == [3, 2, 3, 2, 2, 2, 1, 2, 1, 2, 2])
    #expect(try table.levelCounts(.all) == [1, 0, 1, 1])
    #expect(
      try table.levelCounts(vocabularies: [[], [], ["surgery"], []], .all) == [0, 2, 1])
    #expect(try table.countsBelow(probes: [[1.5, 0.1, 2], [70], [], []], .all) == [1, 0, 2, 1])
    #expect(
      try table.histogramCounts(cuts: [[1, 1.5], [50], [], []], .all)
        == [1, 0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1])
  }

  /// Every query of the whole is the sum over the parts, for every row set.
  @Test(arguments: [UInt64(1), 2, 3]) func queriesAddOverPartitions(seed: UInt64) throws {
    let rows = randomRows(240, seed: seed)
    let parts = try [0..<80, 80..<81, 81..<240].map { try table(Array(rows[$0])) }
    let whole = try table(rows)
    let scales = [30.0, 120, 1, 1].map { SumScale(bound: $0) }
    let squares = [900.0, 14_400, 1, 1].map { SumScale(bound: $0) }
    let probes = [[0.5, 1, 2, 3.3, 4], [40.0, 80], [], []]
    let cuts = [[0.5, 1, 2], [40.0, 50, 60], [], []]
    for set in RowSet.allCases {
      #expect(whole.counts(set) == sum(parts.map { $0.counts(set) }), "seed \(seed)")
      #expect(try whole.levelCounts(set) == sum(parts.map { try $0.levelCounts(set) }))
      #expect(
        try whole.countsBelow(probes: probes, set)
          == sum(parts.map { try $0.countsBelow(probes: probes, set) }))
      #expect(
        try whole.histogramCounts(cuts: cuts, set)
          == sum(parts.map { try $0.histogramCounts(cuts: cuts, set) }))
      #expect(try whole.valueSums(scales, set) == sum(parts.map { try $0.valueSums(scales, set) }))
      #expect(
        try whole.squaredDeviationSums(means: [1, 50, 0, 0.5], squares, set)
          == sum(parts.map { try $0.squaredDeviationSums(means: [1, 50, 0, 0.5], squares, set) }))
    }
    #expect(
      sum([whole.counts(.training), whole.counts(.holdout)]) == whole.counts(.all), "seed \(seed)")
  }

  @Test func countsBelowAgreesWithTheNaiveCount() throws {
    let table = try table(randomRows(300, seed: 9))
    let probes = (0..<50).map { Double($0) * 0.1 }.shuffled()
    let fast = try table.countsBelow(probes: [probes, [], [], []], .training)
    let values = table.rowIndices(.training).map { table.numbers(0)[$0] }
    #expect(fast == probes.map { probe in Int64(values.count { $0 < probe }) }, "seed 9")
  }

  @Test func momentsAgreeWithTheirDefinition() throws {
    let table = try table(randomRows(300, seed: 10))
    let values = table.numbers(1).filter { !$0.isNaN }
    let mean = values.reduce(0, +) / Double(values.count)
    let scale = SumScale(bound: 120)
    let scales = [scale, scale, scale, scale]
    let sums = try table.valueSums(scales, .all)
    #expect(abs(scale.real(sums[1]) / Double(values.count) - mean) < 1e-6)
    let square = SumScale(bound: 120 * 120)
    let squares = try table.squaredDeviationSums(
      means: [0, mean, 0, 0], [square, square, square, square], .all)
    let exact = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    #expect(abs(square.real(squares[1]) - exact) < Double(values.count) / 0x1p15)
  }

  @Test(arguments: [1e-20, 0x1p-34, 1e-3, 0.5, 1, 3, 120, 66, 1e6, 0x1p94, 1e300, .infinity, .nan])
  func scalesKeepTheirBound(bound: Double) {
    let scale = SumScale(bound: bound)
    for value in [bound, -bound, 2 * bound, .infinity, -.infinity, .nan, bound / 3, 1e-300] {
      let integer = scale.integer(value)
      #expect(abs(integer) <= 1 << 30, "bound \(bound)")
      if value.isFinite, abs(value) <= scale.bound {
        #expect(abs(scale.real(integer) - value) <= scale.bound * 0x1p-29, "bound \(bound)")
      }
    }
  }

  @Test func wrongShapesAreRefused() throws {
    let table = try table(randomRows(5, seed: 1))
    #expect(throws: CohortError(.shapeMismatch)) { try table.countsBelow(probes: [[1]], .all) }
    #expect(throws: CohortError(.shapeMismatch)) {
      try table.countsBelow(probes: [[], [], [1], []], .all)
    }
    #expect(throws: CohortError(.shapeMismatch)) {
      try table.countsBelow(probes: [[.nan], [], [], []], .all)
    }
    #expect(throws: CohortError(.shapeMismatch)) {
      try table.histogramCounts(cuts: [[2, 1], [], [], []], .all)
    }
    #expect(throws: CohortError(.shapeMismatch)) { try table.valueSums([], .all) }
    #expect(throws: CohortError(.shapeMismatch)) { try table.selecting([7]) }
  }
}
