import BoostedTrees
import CanonicalBytes
import Cohort
import Cryptography

/// A fitted model of trees with the bins it sees: everything a prediction needs.
public struct TreeModel: Sendable, Hashable {
  /// What was learnt.
  public enum Content: Sendable, Hashable {
    /// Boosted trees or a random forest.
    case ensemble(TreeEnsemble)
    /// An explainable boosting machine.
    case additive(AdditiveModel)
  }

  public let columns: TreeColumns
  public let content: Content
  /// What is predicted instead of the event; nil for the event itself.
  public let target: ValueTarget?
  /// What contributions of trees are measured against: background patients of all sites as the counts of
  /// `BackgroundPatterns`, small ones merged; nil for the covers of the trees.
  public let background: [Int64]?
  /// BLAKE2b-256 over the canonical bytes: equal models, equal digests.
  public let digest: Digest

  /// Throws `invalidModel` when the trees' bins are not the columns', or what they predict is neither a
  /// probability nor the target's values; as `InterventionalExplainer` for a background that is not the
  /// trees'.
  public init(
    columns: TreeColumns, content: Content, target: ValueTarget? = nil, background: [Int64]? = nil
  ) throws(BoostedTreesError) {
    let features =
      switch content {
      case .ensemble(let ensemble): ensemble.features
      case .additive(let additive): additive.features
      }
    guard features == columns.bins else { throw BoostedTreesError(.invalidModel) }
    switch (content.objective, target) {
    case (.logistic, nil): break
    case (.squaredError(let lower, let upper), nil):
      // A forest votes on the event.
      guard lower == 0, upper == 1 else { throw BoostedTreesError(.invalidModel) }
    case (.poisson, nil), (.multiclass, nil): throw BoostedTreesError(.invalidModel)
    case (let objective, let target?): try target.check(objective)
    }
    self.columns = columns
    self.content = content
    self.target = target
    self.background = background
    if let background {
      guard case .ensemble(let ensemble) = content else { throw BoostedTreesError(.invalidModel) }
      try BackgroundPatterns(model: ensemble).check(background)
    }
    var writer = ByteWriter()
    writer.raw(columns.digest.bytes)
    content.write(to: &writer)
    // Models without them keep the digests that they always had.
    if let target {
      writer.string("target")
      target.write(to: &writer)
    }
    if let background { writer.array(background) { $0.integer($1) } }
    digest = Blake2b.hash("wr-tree-model", writer.bytes)
  }

  public static func == (left: Self, right: Self) -> Bool { left.digest == right.digest }
  public func hash(into hasher: inout Hasher) { hasher.combine(digest) }

  /// Probability of the event for the rows of a table; the same bits on every machine. Throws when
  /// the table's features are not the model's.
  public func predict(_ cohort: CohortTable, rows: [Int]? = nil) throws -> [Double] {
    try predictions(cohort, rows: rows).map { row in
      if let target { return target.risk(of: row) }
      // The mean of a forest's votes is a probability already.
      return min(max(row[0], 0), 1)
    }
  }

  /// What the model predicts of the target's values, by row: the number, the mean count, or the classes'
  /// probabilities; nil for a model of the event. Throws as `predict`.
  public func values(of cohort: CohortTable, rows: [Int]? = nil) throws -> [[Double]]? {
    guard let target else { return nil }
    return try predictions(cohort, rows: rows).map { target.values(of: $0) }
  }

  private func predictions(_ cohort: CohortTable, rows: [Int]?) throws -> [[Double]] {
    let table = try columns.table(of: cohort, rows: rows)
    let objective = content.objective
    switch content {
    case .ensemble(let ensemble):
      return try ensemble.margins(of: table).map { objective.predictions(margins: $0) }
    case .additive(let additive):
      return try additive.margins(of: table).map { objective.predictions(margins: [$0]) }
    }
  }

  /// Margins of the first output for the rows of a table with the model's bins. Throws when the bins are
  /// others.
  func margins(of table: BinnedTable) throws(BoostedTreesError) -> [Double] {
    switch content {
    case .ensemble(let ensemble): try ensemble.margins(of: table).map { $0[0] }
    case .additive(let additive): try additive.margins(of: table)
    }
  }
}

extension TreeModel.Content {
  /// What was learnt.
  public var objective: Objective {
    switch self {
    case .ensemble(let ensemble): ensemble.objective
    case .additive(let additive): additive.objective
    }
  }
}

extension TreeModel.Content {
  func write(to writer: inout ByteWriter) {
    switch self {
    case .ensemble(let ensemble):
      writer.integer(UInt8(0))
      if case .logistic = ensemble.objective {
        writer.integer(UInt8(0))
      } else {
        writer.integer(UInt8(1))
      }
      writer.array(ensemble.baseMargins) { $0.double($1) }
      writer.array(ensemble.trees) { $1.write(to: &$0) }
    case .additive(let additive):
      writer.integer(UInt8(1))
      writer.double(additive.baseMargin)
      writer.array(additive.shapes) { $0.array($1) { $0.double($1) } }
      writer.array(additive.pairs) { writer, pair in
        writer.integer(UInt32(pair.first))
        writer.integer(UInt32(pair.second))
        writer.array(pair.firstGroups) { $0.integer(Int64($1)) }
        writer.array(pair.secondGroups) { $0.integer(Int64($1)) }
        writer.array(pair.values) { $0.array($1) { $0.double($1) } }
      }
    }
  }
}

extension DecisionTree {
  func write(to writer: inout ByteWriter) {
    writer.integer(UInt32(output))
    writer.array(nodes) { writer, node in
      writer.double(node.value)
      writer.double(node.cover)
      writer.double(node.gain)
      writer.optional(node.test) { $1.write(to: &$0) }
      writer.integer(UInt32(node.left))
      writer.integer(UInt32(node.right))
    }
  }
}

extension SplitTest {
  func write(to writer: inout ByteWriter) {
    writer.integer(UInt32(feature))
    switch rule {
    case .upTo(let bin):
      writer.integer(UInt8(0))
      writer.integer(bin)
    case .equals(let bin):
      writer.integer(UInt8(1))
      writer.integer(bin)
    }
    writer.boolean(missingGoesLeft)
  }
}

extension TreeModel: Codable {
  private enum CodingKeys: String, CodingKey { case columns, trees, shapes, background, target }

  /// A model has either `trees`, with or without a `background`, or `shapes`; and a `target` unless it
  /// predicts the event.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let columns = try container.decode(TreeColumns.self, forKey: .columns)
    let target = try container.decodeIfPresent(ValueTarget.self, forKey: .target)
    if let trees = try container.decodeIfPresent(TreeEnsemble.self, forKey: .trees) {
      try self.init(
        columns: columns, content: .ensemble(trees), target: target,
        background: try container.decodeIfPresent([Int64].self, forKey: .background))
    } else {
      try self.init(
        columns: columns,
        content: .additive(try container.decode(AdditiveModel.self, forKey: .shapes)),
        target: target)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(columns, forKey: .columns)
    try container.encodeIfPresent(background, forKey: .background)
    try container.encodeIfPresent(target, forKey: .target)
    switch content {
    case .ensemble(let trees): try container.encode(trees, forKey: .trees)
    case .additive(let shapes): try container.encode(shapes, forKey: .shapes)
    }
  }
}
