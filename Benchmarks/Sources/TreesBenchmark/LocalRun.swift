import BenchmarkSupport
import BoostedTrees
import Dispatch
import Foundation
import PortableNumerics

/// One run of our own trees, in a process of its own.
struct LocalRun {
  let table: TableFile
  let figures: Figures
  let model: TreeEnsemble

  init(
    table: TableFile, threads: Int, trees: Int, depth: Int, rowRate: Double, seed: UInt64 = 0
  ) throws {
    self.table = table
    let width = table.features + 1
    let file = try table.mapped()
    let rowCount = table.rows
    // The raw rows are in memory before the clock starts, as they are for the others.
    let raw = file.withUnsafeBytes { Array($0.bindMemory(to: Float.self).prefix(rowCount * width)) }
    let before = ResidentMemory.current()
    ResidentMemory.resetPeak()
    var rows: TrainingRows?
    let binning = try CPUClock.measure {
      let features = try (0..<table.features).map { feature in
        try Self.bins(of: raw, column: feature, width: width, rowCount: rowCount)
      }
      let binned = BinnedTable(features: features, rowCount: rowCount) { feature, rows, target in
        let bins = features[feature]
        for row in rows {
          target[row - rows.lowerBound] = bins.bin(of: Double(raw[row * width + feature]))
        }
      }
      var random = SplitMix64(seed: 1)
      rows = try TrainingRows(
        table: binned, outcomes: (0..<rowCount).map { Double(raw[$0 * width + width - 1]) },
        keys: (0..<rowCount).map { _ in random.next() })
    }
    guard let rows else { throw Problem("no rows") }
    var plan = TrainingPlan()
    plan.treeCount = trees
    plan.growth.maximumDepth = depth
    plan.rowRate = rowRate
    plan.seed = seed
    plan.patientLimit = rowCount
    let crew = WorkCrew(size: threads) { size, part in
      if size == 1 {
        part(0)
      } else {
        DispatchQueue.concurrentPerform(iterations: size) { part($0) }
      }
    }
    let start = DispatchTime.now().uptimeNanoseconds
    var trained: EnsembleTrainer<Objective>?
    let cpu = try CPUClock.measure {
      trained = try PooledTraining.train(
        plan: plan, features: rows.table.features, sites: [rows], crew: crew)
    }
    guard let trained else { throw Problem("no model") }
    figures = Figures(
      cpu: cpu, wall: Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9,
      binning: binning, memory: Double(ResidentMemory.peak() - before))
    model = trained.model
  }

  /// Cuts at the quantiles of at most 200,000 rows, into at most `count` bins, 2 … 255.
  static func bins(
    of raw: [Float], column: Int, width: Int, rowCount: Int, count: Int = 255
  ) throws -> FeatureBins {
    let step = max(1, rowCount / 200_000)
    var sample: [Float] = []
    for row in stride(from: 0, to: rowCount, by: step) {
      let value = raw[row * width + column]
      if value.isFinite { sample.append(value) }
    }
    sample.sort()
    // Few distinct values have a bin each.
    var distinct: [Float] = []
    for value in sample where distinct.last != value {
      distinct.append(value)
      if distinct.count > count { break }
    }
    if distinct.count <= count {
      return try FeatureBins(
        name: "x\(column)", cutsAt: distinct.dropFirst().map { Double($0) })
    }
    let cuts = sample.isEmpty ? [] : (1..<count).map { Double(sample[$0 * sample.count / count]) }
    return try FeatureBins(name: "x\(column)", cutsAt: cuts)
  }

  /// Writes the test rows' predictions, and prints the figures as one line of JSON.
  func print(predictions path: String) throws {
    if path != "-" {
      let width = table.features + 1
      let values = try table.mapped().withUnsafeBytes { raw -> [Float] in
        let all = raw.bindMemory(to: Float.self)
        return try (0..<(all.count / width - table.rows)).map { index in
          let start = (table.rows + index) * width
          let row = (0..<table.features).map { Double(all[start + $0]) }
          return Float(try model.predictions(of: row)[0])
        }
      }
      try values.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: path)) }
    }
    Swift.print(String(decoding: try JSONEncoder().encode(figures), as: UTF8.self))
  }
}
