/// One site's rows as bins, `[rows × features]`, one byte each.
///
/// Stored in blocks of `rowsPerBlock` rows, and column by column inside a block, so that everything
/// a level of a tree does with a block stays in the second-level cache, and a row's place in its
/// block fits 16 bits.
public struct BinnedTable: Sendable {
  /// Rows of every block but the last.
  public static let rowsPerBlock = 32_768

  /// The bins of every feature, in column order.
  public let features: [FeatureBins]
  public let rowCount: Int
  /// Block b starts at b · rowsPerBlock · features; column f of a block of n rows at f · n from there.
  let storage: [UInt8]

  /// Bins every value. `columns` are values by feature and row; NaN is missing.
  ///
  /// Throws `shapeMismatch` when a column's length differs from the first's.
  public init(
    features: [FeatureBins], columns: [[Double]]
  ) throws(BoostedTreesError) {
    let count = columns.first?.count ?? 0
    guard features.count == columns.count else { throw BoostedTreesError(.shapeMismatch) }
    for (index, column) in columns.enumerated() where column.count != count {
      throw BoostedTreesError(.shapeMismatch, index: index)
    }
    self.init(features: features, rowCount: count) { feature, rows, target in
      let bins = features[feature]
      columns[feature].withUnsafeBufferPointer { values in
        if case .numeric(let cuts) = bins.kind {
          cuts.withUnsafeBufferPointer { cuts in
            for row in rows {
              let single = Float(values[row])
              target[row - rows.lowerBound] =
                single.isFinite ? FeatureBins.numericBin(of: single, cuts: cuts) : 0
            }
          }
        } else {
          for row in rows { target[row - rows.lowerBound] = bins.bin(of: values[row]) }
        }
      }
    }
  }

  /// Bins the values that `fill` writes: for one feature and a range of rows, one bin a row. A bin
  /// beyond the feature's last counts as missing.
  public init(
    features: [FeatureBins], rowCount: Int,
    fill: (_ feature: Int, _ rows: Range<Int>, _ bins: UnsafeMutableBufferPointer<UInt8>) -> Void
  ) {
    self.features = features
    self.rowCount = max(rowCount, 0)
    let rowCount = self.rowCount
    storage = [UInt8](unsafeUninitializedCapacity: rowCount * features.count) { target, filled in
      target.initialize(repeating: 0)
      filled = target.count
      var first = 0
      while first < rowCount {
        let count = min(Self.rowsPerBlock, rowCount - first)
        for feature in features.indices {
          let start = first * features.count + feature * count
          let column = UnsafeMutableBufferPointer(rebasing: target[start..<(start + count)])
          fill(feature, first..<(first + count), column)
          let limit = features[feature].binCount
          for row in 0..<count where Int(column[row]) >= limit { column[row] = 0 }
        }
        first += count
      }
    }
  }

  /// Blocks, the last of which may be short.
  public var blockCount: Int { (rowCount + Self.rowsPerBlock - 1) / Self.rowsPerBlock }

  /// The rows of a block.
  func rows(ofBlock block: Int) -> Range<Int> {
    let first = block * Self.rowsPerBlock
    return first..<min(first + Self.rowsPerBlock, rowCount)
  }

  /// The bin of one cell; `row` and `feature` must exist.
  public func bin(row: Int, feature: Int) -> UInt8 {
    let rows = rows(ofBlock: row / Self.rowsPerBlock)
    return storage[
      rows.lowerBound * features.count + feature * rows.count + row - rows.lowerBound]
  }

  /// The same features with some of the rows, in the given order; every row must exist.
  public func selecting(_ selected: [Int]) -> BinnedTable {
    BinnedTable(features: features, rowCount: selected.count) { feature, rows, target in
      for row in rows { target[row - rows.lowerBound] = bin(row: selected[row], feature: feature) }
    }
  }
}

/// Where each feature's bins lie in a histogram of some of the features.
struct HistogramLayout: Sendable, Hashable {
  /// Features in ascending order.
  let features: [Int]
  /// First bin of each of them.
  let starts: [Int]
  /// Bins of all of them.
  let binCount: Int

  init(features: [Int], of bins: [FeatureBins]) {
    self.features = features
    var starts: [Int] = []
    var count = 0
    for feature in features {
      starts.append(count)
      count += bins[feature].binCount
    }
    self.starts = starts
    binCount = count
  }
}
