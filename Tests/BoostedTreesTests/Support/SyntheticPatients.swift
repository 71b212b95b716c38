import PortableNumerics

@testable import BoostedTrees

/// Seeded patients with numeric features, one categorical feature (the last), missing values and
/// outcomes that depend on both.
struct SyntheticPatients {
  var features: [FeatureBins]
  /// By feature, then row.
  var columns: [[Double]]
  var margins: [Double]
  var binary: [Double]
  var keys: [UInt64]

  init(
    seed: UInt64, count: Int, numericCount: Int = 5, cutCount: Int = 20, levelCount: Int = 4,
    missingRate: Double = 0.1
  ) throws {
    var random = SplitMix64(seed: seed)
    features = []
    columns = []
    margins = [Double](repeating: -0.5, count: count)
    for index in 0..<numericCount {
      let cuts = (1...cutCount).map { Double($0) / Double(cutCount + 1) }
      features.append(try FeatureBins(name: "x\(index)", cutsAt: cuts))
      var column: [Double] = []
      for row in 0..<count {
        let value = random.uniformDouble()
        let isMissing = random.uniformDouble() < missingRate
        column.append(isMissing ? .nan : value)
        margins[row] +=
          isMissing ? 0.4 : (index % 2 == 0 ? 1.5 : -1) * (value - 0.5) + (value > 0.8 ? 0.7 : 0)
      }
      columns.append(column)
    }
    features.append(
      try FeatureBins(name: "level", kind: .categorical(levelCount: levelCount)))
    var levels: [Double] = []
    for row in 0..<count {
      let level = random.uniformInteger(below: levelCount)
      margins[row] += level == 1 ? 1 : 0
      levels.append(Double(level))
    }
    columns.append(levels)
    binary = []
    keys = []
    for margin in margins {
      binary.append(random.uniformDouble() < Portable.sigmoid(margin) ? 1 : 0)
      keys.append(random.next())
    }
  }

  var count: Int { keys.count }

  func rows(
    _ selected: [Int]? = nil, outcomes: [Double]? = nil, roles: [RowRole]? = nil
  ) throws -> TrainingRows {
    let selected = selected ?? Array(0..<count)
    let outcomes = outcomes ?? binary
    let table = try BinnedTable(
      features: features, columns: columns.map { column in selected.map { column[$0] } })
    return try TrainingRows(
      table: table, outcomes: selected.map { outcomes[$0] }, keys: selected.map { keys[$0] },
      roles: roles.map { roles in selected.map { roles[$0] } })
  }

  /// Row numbers by site, at random; some sites may be empty.
  func partition(into siteCount: Int, seed: UInt64) -> [[Int]] {
    var random = SplitMix64(seed: seed)
    var sites = [[Int]](repeating: [], count: siteCount)
    for row in 0..<count { sites[random.uniformInteger(below: siteCount)].append(row) }
    return sites
  }
}
