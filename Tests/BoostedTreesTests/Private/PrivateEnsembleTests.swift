import PortableNumerics
import Testing

@testable import BoostedTrees

/// Forests of random trees and boosted trees from noisy sums.
@Suite("Trees from noisy sums")
struct PrivateEnsembleTests {
  private struct Cohort {
    let patients: SyntheticPatients
    let table: BinnedTable
    var generator = Xoshiro256StarStar(seed: 77)

    init(seed: UInt64, count: Int) throws {
      patients = try SyntheticPatients(seed: seed, count: count)
      table = try BinnedTable(features: patients.features, columns: patients.columns)
    }

    /// A total with that many patients' standard deviation of noise.
    mutating func total(
      _ cells: PrivateCells, at model: TreeEnsemble, deviation: Double
    ) throws -> [Int64] {
      let exact = try cells.answer(
        table: table, outcomes: patients.binary.map { UInt8($0) },
        patients: (0..<patients.count).map { Int32($0) },
        margins: try model.margins(of: table).map { $0[0] })
      let unit = deviation * Double(PrivateCells.unit)
      return exact.map {
        $0 + Int64(Portable.nearestInteger(unit * generator.normalDouble()))
      }
    }

    func logLoss(_ model: TreeEnsemble) throws -> Double {
      let margins = try model.margins(of: table).map { $0[0] }
      var sum = 0.0
      for (margin, outcome) in zip(margins, patients.binary) {
        sum += Portable.softplus(outcome == 1 ? -margin : margin)
      }
      return sum / Double(patients.count)
    }
  }

  private static func variance(_ deviation: Double) -> Double {
    let unit = deviation * Double(PrivateCells.unit)
    return unit * unit
  }

  private static func grow<Ensemble: PrivateEnsemble>(
    _ ensemble: inout Ensemble, cohort: inout Cohort, deviation: Double,
    watch: (Ensemble) throws -> Void = { _ in }
  ) throws {
    while let cells = ensemble.cells {
      try ensemble.absorb(
        try cohort.total(cells, at: ensemble.model, deviation: deviation))
      try watch(ensemble)
    }
  }

  private static func forest(
    _ cohort: inout Cohort, seed: UInt64 = 0, deviation: Double = 0
  ) throws -> PrivateForest {
    var plan = PrivateForest.Plan()
    plan.treeCount = 60
    plan.seed = seed
    var forest = try PrivateForest(
      plan: plan, features: cohort.patients.features,
      counts: try PrivateShapesTests.counts(cohort.patients),
      leafVariance: variance(deviation), marginVariance: variance(deviation))
    try grow(&forest, cohort: &cohort, deviation: deviation)
    return forest
  }

  @Test("a forest's trees are drawn before any patient is asked")
  func structure() throws {
    var cohort = try Cohort(seed: 21, count: 1500)
    let quiet = try Self.forest(&cohort).model
    let noisy = try Self.forest(&cohort, deviation: 3).model
    #expect(quiet.trees.count == 60)
    #expect(quiet.trees.map { $0.nodes.map(\.test) } == noisy.trees.map { $0.nodes.map(\.test) })
    #expect(quiet != noisy)
    let other = try Self.forest(&cohort, seed: 1).model
    #expect(quiet.trees.map { $0.nodes.map(\.test) } != other.trees.map { $0.nodes.map(\.test) })
    for tree in quiet.trees {
      #expect(tree.nodes.count == 31 && tree.isValid(features: quiet.features, outputCount: 1))
    }
  }

  @Test("a forest without noise is right on average, and neither too flat nor too steep")
  func calibrated() throws {
    var cohort = try Cohort(seed: 22, count: 4000)
    let forest = try Self.forest(&cohort)
    let margins = try forest.model.margins(of: cohort.table).map { $0[0] }
    let base = try #require(forest.model.baseMargins.first)
    var (sum, slope, weight) = (0.0, 0.0, 0.0)
    for (margin, outcome) in zip(margins, cohort.patients.binary) {
      let probability = Portable.sigmoid(margin)
      sum += outcome - probability
      slope += (outcome - probability) * (margin - base)
      weight += probability * (1 - probability) * (margin - base) * (margin - base)
    }
    #expect(abs(sum) / 4000 < 0.01, "\(sum)")
    #expect(abs(slope / weight) < 0.1, "\(slope / weight)")
    let nothing = TreeEnsemble(
      objective: .logistic, features: cohort.patients.features, baseMargins: [base], trees: [])
    #expect(try cohort.logLoss(forest.model) < cohort.logLoss(nothing) - 0.03)
    var finished = forest
    #expect(throws: BoostedTreesError(.finished)) { try finished.absorb([]) }
  }

  private static func boosting(
    _ cohort: inout Cohort, trees: Int, deviation: Double = 0,
    watch: (PrivateBoosting) throws -> Void = { _ in }
  ) throws -> PrivateBoosting {
    var plan = PrivateBoosting.Plan(featureCount: cohort.patients.features.count)
    plan.treeCount = trees
    var boosting = try PrivateBoosting(
      plan: plan, features: cohort.patients.features,
      counts: try PrivateShapesTests.counts(cohort.patients),
      histogramVariance: variance(deviation), leafVariance: variance(deviation))
    try grow(&boosting, cohort: &cohort, deviation: deviation, watch: watch)
    return boosting
  }

