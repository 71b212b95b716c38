/// A model made of trees. Its coded form is versioned and read for ever.
public struct TreeEnsemble: Sendable, Hashable, Codable {
  /// Version of the coded form that this code writes.
  public static let formatVersion = 1

  public let objective: Objective
  /// Columns in order.
  public let features: [FeatureBins]
  /// Margin of each output before the first tree.
  public let baseMargins: [Double]
  /// In the order they are added.
  public let trees: [DecisionTree]

  public init(
    objective: Objective, features: [FeatureBins], baseMargins: [Double], trees: [DecisionTree]
  ) {
    self.objective = objective
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

  /// Predictions of a row of raw values: a probability, mean or, by class, probabilities. Throws
  /// `shapeMismatch`.
  public func predictions(of row: [Double]) throws(BoostedTreesError) -> [Double] {
    objective.predictions(margins: try margins(of: row))
  }

  /// Margins of every row of a table with the model's bins, by row. Throws `shapeMismatch`.
  public func margins(of table: BinnedTable) throws(BoostedTreesError) -> [[Double]] {
    guard table.features == features else { throw BoostedTreesError(.shapeMismatch) }
    var result: [[Double]] = []
    result.reserveCapacity(table.rowCount)
    for row in 0..<table.rowCount {
      result.append(margins(ofBins: features.indices.map { table.bin(row: row, feature: $0) }))
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

  private enum CodingKeys: String, CodingKey {
    case format, version, objective, features, baseMargins, trees
  }

  private static let formatName = "wardround-trees"

  /// Throws `invalidModel` for another format or version, or a model that contradicts itself.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    guard try container.decode(String.self, forKey: .format) == Self.formatName,
      try container.decode(Int.self, forKey: .version) == Self.formatVersion
    else { throw BoostedTreesError(.invalidModel) }
    objective = try container.decode(Objective.self, forKey: .objective)
    features = try container.decode([FeatureBins].self, forKey: .features)
    baseMargins = try container.decode([Double].self, forKey: .baseMargins)
    trees = try container.decode([DecisionTree].self, forKey: .trees)
    guard objective.isValid, baseMargins.count == objective.outputCount,
      baseMargins.allSatisfy(\.isFinite)
    else { throw BoostedTreesError(.invalidModel) }
    for (index, tree) in trees.enumerated() {
      guard tree.isValid(features: features, outputCount: baseMargins.count) else {
        throw BoostedTreesError(.invalidModel, index: index)
      }
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(Self.formatName, forKey: .format)
    try container.encode(Self.formatVersion, forKey: .version)
    try container.encode(objective, forKey: .objective)
    try container.encode(features, forKey: .features)
    try container.encode(baseMargins, forKey: .baseMargins)
    try container.encode(trees, forKey: .trees)
  }
}
