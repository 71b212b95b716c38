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
  }

  /// Every query of the whole is the sum over the parts, for every row set.
  @Test(arguments: [UInt64(1), 2, 3]) func queriesAddOverPartitions(seed: UInt64) throws {
    let rows = randomRows(240, seed: seed)
    let parts = try [0..<80, 80..<81, 81..<240].map { try table(Array(rows[$0])) }
    let whole = try table(rows)
    let probes = [[0.5, 1, 2, 3.3, 4], [40.0, 80], [], []]
    for set in RowSet.allCases {
      #expect(whole.counts(set) == sum(parts.map { $0.counts(set) }), "seed \(seed)")
      #expect(try whole.levelCounts(set) == sum(parts.map { try $0.levelCounts(set) }))
      #expect(
        try whole.countsBelow(probes: probes, set)
          == sum(parts.map { try $0.countsBelow(probes: probes, set) }))
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

  @Test func wrongShapesAreRefused() throws {
    let table = try table(randomRows(5, seed: 1))
    #expect(throws: CohortError(.shapeMismatch)) { try table.countsBelow(probes: [[1]], .all) }
    #expect(throws: CohortError(.shapeMismatch)) {
      try table.countsBelow(probes: [[], [], [1], []], .all)
    }
    #expect(throws: CohortError(.shapeMismatch)) {
      try table.countsBelow(probes: [[.nan], [], [], []], .all)
    }
    #expect(throws: CohortError(.shapeMismatch)) { try table.levelCounts(vocabularies: [], .all) }
    #expect(throws: CohortError(.shapeMismatch)) { try table.selecting([7]) }
  }
}
