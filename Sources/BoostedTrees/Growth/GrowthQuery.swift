/// One question to the patients of all sites, answered by one vector of integers and readable only
/// as a sum.
///
/// Every site derives it from the plan and the totals so far, so it never travels. Answers build on
/// each other: a site answers queries in the order of `sequence`, and may be asked the last one again.
public struct GrowthQuery: Sendable, Hashable {
  /// 0, 1, 2, … within a training.
  public var sequence: Int
  public var kind: Kind

  public enum Kind: Sendable, Hashable {
    /// Training patients and the sums that the first margins are made from.
    case baseline
    /// A step of growth.
    case growth(GrowthStep)
  }
}

/// What a site does, and then counts, in one round.
///
/// The order within a round: the trees of the last batch are finished and added to the margins; the
/// loss is measured; new trees begin from the margins; splits are carried out; histograms are built.
public struct GrowthStep: Sendable, Hashable {
  /// The trees of the last batch, complete.
  public var completed: [CompletedTree] = []
  /// Whether the loss of training and evaluation patients is summed.
  public var measuresLoss = false
  /// Begins a batch of trees.
  public var begins: TreeBatch?
  /// What each tree of the batch needs, in the batch's order.
  public var trees: [TreeRequest] = []
}

/// Trees that are grown at the same time: those of the outputs of one boosting iteration, or some of
/// a forest.
public struct TreeBatch: Sendable, Hashable {
  /// Whether derivatives are taken at the base margins (a forest) and not at the present ones.
  public var usesBaseMargins: Bool
  /// First margin of every output; used when the first batch begins.
  public var baseMargins: [Double]
  public var trees: [Tree]

  public struct Tree: Sendable, Hashable {
    /// Whose derivatives the tree is grown on.
    public var output: Int
    /// Seed of the tree's rounding and of its sample of patients.
    public var seed: UInt64
  }
}

/// One tree's part of a round.
public struct TreeRequest: Sendable, Hashable {
  /// Splits decided from the last totals.
  public var splits: [LeafSplit] = []
  /// Leaves whose histograms are needed.
  public var histograms: [HistogramRequest] = []
}

/// One leaf and the features it is counted by.
public struct HistogramRequest: Sendable, Hashable {
  public var leaf: Int
  /// Ascending.
  public var features: [Int]
}

/// A leaf becomes two: the left child keeps the leaf's number, the right child gets a new one.
public struct LeafSplit: Sendable, Hashable {
  public var leaf: Int
  /// Number of the right child: the next that is free.
  public var right: Int
  public var test: SplitTest
}

/// The last splits of a tree and what each of its leaves adds to the margin.
public struct CompletedTree: Sendable, Hashable {
  public var splits: [LeafSplit]
  /// By leaf number, in margin units.
  public var leafValues: [Double]
}

/// Which rows go to the left child, by their bin of one feature.
public struct SplitTest: Sendable, Hashable {
  public var feature: Int
  public var rule: Rule
  /// Whether rows with a missing value (bin 0) go left.
  public var missingGoesLeft: Bool

  public enum Rule: Sendable, Hashable {
    /// Bins 1 … the number go left.
    case upTo(UInt8)
    /// This bin alone goes left.
    case equals(UInt8)
  }

  public init(feature: Int, rule: Rule, missingGoesLeft: Bool) {
    self.feature = feature
    self.rule = rule
    self.missingGoesLeft = missingGoesLeft
  }

  /// Whether a row with this bin goes left.
  public func goesLeft(_ bin: UInt8) -> Bool {
    if bin == 0 { return missingGoesLeft }
    switch rule {
    case .upTo(let last): return bin <= last
    case .equals(let only): return bin == only
    }
  }
}
