/// Trees and the margins they add to: a model without what its margins mean, which is the objective's.
public struct GrownTrees: Sendable, Hashable {
  /// Columns in order.
  public let features: [FeatureBins]
  /// Margin of each output before the first tree.
  public let baseMargins: [Double]
  /// In the order they are added.
  public let trees: [DecisionTree]

  public init(features: [FeatureBins], baseMargins: [Double], trees: [DecisionTree]) {
    self.features = features
    self.baseMargins = baseMargins
    self.trees = trees
  }

  /// The bins of a row of raw values, NaN for missing. Throws `shapeMismatch`.
  public func bins(of row: [Double]) throws(BoostedTreesError) -> [UInt8] {
    guard row.count == features.count else { throw BoostedTreesError(.shapeMismatch) }
    var bins: [UInt8] = []
    bins.reserveCapacity(row.count)
    for (index, value) in row.enumerated() { bins.append(features[index].bin(of: value)) }
    return bins
  }

  /// Margins of a row of raw values, one per output. Throws `shapeMismatch`.
  public func margins(of row: [Double]) throws(BoostedTreesError) -> [Double] {
    margins(ofBins: try bins(of: row))
  }

  /// Margins of every row of a table with the model's bins, by row. Throws `shapeMismatch`.
  public func margins(of table: BinnedTable) throws(BoostedTreesError) -> [[Double]] {
    guard table.features == features else { throw BoostedTreesError(.shapeMismatch) }
    var result: [[Double]] = []
    result.reserveCapacity(table.rowCount)
    var bins = [UInt8](repeating: 0, count: features.count)
    for row in 0..<table.rowCount {
      for feature in bins.indices { bins[feature] = table.bin(row: row, feature: feature) }
      result.append(margins(ofBins: bins))
    }
    return result
  }

  /// Base margins first, then the trees in order: the same bits as in training.
  func margins(ofBins bins: [UInt8]) -> [Double] {
    var margins = baseMargins
    for tree in trees {
      margins[tree.output] += tree.nodes[tree.leaf { bins[$0] }].value
    }
    return margins
  }
}
