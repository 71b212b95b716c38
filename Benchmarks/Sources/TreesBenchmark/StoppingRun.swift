import BoostedTrees
import Foundation
import PortableNumerics

/// Models of one table with the settings that studies use by default, but for when training stops.
struct StoppingRun {
  let table: TableFile
  let seed: UInt64

  /// What is compared, written `LEARNER:COUNT:RATE:SHARE`: `trees` or `ebm`, trees or passes at most,
  /// learning rate, and share of the training rows that decides when to stop after 15 without a new
  /// minimum of their loss, 0 for all `COUNT`.
  struct Settings {
    let isAdditive: Bool
    let count: Int
    let rate: Double
    let share: Double

    init?(_ text: String) {
      let parts = text.split(separator: ":").map(String.init)
      guard parts.count == 4, ["trees", "ebm"].contains(parts[0]), let count = Int(parts[1]),
        let rate = Double(parts[2]), let share = Double(parts[3])
      else { return nil }
      isAdditive = parts[0] == "ebm"
      self.count = count
      self.rate = rate
      self.share = share
    }
  }

  /// Writes the test rows' predictions, one setting after the other, and prints how many trees or passes
  /// each model kept.
  func run(_ settings: [Settings], predictions path: String) throws {
    let width = table.features + 1
    let values = try table.mapped().withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    let training = Array(values.prefix(table.rows * width))
    var binned: [Int: BinnedTable] = [:]
    var random = SplitMix64(seed: SplitMix64.seed(seed, 1))
    let keys = (0..<table.rows).map { _ in random.next() }
    let outcomes = (0..<table.rows).map { Double(training[$0 * width + width - 1]) }
    var result: [Float] = []
    var kept: [Int] = []
    for settings in settings {
      let binCount = settings.isAdditive ? 32 : 64
      let bins = try binned[binCount] ?? bin(training, width: width, count: binCount)
      binned[binCount] = bins
      let salt = SplitMix64.seed(seed, 3)
      let rows = try TrainingRows(
        table: bins, outcomes: outcomes, keys: keys,
        roles: keys.map {
          Double(SplitMix64.mix($0 ^ salt) >> 11) < settings.share * 0x1p53
            ? .evaluation : .training
        })
      let model = try fit(settings, rows)
      kept.append(model.count)
      for index in 0..<(values.count / width - table.rows) {
        let start = (table.rows + index) * width
        let row = (0..<table.features).map { Double(values[start + $0]) }
        result.append(Float(try model.predict(row)))
      }
    }
    try result.withUnsafeBytes { try Data($0).write(to: URL(fileURLWithPath: path)) }
    print(kept.map(String.init).joined(separator: " "))
  }

  private func fit(
    _ settings: Settings, _ rows: TrainingRows
  ) throws -> (count: Int, predict: ([Double]) throws -> Double) {
    if settings.isAdditive {
      var plan = AdditivePlan()
      plan.passCount = settings.count
      plan.learningRate = settings.rate
      plan.maximumLeafCount = 3
      plan.featuresPerRound = rows.table.features.count
      plan.l2Penalty = 1
      plan.minimumPartWeight = 5
      if settings.share > 0 { plan.earlyStopping = 15 }
      plan.patientLimit = 1 << 20
      plan.seed = seed
      let trainer = try PooledTraining.train(
        plan: plan, features: rows.table.features, sites: [rows])
      let model = trainer.model
      return (trainer.keptPassCount, { try model.prediction(of: $0) })
    }
    var plan = TrainingPlan()
    plan.treeCount = settings.count
    plan.learningRate = settings.rate
    plan.growth.maximumDepth = 4
    plan.growth.minimumChildWeight = 5
    plan.growth.l2Penalty = 1
    plan.growth.featureRatePerTree = 0.8
    plan.rowRate = 0.8
    if settings.share > 0 { plan.earlyStopping = 15 }
    plan.patientLimit = 1 << 20
    plan.seed = seed
    let trainer = try PooledTraining.train(
      plan: plan, features: rows.table.features, sites: [rows])
    let model = trainer.model
    return (model.trees.count, { try model.predictions(of: $0)[0] })
  }

  private func bin(_ training: [Float], width: Int, count: Int) throws -> BinnedTable {
    let features = try (0..<table.features).map { feature in
      try LocalRun.bins(
        of: training, column: feature, width: width, rowCount: table.rows, count: count)
    }
    return BinnedTable(features: features, rowCount: table.rows) { feature, rows, target in
      for row in rows {
        target[row - rows.lowerBound] =
          features[feature].bin(of: Double(training[row * width + feature]))
      }
    }
  }
}