  @Test("boosted trees without noise lower the loss tree by tree")
  func lossFalls() throws {
    var cohort = try Cohort(seed: 23, count: 2000)
    var steps = 0
    var last = Double.infinity
    let fixed = cohort
    let boosting = try Self.boosting(&cohort, trees: 12) { boosting in
      steps += 1
      guard steps % 3 == 0 else { return }
      let loss = try fixed.logLoss(boosting.model)
      #expect(loss < last, "after \(steps) steps")
      last = loss
    }
    #expect(steps == 12 * 3 && boosting.model.trees.count == 12)
    #expect(boosting.model.trees.allSatisfy { $0.nodes.count == 7 })
    #expect(last < 0.62)
    // As a coded model it is one that loads.
    for tree in boosting.model.trees {
      #expect(tree.isValid(features: boosting.features, outputCount: 1))
    }
  }

  /// The first split is the best of all, by a search of its own over raw bins.
  @Test("the first split without noise is the best one")
  func bestSplit() throws {
    var cohort = try Cohort(seed: 24, count: 600)
    let boosting = try Self.boosting(&cohort, trees: 1)
    let root = try #require(boosting.model.trees.first?.nodes.first)
    let mean = cohort.patients.binary.reduce(0, +) / 600
    func score(_ rows: [Int]) -> Double {
      let gradient = rows.reduce(0.0) { $0 + cohort.patients.binary[$1] - mean }
      return gradient * gradient / (Double(rows.count) * mean * (1 - mean) + 1)
    }
    func gain(_ test: SplitTest) -> Double {
      var sides: ([Int], [Int]) = ([], [])
      for row in 0..<600 {
        let bin = cohort.table.bin(row: row, feature: test.feature)
        if test.goesLeft(bin) { sides.0.append(row) } else { sides.1.append(row) }
      }
      return score(sides.0) + score(sides.1) - score(Array(0..<600))
    }
    let test = try #require(root.test)
    #expect(abs(gain(test) - root.gain) < 0.02 * root.gain)
    // The tree may use four of the six features; those of its other nodes are among them.
    for tree in boosting.model.trees {
      for feature in Set(tree.nodes.compactMap(\.test?.feature)) {
        for bin in 1..<(cohort.patients.features[feature].binCount - 1) {
          let rule: SplitTest.Rule =
            feature == 5 ? .equals(UInt8(bin)) : .upTo(UInt8(bin))
          let other = SplitTest(feature: feature, rule: rule, missingGoesLeft: false)
          #expect(gain(other) <= root.gain * 1.02)
        }
      }
    }
  }

  @Test("noise far above the data leaves weights near nothing")
  func shrinks() throws {
    var cohort = try Cohort(seed: 25, count: 500)
    let boosting = try Self.boosting(&cohort, trees: 3, deviation: 1e5)
    let weights = boosting.model.trees.flatMap { $0.nodes.map(\.value.magnitude) }
    #expect(weights.allSatisfy { $0 < 1e-2 }, "\(weights)")
    let forest = try Self.forest(&cohort, deviation: 1e5)
    let leaves = forest.model.trees.flatMap { $0.nodes.map(\.value.magnitude) }
    #expect(leaves.allSatisfy { $0 < 1e-2 })
  }

  @Test("settings and totals outside their range are refused")
  func refusals() throws {
    let cohort = try Cohort(seed: 26, count: 100)
    let counts = try PrivateShapesTests.counts(cohort.patients)
    let features = cohort.patients.features
    var boosting = PrivateBoosting.Plan(featureCount: 6)
    #expect(boosting.featuresPerTree == 4)
    #expect(PrivateBoosting.Plan(featureCount: 2).featuresPerTree == 2)
    #expect(PrivateBoosting.Plan(featureCount: 100).featuresPerTree == 10)
    boosting.featuresPerTree = 7
    #expect(throws: BoostedTreesError(.invalidSettings)) {
      _ = try PrivateBoosting(
        plan: boosting, features: features, counts: counts, histogramVariance: 1,
        leafVariance: 1)
    }
    var plan = PrivateForest.Plan()
    plan.depth = 9
    #expect(throws: BoostedTreesError(.invalidSettings)) {
      _ = try PrivateForest(
        plan: plan, features: features, counts: counts, leafVariance: 1, marginVariance: 1)
    }
    var forest = try PrivateForest(
      plan: .init(), features: features, counts: counts, leafVariance: 1, marginVariance: 1)
    #expect(throws: BoostedTreesError(.totalLength)) { try forest.absorb([0]) }
    let cells = try #require(forest.cells)
    var total = [Int64](repeating: 0, count: cells.cellCount(features))
    total[7] = .max
    #expect(throws: BoostedTreesError(.totalOutOfRange, index: 7)) { try forest.absorb(total) }
    #expect(throws: BoostedTreesError(.noPatients)) {
      _ = try PrivateForest(
        plan: .init(), features: features,
        counts: .init(bins: counts.bins, patientCount: 0, eventCount: 0), leafVariance: 1,
        marginVariance: 1)
    }
  }
}
