import PortableNumerics
import Testing

@testable import BoostedTrees

/// The explainable boosting machine from noisy sums: what it learns, and what it makes of noise.
@Suite("Shapes from noisy sums")
struct PrivateShapesTests {
  static func counts(_ patients: SyntheticPatients) throws -> PrivateCounts {
    let table = try BinnedTable(features: patients.features, columns: patients.columns)
    return PrivateCounts(
      bins: patients.features.enumerated().map { feature, bins in
        var counts = [Double](repeating: 0, count: bins.binCount)
        for row in 0..<patients.count {
          counts[Int(table.bin(row: row, feature: feature))] += 1
        }
        return counts
      }, patientCount: Double(patients.count), eventCount: patients.binary.reduce(0, +))
  }

  /// Trains with noise of that many patients' standard deviation in every cell.
  static func train(
    _ patients: SyntheticPatients, passes: Int, deviation: Double = 0, seed: UInt64 = 1
  ) throws -> PrivateShapes {
    var plan = PrivateShapes.Plan(featureCount: patients.features.count)
    plan.passCount = passes
    let unit = Double(PrivateCells.unit)
    var shapes = try PrivateShapes(
      plan: plan, features: patients.features, counts: try counts(patients),
      variance: deviation * deviation * unit * unit)
    let table = try BinnedTable(features: patients.features, columns: patients.columns)
    var generator = Xoshiro256StarStar(seed: seed)
    while let cells = shapes.cells {
      let margins = try shapes.model.margins(of: table)
      let total = try cells.answer(
        table: table, outcomes: patients.binary.map { UInt8($0) },
        patients: (0..<patients.count).map { Int32($0) }, margins: margins)
      try shapes.absorb(
        total.map {
          $0 + Int64(Portable.nearestInteger(deviation * unit * generator.normalDouble()))
        })
    }
    return shapes
  }

  /// Σ over bins of the patients' summed residuals, at most.
  private static func largestResidual(
    _ patients: SyntheticPatients, _ model: AdditiveModel, fewest: Double
  ) throws -> Double {
    let table = try BinnedTable(features: patients.features, columns: patients.columns)
    let margins = try model.margins(of: table)
    var largest = 0.0
    for (feature, bins) in patients.features.enumerated() {
      var sums = [Double](repeating: 0, count: bins.binCount)
      var counts = sums
      for row in 0..<patients.count {
        let bin = Int(table.bin(row: row, feature: feature))
        sums[bin] += patients.binary[row] - Portable.sigmoid(margins[row])
        counts[bin] += 1
      }
      for (sum, count) in zip(sums, counts) where count >= fewest {
        largest = max(largest, sum.magnitude / count)
      }
    }
    return largest
  }

  @Test("without noise the shapes leave no residual in any bin")
  func converges() throws {
    let patients = try SyntheticPatients(seed: 5, count: 4000)
    let few = try Self.train(patients, passes: 1)
    let many = try Self.train(patients, passes: 40)
    #expect(try Self.largestResidual(patients, few.model, fewest: 50) > 0.05)
    #expect(try Self.largestResidual(patients, many.model, fewest: 50) < 0.01)
    #expect(many.stepCount == 80 && many.cells == nil)
    // x0 raises the margin, x1 lowers it; level 1 has log odds 1 more than level 0.
    #expect(many.model.shapes[0][19] - many.model.shapes[0][2] > 0.8)
    #expect(many.model.shapes[1][15] - many.model.shapes[1][2] < -0.2)
    #expect(many.model.shapes[5][2] - many.model.shapes[5][1] > 0.5)
    var finished = many
    #expect(throws: BoostedTreesError(.finished)) { try finished.absorb([]) }
  }

  @Test("noise far above the data leaves flat shapes, little noise leaves the shapes")
  func shrinks() throws {
    let patients = try SyntheticPatients(seed: 6, count: 3000)
    func reach(_ deviation: Double) throws -> Double {
      let model = try Self.train(patients, passes: 5, deviation: deviation).model
      return model.shapes.flatMap { $0 }.map(\.magnitude).max() ?? 0
    }
    #expect(try reach(1e5) < 0.05)
    #expect(try reach(5) > 0.5)
    let exact = try Self.train(patients, passes: 5).model
    let noisy = try Self.train(patients, passes: 5, deviation: 5).model
    let distances = (0..<6).map { feature in
      zip(exact.shapes[feature], noisy.shapes[feature]).map { abs($0 - $1) }.max() ?? 0
    }
    #expect(distances.allSatisfy { $0 < 0.5 }, "\(distances)")
  }

  @Test("columns that are copies of one another do not swing")
  func copies() throws {
    var patients = try SyntheticPatients(seed: 7, count: 2000)
    for feature in 1..<5 {
      patients.columns[feature] = patients.columns[0]
      patients.features[feature] = try FeatureBins(
        name: "copy \(feature)", kind: patients.features[0].kind)
    }
    let model = try Self.train(patients, passes: 30).model
    #expect(try Self.largestResidual(patients, model, fewest: 50) < 0.02)
  }

  @Test("a total that no patients and no noise explain is refused")
  func implausibleTotals() throws {
    let patients = try SyntheticPatients(seed: 8, count: 100)
    var shapes = try PrivateShapes(
      plan: .init(featureCount: 6), features: patients.features,
      counts: try Self.counts(patients), variance: 1e10)
    let cells = try #require(shapes.cells)
    var total = [Int64](repeating: 0, count: cells.cellCount(patients.features))
    #expect(throws: BoostedTreesError(.totalLength)) { try shapes.absorb([1]) }
    total[3] = .min
    #expect(throws: BoostedTreesError(.totalOutOfRange, index: 3)) { try shapes.absorb(total) }
    #expect(shapes.stepCount == 0)
    #expect(throws: BoostedTreesError(.shapeMismatch)) {
      _ = try PrivateShapes(
        plan: .init(featureCount: 6), features: patients.features,
        counts: .init(bins: [], patientCount: 10, eventCount: 5), variance: 1)
    }
  }

  /// Against the dense system solved by Gaussian elimination.
  @Test("the walk's posterior mean solves its equations", arguments: [1, 2, 3, 17])
  func randomWalk(count: Int) {
    var generator = Xoshiro256StarStar(seed: UInt64(count))
    let precision = (0..<count).map { _ in 50 * generator.uniformDouble() }
    let evidence = (0..<count).map { _ in 20 * generator.normalDouble() }
    let walk = RandomWalk(stepVariance: 0.1, levelVariance: 2)
    let found = walk.posteriorMean(precision: precision, evidence: evidence)
    for index in 0..<count {
      var left = (precision[index] + 0.5) * found[index]
      for other in [index - 1, index + 1] where found.indices.contains(other) {
        left += 10 * (found[index] - found[other])
      }
      #expect(abs(left - evidence[index]) < 1e-9)
    }
    #expect(walk.posteriorMean(precision: [], evidence: []).isEmpty)
  }
}
