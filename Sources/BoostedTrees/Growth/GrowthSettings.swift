/// How a tree grows.
public struct GrowthSettings: Sendable, Hashable {
  /// Which leaves are split next.
  public enum Strategy: Sendable, Hashable {
    /// All leaves of a level in one round.
    case depthWise
    /// The leaves whose split gains most, this many in one round; 1 is strict best-first growth.
    case lossGuided(leavesPerRound: Int)
  }

  public var strategy = Strategy.depthWise
  /// Splits from the root to a leaf, 1 … 16; a loss-guided tree may have up to 64.
  public var maximumDepth = 6
  /// 2 … 65,536; nil for 2^maximumDepth, at most 65,536.
  public var maximumLeafCount: Int?
  /// λ ≥ 0: ridge penalty of the leaf weights.
  public var l2Penalty = 1.0
  /// α ≥ 0: lasso penalty of the leaf weights.
  public var l1Penalty = 0.0
  /// γ ≥ 0: a split must gain more than this.
  public var minimumSplitGain = 0.0
  /// Least sum of hessians of a child, ≥ 0.
  public var minimumChildWeight = 1.0
  /// Least number of patients of a child; above 1, histograms count patients too, which doubles them.
  public var minimumChildCount = 1
  /// Largest magnitude of a leaf's weight before the learning rate, 0 for none.
  public var maximumLeafWeight = 0.0
  /// By feature: 1 the margin may only rise with the value, −1 only fall, 0 free; empty for all free.
  public var monotone: [Int] = []
  /// Share of the features that a tree may use, in (0, 1].
  public var featureRatePerTree = 1.0
  /// Share of the tree's features that a node may be split by, in (0, 1]. Below 1 both children of a
  /// node are counted, each by its own features.
  public var featureRatePerNode = 1.0

  public init() {}

  /// Throws `invalidSettings` when a number is outside its range.
  func validate(featureCount: Int) throws(BoostedTreesError) {
    var isValid =
      l2Penalty >= 0 && l2Penalty < 0x1p60 && l1Penalty >= 0 && l1Penalty < 0x1p60
      && minimumSplitGain >= 0 && minimumChildWeight >= 0 && minimumChildCount >= 0
      && maximumLeafWeight >= 0 && maximumLeafWeight < 0x1p60
      && featureRatePerTree > 0 && featureRatePerTree <= 1
      && featureRatePerNode > 0 && featureRatePerNode <= 1
      && (monotone.isEmpty || monotone.count == featureCount)
      && monotone.allSatisfy { (-1...1).contains($0) }
    switch strategy {
    case .depthWise: isValid = isValid && (1...16).contains(maximumDepth)
    case .lossGuided(let leavesPerRound):
      isValid = isValid && (1...64).contains(maximumDepth) && leavesPerRound >= 1
    }
    if let maximumLeafCount { isValid = isValid && (2...65_536).contains(maximumLeafCount) }
    guard isValid else { throw BoostedTreesError(.invalidSettings) }
  }

  /// Most leaves of a tree.
  public var leafLimit: Int {
    min(maximumLeafCount ?? 65_536, maximumDepth >= 16 ? 65_536 : 1 << max(maximumDepth, 0))
  }

  /// Whether histograms count patients.
  public var countsPatients: Bool { minimumChildCount > 1 }
}
