import PortableNumerics
import Testing

@testable import BoostedTrees

/// What a site answers against one addition a patient and feature, on the tables that kernels get
/// wrong: none and one row, block boundaries, missing and constant columns, one class.
@Suite struct HistogramTwinTests {
  struct Table: Sendable, CustomTestStringConvertible {
    var name: String
    var count: Int
    /// The value of a row's feature.
    var value: @Sendable (_ row: Int, _ feature: Int, inout SplitMix64) -> Double
    var outcome: @Sendable (_ row: Int) -> Double = { Double($0 * 7 % 3 == 0 ? 1 : 0) }
    var testDescription: String { name }

    static let random: @Sendable (Int, Int, inout SplitMix64) -> Double = { _, feature, random in
      let draw = random.uniformDouble()
      return random.next() % 8 == 0 ? .nan : feature == 4 ? Double(Int(draw * 3)) : draw
    }
  }

  static let block = BinnedTable.rowsPerBlock
  static let tables = [
    Table(name: "no row", count: 0, value: Table.random),
    Table(name: "one row", count: 1, value: Table.random),
    Table(name: "a few rows", count: 77, value: Table.random),
    Table(name: "a block", count: block, value: Table.random),
    Table(name: "a block and a row", count: block + 1, value: Table.random),
    Table(name: "all missing", count: 500, value: { _, _, _ in .nan }),
    Table(
      name: "infinite", count: 500, value: { row, _, _ in row % 2 == 0 ? .infinity : -.infinity }),
    Table(name: "constant columns", count: 500, value: { _, _, _ in 1 }),
    Table(name: "one class", count: 500, value: Table.random, outcome: { _ in 1 }),
    Table(name: "no event", count: 500, value: Table.random, outcome: { _ in 0 }),
  ]

  /// Five features, one of them categorical and one without cuts: four at a time and one left over.
  private func rows(_ table: Table) throws -> TrainingRows {
    var random = SplitMix64(seed: 91)
    var features = try (0..<3).map {
      try FeatureBins(name: "x\($0)", cutsAt: (1..<12).map { Double($0) / 12 })
    }
    features.append(try FeatureBins(name: "never cut", cutsAt: []))
    features.append(try FeatureBins(name: "level", kind: .categorical(levelCount: 3)))
    var columns: [[Double]] = []
    for feature in features.indices {
      columns.append((0..<table.count).map { table.value($0, feature, &random) })
    }
    return try TrainingRows(
      table: BinnedTable(features: features, columns: columns),
      outcomes: (0..<table.count).map(table.outcome),
      keys: (0..<table.count).map { _ in random.next() },
      roles: (0..<table.count).map {
        $0 % 10 == 9 ? .evaluation : $0 % 50 == 8 ? .unused : .training
      })
  }

  /// One word a training patient, by the stated rule.
  private func words(
    _ rows: TrainingRows, margin: (Int) -> Double, seed: UInt64, scale: DerivativeScale
  ) -> [Int64] {
    rows.outcomes.indices.map { row in
      guard rows.roles[row] == .training else { return 0 }
      let (g, h) = NaiveTrees.derivatives(
        margin: margin(row), outcome: rows.outcomes[row], key: rows.keys[row], seed: seed,
        scale: scale)
      return g << 32 &+ h
    }
  }

  private func histograms(
    _ rows: TrainingRows, _ words: [Int64], of features: [Int], where isIn: (Int) -> Bool
  ) -> [Int64] {
    features.flatMap { feature in
      var histogram = [Int64](repeating: 0, count: rows.table.features[feature].binCount)
      for row in words.indices where isIn(row) {
        histogram[Int(rows.table.bin(row: row, feature: feature))] &+= words[row]
      }
      return histogram
    }
  }

