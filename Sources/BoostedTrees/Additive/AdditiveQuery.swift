/// One question of the training of an additive model. As with `GrowthQuery`, every site derives it,
/// answers in the order of `sequence`, and may be asked the last one again.
public struct AdditiveQuery: Sendable, Hashable {
  /// 0, 1, 2, … within a training.
  public var sequence: Int
  public var kind: Kind
  /// Changes of the margins decided from the last total; carried out first.
  public var updates: [AdditiveUpdate]
  /// Whether the losses of evaluation and training patients lead the vector: patients, loss, twice.
  public var measuresLoss: Bool

  public enum Kind: Sendable, Hashable {
    /// Training patients and the sum that the base margin is made from.
    case baseline
    /// One histogram of each feature, one word a bin.
    case features([Int])
    /// One joint histogram of each pair, first feature's coarse bins outermost.
    case pairs([PairRequest])
    /// Nothing but the losses.
    case losses
  }

  /// Two features and their coarse bins.
  public struct PairRequest: Sendable, Hashable {
    public var first: Int
    public var second: Int
    public var firstGroups: [Int]
    public var secondGroups: [Int]

    /// Words of the histogram.
    var wordCount: Int { firstCount * secondCount }
    var firstCount: Int { (firstGroups.max() ?? 0) + 1 }
    var secondCount: Int { (secondGroups.max() ?? 0) + 1 }
  }
}

/// What is added to the margins.
public enum AdditiveUpdate: Sendable, Hashable {
  /// To every row.
  case base(Double)
  /// By the bin of a feature.
  case feature(Int, values: [Double])
  /// By the coarse bins of two features.
  case pair(AdditiveModel.Pair)
}
