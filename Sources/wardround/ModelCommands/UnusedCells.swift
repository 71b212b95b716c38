import Cohort
import Reports
import SiteData

/// The cells of a file for prediction that a model cannot use as they stand: how many and in which rows,
/// never what is in them.
struct UnusedCells {
  /// The most rows named per column.
  private static let shownRows = 20

  private struct Tally {
    var count = 0
    var first: [Int] = []

    mutating func add(_ rows: [Int]) {
      count += rows.count
      first += rows.prefix(shownRows - first.count)
    }
  }

  private let features: [FeatureSpecification]
  private let knownLevels: [[String]?]
  private let unknownCountsAsMissing: [Bool]
  private var unreadable: [Tally]
  private var outOfRange: [Tally]
  private var unknown: [Tally]

  init(_ file: AnyModelFile) {
    features = file.features
    knownLevels = file.knownLevels
    unknownCountsAsMissing = file.unknownCountsAsMissing
    unreadable = features.map { _ in Tally() }
    outOfRange = unreadable
    unknown = unreadable
  }

  mutating func add(_ block: PredictionReader.Block) {
    for (index, cells) in block.unusedCells.enumerated() where features.indices.contains(index) {
      unreadable[index].add(cells.unreadable)
      outOfRange[index].add(cells.outOfRange)
      guard knownLevels.indices.contains(index), let levels = knownLevels[index] else { continue }
      let codes = block.table.codes(index, in: levels)
      unknown[index].add(
        zip(codes, block.table.sourceRows).filter { $0.0 == CohortTable.Column.otherCode }.map(\.1))
    }
  }

  /// One line per column and kind.
  var lines: [String] {
    features.indices.flatMap { index -> [String] in
      let isFlag = features[index].kind == .flag
      return [
        line(
          index, unreadable[index], isFlag ? "neither yes nor no" : "not a number",
          "as missing"),
        line(index, outOfRange[index], "outside the study's range", "as missing"),
        line(
          index, unknown[index], "in no category that the model knows",
          unknownCountsAsMissing[index] ? "as missing" : "as another category"),
      ].compactMap { $0 }
    }
  }

  private func line(_ index: Int, _ tally: Tally, _ what: String, _ how: String) -> String? {
    guard tally.count > 0 else { return nil }
    let isOne = tally.count == 1
    let rest = tally.count - tally.first.count
    return "column `\(features[index].column)`: \(tally.count) \(isOne ? "cell is" : "cells are")"
      + " \(what) and \(isOne ? "counts" : "count") \(how): \(isOne ? "row" : "rows")"
      + " \(tally.first.map(String.init).joined(separator: ", "))"
      + (rest > 0 ? " and \(rest) more" : "")
  }
}