  @Test(arguments: tables) func treesMatchSingleAdditions(table: Table) throws {
    let rows = try rows(table)
    var plan = TrainingPlan()
    plan.patientLimit = 1 << 17
    let settings = try plan.shardSettings()
    var shard = try LocalShard(rows: rows, settings: settings)
    _ = try shard.answer(GrowthQuery(sequence: 0, kind: .baseline))
    let all = Array(rows.table.features.indices)
    let batch = TreeBatch(
      usesBaseMargins: false, baseMargins: [-0.7], trees: [.init(output: 0, seed: 12)])
    let root = try shard.answer(
      GrowthQuery(
        sequence: 1,
        kind: .growth(
          GrowthStep(
            begins: batch, trees: [TreeRequest(histograms: [.init(leaf: 0, features: all)])]))))
    let words = words(rows, margin: { _ in -0.7 }, seed: 12, scale: settings.scale)
    #expect(root == histograms(rows, words, of: all) { _ in true })
    for (sequence, test) in [
      SplitTest(feature: 1, rule: .upTo(5), missingGoesLeft: true),
      SplitTest(feature: 4, rule: .equals(2), missingGoesLeft: false),
    ].enumerated() {
      // The second split is of the first one's left child.
      let step = GrowthStep(
        trees: [
          TreeRequest(
            splits: [LeafSplit(leaf: 0, right: sequence + 1, test: test)],
            histograms: [
              .init(leaf: 0, features: [0, 1, 2, 4]), .init(leaf: sequence + 1, features: [3]),
            ])
        ])
      let answer = try shard.answer(GrowthQuery(sequence: sequence + 2, kind: .growth(step)))
      func isLeft(_ row: Int, after count: Int) -> Bool {
        let first = rows.table.bin(row: row, feature: 1)
        let second = rows.table.bin(row: row, feature: 4)
        return (count < 1 || first <= 5) && (count < 2 || second == 2)
      }
      #expect(
        answer
          == histograms(rows, words, of: [0, 1, 2, 4]) { isLeft($0, after: sequence + 1) }
          + histograms(rows, words, of: [3]) {
            isLeft($0, after: sequence) && !isLeft($0, after: sequence + 1)
          }, "split \(sequence)")
    }
  }

  @Test(arguments: tables) func shapesMatchSingleAdditions(table: Table) throws {
    let rows = try rows(table)
    var plan = AdditivePlan()
    plan.patientLimit = 1 << 17
    plan.seed = 6
    let scale = try plan.scale()
    var shard = try AdditiveShard(rows: rows, plan: plan)
    _ = try shard.answer(
      AdditiveQuery(sequence: 0, kind: .baseline, updates: [], measuresLoss: false))
    let change = (0..<rows.table.features[0].binCount).map { Double($0) / 4 - 1 }
    let all = Array(rows.table.features.indices)
    let margin = { row in -0.4 + change[Int(rows.table.bin(row: row, feature: 0))] }
    let answer = try shard.answer(
      AdditiveQuery(
        sequence: 1, kind: .features(all), updates: [.base(-0.4), .feature(0, values: change)],
        measuresLoss: false))
    let first = words(rows, margin: margin, seed: SplitMix64.seed(6, 1), scale: scale)
    #expect(answer == histograms(rows, first, of: all) { _ in true })
    // A pair, by groups of bins.
    let groups = [2, 4].map { AdditiveModel.groups(of: rows.table.features[$0], count: 4) }
    let request = AdditiveQuery.PairRequest(
      first: 2, second: 4, firstGroups: groups[0], secondGroups: groups[1])
    let joint = try shard.answer(
      AdditiveQuery(sequence: 2, kind: .pairs([request]), updates: [], measuresLoss: false))
    let second = words(rows, margin: margin, seed: SplitMix64.seed(6, 2), scale: scale)
    var expected = [[Int64]](
      repeating: .init(repeating: 0, count: request.secondCount), count: request.firstCount)
    for row in second.indices {
      let a = groups[0][Int(rows.table.bin(row: row, feature: 2))]
      let b = groups[1][Int(rows.table.bin(row: row, feature: 4))]
      expected[a][b] &+= second[row]
    }
    #expect(joint == expected.flatMap { $0 })
  }
}
