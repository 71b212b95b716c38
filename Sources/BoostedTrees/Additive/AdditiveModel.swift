/// Base margin plus shape functions: what an explainable boosting machine learned.
public struct AdditiveModel: Sendable, Hashable, Codable {
  /// Version of the coded form that this code writes.
  public static let formatVersion = 1

  public let objective: Objective
  /// What was learned.
  public var grown: GrownShapes
  /// Columns in order.
  public var features: [FeatureBins] { grown.features }
  public var baseMargin: Double { grown.baseMargin }
  /// By feature, then bin (bin 0 for missing): what the value adds to the margin.
  public var shapes: [[Double]] { grown.shapes }
  public var pairs: [Pair] { grown.pairs }

  public init(objective: Objective, grown: GrownShapes) {
    self.objective = objective
    self.grown = grown
  }

  /// The joint shape function of two features, on coarser bins.
  public struct Pair: Sendable, Hashable, Codable {
    public var first: Int
    public var second: Int
    /// Coarse bin of each bin of the first feature; 0 for missing.
    public var firstGroups: [Int]
    public var secondGroups: [Int]
    /// By the first's coarse bin, then the second's.
    public var values: [[Double]]

    /// What a row adds.
    func value(_ bins: (Int) -> UInt8) -> Double {
      values[firstGroups[Int(bins(first))]][secondGroups[Int(bins(second))]]
    }
  }

  /// Contributions of a row to the margin: one of each feature, then one of each pair. Throws
  /// `shapeMismatch`.
  public func contributions(of row: [Double]) throws(BoostedTreesError) -> [Double] {
    try grown.contributions(of: row)
  }

  /// Contributions of a row of bins, as of a row of values. Throws `shapeMismatch`.
  public func contributions(ofBins bins: [UInt8]) throws(BoostedTreesError) -> [Double] {
    try grown.contributions(ofBins: bins)
  }

  /// Margins of every row of a table with the model's bins. Throws `shapeMismatch`.
  public func margins(of table: BinnedTable) throws(BoostedTreesError) -> [Double] {
    try grown.margins(of: table)
  }

  /// Margin of a row. Throws `shapeMismatch`.
  public func margin(of row: [Double]) throws(BoostedTreesError) -> Double {
    try grown.margin(of: row)
  }

  /// Prediction of a row. Throws `shapeMismatch`.
  public func prediction(of row: [Double]) throws(BoostedTreesError) -> Double {
    objective.predictions(margins: [try margin(of: row)])[0]
  }

  /// Coarse bins: missing, then runs of bins of even number for a numeric feature, or the levels, the
  /// last of which takes what does not fit.
  static func groups(of bins: FeatureBins, count: Int) -> [Int] {
    let valueCount = bins.binCount - 1
    return [0]
      + (0..<valueCount).map { bin in
        switch bins.kind {
        case .numeric: 1 + (valueCount <= count ? bin : bin * count / valueCount)
        case .categorical: 1 + min(bin, count - 1)
        }
      }
  }
}

extension AdditiveModel {
  private enum CodingKeys: String, CodingKey {
    case format, version, objective, features, baseMargin, shapes, pairs
  }

  private static let formatName = "wardround-ebm"

  /// Throws `invalidModel` for another format or version, or a model that contradicts itself.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    guard try container.decode(String.self, forKey: .format) == Self.formatName,
      try container.decode(Int.self, forKey: .version) == Self.formatVersion
    else { throw BoostedTreesError(.invalidModel) }
    objective = try container.decode(Objective.self, forKey: .objective)
    grown = GrownShapes(
      features: try container.decode([FeatureBins].self, forKey: .features),
      baseMargin: try container.decode(Double.self, forKey: .baseMargin),
      shapes: try container.decode([[Double]].self, forKey: .shapes),
      pairs: try container.decode([Pair].self, forKey: .pairs))
    guard isValid else { throw BoostedTreesError(.invalidModel) }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(Self.formatName, forKey: .format)
    try container.encode(Self.formatVersion, forKey: .version)
    try container.encode(objective, forKey: .objective)
    try container.encode(features, forKey: .features)
    try container.encode(baseMargin, forKey: .baseMargin)
    try container.encode(shapes, forKey: .shapes)
    try container.encode(pairs, forKey: .pairs)
  }

  private var isValid: Bool {
    guard objective.isValid, objective.outputCount == 1, baseMargin.isFinite,
      shapes.count == features.count
    else { return false }
    for (shape, bins) in zip(shapes, features) {
      guard shape.count == bins.binCount, shape.allSatisfy(\.isFinite) else { return false }
    }
    return pairs.allSatisfy { pair in
      guard features.indices.contains(pair.first), features.indices.contains(pair.second),
        pair.firstGroups.count == features[pair.first].binCount,
        pair.secondGroups.count == features[pair.second].binCount,
        let width = pair.values.first?.count
      else { return false }
      return pair.firstGroups.allSatisfy { pair.values.indices.contains($0) }
        && pair.secondGroups.allSatisfy { (0..<width).contains($0) }
        && pair.values.allSatisfy { $0.count == width && $0.allSatisfy(\.isFinite) }
    }
  }
}
