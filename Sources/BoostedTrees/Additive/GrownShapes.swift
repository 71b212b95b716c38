/// Base margin plus shape functions as they were learned, whatever the objective: what margins are made of.
public struct GrownShapes: Sendable, Hashable {
  /// Columns in order.
  public let features: [FeatureBins]
  public var baseMargin: Double
  /// By feature, then bin (bin 0 for missing): what the value adds to the margin.
  public var shapes: [[Double]]
  public var pairs: [AdditiveModel.Pair]

  public init(
    features: [FeatureBins], baseMargin: Double, shapes: [[Double]], pairs: [AdditiveModel.Pair]
  ) {
    self.features = features
    self.baseMargin = baseMargin
    self.shapes = shapes
    self.pairs = pairs
  }

  /// Contributions of a row to the margin: one of each feature, then one of each pair. Throws
  /// `shapeMismatch`.
  public func contributions(of row: [Double]) throws(BoostedTreesError) -> [Double] {
    guard row.count == features.count else { throw BoostedTreesError(.shapeMismatch) }
    var bins: [UInt8] = []
    for (feature, value) in row.enumerated() { bins.append(features[feature].bin(of: value)) }
    return contributions { bins[$0] }
  }

  /// Contributions of a row of bins, as of a row of values. Throws `shapeMismatch`.
  public func contributions(ofBins bins: [UInt8]) throws(BoostedTreesError) -> [Double] {
    guard bins.count == features.count else { throw BoostedTreesError(.shapeMismatch) }
    for (bin, feature) in zip(bins, features) where Int(bin) >= feature.binCount {
      throw BoostedTreesError(.shapeMismatch)
    }
    return contributions { bins[$0] }
  }

  /// Margins of every row of a table with the model's bins. Throws `shapeMismatch`.
  public func margins(of table: BinnedTable) throws(BoostedTreesError) -> [Double] {
    guard table.features == features else { throw BoostedTreesError(.shapeMismatch) }
    return (0..<table.rowCount).map { row in
      var margin = baseMargin
      for contribution in contributions({ table.bin(row: row, feature: $0) }) {
        margin += contribution
      }
      return margin
    }
  }

  /// Margin of a row. Throws `shapeMismatch`.
  public func margin(of row: [Double]) throws(BoostedTreesError) -> Double {
    var margin = baseMargin
    for contribution in try contributions(of: row) { margin += contribution }
    return margin
  }

  private func contributions(_ bins: (Int) -> UInt8) -> [Double] {
    features.indices.map { shapes[$0][Int(bins($0))] } + pairs.map { $0.value(bins) }
  }
}
