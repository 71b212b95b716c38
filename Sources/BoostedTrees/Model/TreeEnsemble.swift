/// A model made of trees. Its coded form is versioned and read for ever.
public struct TreeEnsemble: Sendable, Hashable, Codable {
  /// Version of the coded form that this code writes.
  public static let formatVersion = 1

  public let objective: Objective
  /// What was grown.
  public let grown: GrownTrees
  /// Columns in order.
  public var features: [FeatureBins] { grown.features }
  /// Margin of each output before the first tree.
  public var baseMargins: [Double] { grown.baseMargins }
  /// In the order they are added.
  public var trees: [DecisionTree] { grown.trees }

  public init(objective: Objective, grown: GrownTrees) {
    self.objective = objective
    self.grown = grown
  }

  public init(
    objective: Objective, features: [FeatureBins], baseMargins: [Double], trees: [DecisionTree]
  ) {
    self.init(
      objective: objective,
      grown: GrownTrees(features: features, baseMargins: baseMargins, trees: trees))
  }

  /// The bins of a row of raw values, NaN for missing. Throws `shapeMismatch`.
  public func bins(of row: [Double]) throws(BoostedTreesError) -> [UInt8] {
    try grown.bins(of: row)
  }

  /// Margins of a row of raw values, one per output. Throws `shapeMismatch`.
  public func margins(of row: [Double]) throws(BoostedTreesError) -> [Double] {
    try grown.margins(of: row)
  }

  /// Predictions of a row of raw values: a probability, mean or, by class, probabilities. Throws
  /// `shapeMismatch`.
  public func predictions(of row: [Double]) throws(BoostedTreesError) -> [Double] {
    objective.predictions(margins: try margins(of: row))
  }

  /// Margins of every row of a table with the model's bins, by row. Throws `shapeMismatch`.
  public func margins(of table: BinnedTable) throws(BoostedTreesError) -> [[Double]] {
    try grown.margins(of: table)
  }

  /// Base margins first, then the trees in order: the same bits as in training.
  func margins(ofBins bins: [UInt8]) -> [Double] { grown.margins(ofBins: bins) }

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
    grown = GrownTrees(
      features: try container.decode([FeatureBins].self, forKey: .features),
      baseMargins: try container.decode([Double].self, forKey: .baseMargins),
      trees: try container.decode([DecisionTree].self, forKey: .trees))
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
