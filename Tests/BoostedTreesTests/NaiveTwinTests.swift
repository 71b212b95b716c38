import PortableNumerics
import Testing

@testable import BoostedTrees

/// Each fast kernel against the obvious way of doing the same.
@Suite struct NaiveTwinTests {
  @Test func boostedTreesMatchTheNaiveOnes() throws {
    let patients = try SyntheticPatients(seed: 21, count: 250, numericCount: 3, cutCount: 9)
    var plan = TrainingPlan()
    plan.treeCount = 4
    plan.growth.maximumDepth = 3
    plan.patientLimit = 250
    plan.learningRate = 0.3
    let rows = try patients.rows()
    let trained = try PooledTraining.train(plan: plan, features: patients.features, sites: [rows])
    let scale = try plan.scale()
    let base = trained.model.baseMargins[0]
    #expect(abs(Portable.sigmoid(base) - patients.binary.reduce(0, +) / 250) < 1e-12)
    var margins = [Double](repeating: base, count: 250)
    for iteration in 0..<plan.treeCount {
      let seed = SplitMix64.seed(plan.seed, UInt64(iteration), 0)
      let derivatives = margins.indices.map {
        NaiveTrees.derivatives(
          margin: margins[$0], outcome: patients.binary[$0], key: patients.keys[$0], seed: seed,
          scale: scale)
      }
      let leaves = NaiveTrees.grow(
        rows: Array(0..<250), depth: 0, table: rows.table, g: derivatives.map(\.g),
        h: derivatives.map(\.h), scale: scale,
        settings: .init(depth: 3, rate: 0.3, l2: 1, minimumWeight: 1), margins: &margins)
      let tree = trained.model.trees[iteration]
      #expect(tree.nodes.count(where: { $0.test == nil }) == leaves)
    }
    let predicted = try trained.model.margins(of: rows.table)
    for row in 0..<250 {
      #expect(abs(predicted[row][0] - margins[row]) < 1e-9, "row \(row), seed 21")
    }
  }

  @Test func histogramKernelMatchesSingleAdditions() throws {
    var random = SplitMix64(seed: 22)
    for count in [0, 1, 3, 100, 1000] {
      for featureCount in [1, 4, 5, 9] {
        let columns = (0..<featureCount).map { _ in
          (0..<1000).map { _ in UInt8(random.uniformInteger(below: 11)) }
        }
        let places = (0..<1000).map { UInt16($0) }.filter { _ in random.next() % 2 == 0 }
        for isDense in [true, false] {
          let size = isDense ? count : min(count, places.count)
          let words = (0..<size).map { _ in Int64(truncatingIfNeeded: random.next()) }
          var expected = [Int64](repeating: 0, count: featureCount * 11)
          for j in 0..<size {
            let row = isDense ? j : Int(places[j])
            for feature in 0..<featureCount {
              expected[feature * 11 + Int(columns[feature][row])] &+= words[j]
            }
          }
          var found = [Int64](repeating: 0, count: featureCount * 11)
          let flat = columns.flatMap { $0 }
          let features = Array(0..<featureCount)
          let starts = features.map { $0 * 11 }
          features.withUnsafeBufferPointer { features in
            starts.withUnsafeBufferPointer { starts in
              flat.withUnsafeBufferPointer { block in
                places.withUnsafeBufferPointer { places in
                  (words + [0]).withUnsafeBufferPointer { words in
                    found.withUnsafeMutableBufferPointer { found in
                      guard let p = places.baseAddress, let w = words.baseAddress,
                        let b = block.baseAddress, let f = found.baseAddress
                      else { return }
                      let leaves = [
                        HistogramKernel.Leaf(
                          count: size, isDense: isDense, places: p, words: w, histogram: f)
                      ]
                      leaves.withUnsafeBufferPointer { leaves in
                        HistogramKernel.add(
                          leaves: leaves, block: b, blockRows: 1000, features: features,
                          starts: starts)
                      }
                    }
                  }
                }
              }
            }
          }
          #expect(found == expected, "\(count) rows, \(featureCount) features, seed 22")
        }
      }
    }
  }

  @Test func partitionKernelKeepsOrder() {
    var random = SplitMix64(seed: 23)
    let column = (0..<500).map { _ in UInt8(random.uniformInteger(below: 6)) }
    for rule in [SplitTest.Rule.upTo(1), .upTo(3), .upTo(5), .equals(2)] {
      for missing in [false, true] {
        for count in [0, 1, 37, 500] {
          let test = SplitTest(feature: 0, rule: rule, missingGoesLeft: missing)
          var places = (0..<500).map { UInt16($0) }.shuffled(using: &random)
          let before = places.prefix(count)
          var spare = [UInt16](repeating: 0, count: 500)
          var left = -1
          places.withUnsafeMutableBufferPointer { places in
            spare.withUnsafeMutableBufferPointer { spare in
              column.withUnsafeBufferPointer { column in
                guard let p = places.baseAddress, let s = spare.baseAddress,
                  let c = column.baseAddress
                else { return }
                left = PartitionKernel.split(
                  count: count, places: p, spare: s, column: c, test: test)
              }
            }
          }
          let goesLeft = before.filter { test.goesLeft(column[Int($0)]) }
          let goesRight = before.filter { !test.goesLeft(column[Int($0)]) }
          #expect(left == goesLeft.count)
          #expect(Array(places.prefix(count)) == goesLeft + goesRight)
        }
      }
    }
  }

  /// Margins at the sites have the bits of the model's own prediction.
  @Test func marginsOfTheSiteAreThePredictions() throws {
    let patients = try SyntheticPatients(seed: 24, count: 300)
    var plan = TrainingPlan()
    plan.treeCount = 5
    plan.rowRate = 0.5
    plan.earlyStopping = 10
    plan.patientLimit = 300
    let rows = try patients.rows(roles: (0..<300).map { $0 % 3 == 0 ? .evaluation : .training })
    var trainer = try EnsembleTrainer(plan: plan, features: patients.features)
    var shard = try LocalShard(rows: rows, settings: plan.shardSettings())
    while let query = trainer.query { try trainer.absorb(shard.answer(query)) }
    // All five trees were added, whatever early stopping kept.
    try #require(trainer.model.trees.count == 5)
    let predicted = try trainer.model.margins(of: rows.table)
    for row in 0..<300 { #expect(shard.margins(ofRow: row) == predicted[row]) }
  }
}
