import PortableNumerics
import Testing

@testable import BoostedTrees

/// What one patient can change in a noisy step of trees, which the privacy of every one rests on.
@Suite("One patient's contribution to a noisy step of trees")
struct PrivateCellsTests {
  /// A seeded table with up to five rows a patient, and margins far from 0 as well.
  private struct Rows {
    var features: [FeatureBins]
    var columns: [[Double]]
    var outcomes: [UInt8]
    var patients: [Int32]
    var margins: [Double]

    init(seed: UInt64, count: Int) throws {
      let synthetic = try SyntheticPatients(seed: seed, count: count)
      var generator = Xoshiro256StarStar(seed: seed ^ 0xCE11)
      features = synthetic.features
      columns = synthetic.columns
      outcomes = synthetic.binary.map { UInt8($0) }
      patients = []
      while patients.count < count {
        patients += [Int32](
          repeating: (patients.last ?? -1) + 1, count: 1 + generator.uniformInteger(below: 5))
      }
      patients.removeLast(patients.count - count)
      margins = (0..<count).map { _ in 6 * generator.normalDouble() }
    }

    func answer(_ cells: PrivateCells, rows: [Int]) throws -> [Int64] {
      try cells.answer(
        table: BinnedTable(features: features, columns: columns.map { c in rows.map { c[$0] } }),
        outcomes: rows.map { outcomes[$0] }, patients: rows.map { patients[$0] },
        margins: rows.map { margins[$0] })
    }
  }

  /// x0 below its ninth cut; right of it, the second level of the last feature.
  private static let tree = DecisionTree(
    output: 0,
    nodes: [
      .init(
        test: .init(feature: 0, rule: .upTo(9), missingGoesLeft: true), left: 1, right: 2,
        value: 0, cover: 0, gain: 0),
      .init(test: nil, left: 0, right: 0, value: 0, cover: 0, gain: 0),
      .init(
        test: .init(feature: 5, rule: .equals(2), missingGoesLeft: false), left: 3, right: 4,
        value: 0, cover: 0, gain: 0),
      .init(test: nil, left: 0, right: 0, value: 0, cover: 0, gain: 0),
      .init(test: nil, left: 0, right: 0, value: 0, cover: 0, gain: 0),
    ])

  private static let kinds: [PrivateCells] = [
    .gradients(features: [0, 2, 5]), .gradients(features: [1]), .leaves([tree]),
    .leaves([tree, tree, tree]), .margins(cuts: [-1, 0, 2.5]),
    .histograms(tree, features: [3, 0]), .leafGradients(tree),
  ]

  @Test("removing a patient moves an answer by at most the sensitivity", arguments: 1...8)
  func sensitivity(seed: Int) throws {
    let rows = try Rows(seed: UInt64(seed), count: 80)
    for (number, cells) in Self.kinds.enumerated() {
      let all = try rows.answer(cells, rows: Array(0..<80))
      #expect(all.count == cells.cellCount(rows.features))
      var largest: Int64 = 0
      for patient in Set(rows.patients) {
        let without = try rows.answer(
          cells, rows: (0..<80).filter { rows.patients[$0] != patient })
        let square = zip(all, without).reduce(Int64(0)) {
          $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
        }
        #expect(
          square <= Int64(cells.squaredSensitivity), "seed \(seed), kind \(number), \(patient)")
        largest = max(largest, square)
      }
      // Patients far on the wrong side come close to it; in counts everybody is there.
      #expect(Double(largest) > 0.9 * Double(cells.squaredSensitivity) * (number > 4 ? 0.8 : 1))
    }
  }

  @Test("the sum of the sites is the answer of all rows together")
  func sitesAddUp() throws {
    let rows = try Rows(seed: 9, count: 300)
    for cells in Self.kinds {
      var sum = [Int64](repeating: 0, count: cells.cellCount(rows.features))
      for site in 0..<4 {
        let own = (0..<300).filter { rows.patients[$0] % 4 == site }
        for (index, value) in try rows.answer(cells, rows: own).enumerated() {
          sum[index] += value
        }
      }
      #expect(try sum == rows.answer(cells, rows: Array(0..<300)))
      #expect(try rows.answer(cells, rows: []).allSatisfy { $0 == 0 })
    }
  }

  @Test("a patient with one row is counted whole, one with many is scaled down")
  func clipping() throws {
    let bins = [try FeatureBins(name: "x", kind: .numeric(cuts: [1, 2]))]
    func answer(_ values: [Double], margin: Double) throws -> [Int64] {
      try PrivateCells.gradients(features: [0]).answer(
        table: try BinnedTable(features: bins, columns: [values]),
        outcomes: values.map { _ in 1 }, patients: values.map { _ in 7 },
        margins: values.map { _ in margin })
    }
    let unit = PrivateCells.unit
    #expect(try answer([0], margin: 0) == [0, unit / 2, 0, 0])
    #expect(try answer([.nan], margin: -40) == [unit, 0, 0, 0])
    // Two rows in one cell: 2 · 0.9 is clipped to 1; in two cells to 1/√2 each.
    #expect(try answer([0, 0], margin: -2.197) == [0, unit, 0, 0])
    let spread = try answer([0, 5], margin: -40)
    #expect(abs(Double(spread[1]) - Double(unit) / 2.0.squareRoot()) <= 1)
    #expect(spread[1] == spread[3])
    // Three halves in one cell are beyond 1 as well, two are not.
    #expect(try answer([0, 0, 0], margin: 0)[1] == unit)
    #expect(try answer([0, 5], margin: 0) == [0, unit / 2, 0, unit / 2])
  }

  @Test("what the bins do not have is refused")
  func refusals() throws {
    let rows = try Rows(seed: 10, count: 20)
    for cells in [
      PrivateCells.gradients(features: []), .gradients(features: [9]),
      .gradients(features: [1, 1]), .leaves([]),
      .leaves([DecisionTree(output: 0, nodes: [])]), .histograms(Self.tree, features: [-1]),
      .margins(cuts: [1, 1]), .margins(cuts: [.nan]),
    ] {
      #expect(throws: BoostedTreesError(.invalidQuery)) {
        try rows.answer(cells, rows: Array(0..<20))
      }
    }
    let table = try BinnedTable(features: rows.features, columns: rows.columns)
    #expect(throws: BoostedTreesError(.shapeMismatch)) {
      _ = try PrivateCells.gradients(features: [0]).answer(
        table: table, outcomes: rows.outcomes, patients: [], margins: rows.margins)
    }
    #expect(throws: BoostedTreesError(.invalidOutcome, index: 0)) {
      _ = try PrivateCells.gradients(features: [0]).answer(
        table: table, outcomes: rows.outcomes.map { _ in 2 }, patients: rows.patients,
        margins: rows.margins)
    }
  }
}
