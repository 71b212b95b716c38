import PortableNumerics

/// A forest of totally random trees from one noisy sum (Fan, Wang, Yu and Ma, ICDM 2003; under
/// differential privacy Maddock et al., CCS 2022).
///
/// The trees are drawn before any patient is asked: a feature for every node at random, and a threshold
/// at a random quantile, or a level by its share, of the noisy counts that are known. One sum over all
/// trees has the patients without and with the outcome in every leaf; a leaf's weight is the most
/// likely log odds above the prevalence.
///
/// **Deviation.** A mean of log odds over trees of few features each is far too flat, and their sum far too
/// steep. A second noisy sum, of the patients by margin and outcome, gives slope and intercept.
///
/// Everything here is a function of published noisy totals, with + − × ÷ √, `Portable` and a seeded
/// generator.
public struct PrivateForest: Sendable {
  /// What decides the training besides the totals.
  public struct Plan: Sendable, Hashable {
    /// 1 … 1000.
    public var treeCount = 160
    /// Splits from root to leaf, 1 … 8.
    public var depth = 4
    public var seed: UInt64 = 0

    public init() {}
  }

  private enum Stage {
    case leaves
    case slope
    case finished
  }

  public let plan: Plan
  public let features: [FeatureBins]
  private let counts: PrivateCounts
  private let leafVariance: Double
  private let marginVariance: Double
  private var stage = Stage.leaves
  private var base: Double
  private var trees: [DecisionTree]

  /// Prior variance of a leaf's log odds above the prevalence.
  private static let leafPrior = 0.5
  /// What the sum of the leaves' weights is worth over one tree's, before the slope is known.
  private static let firstScale = 8.0
  /// Margins around the prevalence's at which patients are counted, and the variances of slope and
  /// intercept around 1 and 0.
  private static let reach = 3.0
  private static let cutCount = 23
  private static let slopeVariance = 0.25
  private static let interceptVariance = 0.25

  /// - Parameters:
  ///   - leafVariance: σ² of the noise of a leaf's counts, lattice units² (`PrivateCells.unit`).
  ///   - marginVariance: of the counts by margin.
  /// - Throws: `invalidSettings`, `shapeMismatch` for counts that do not fit the bins, `noPatients`.
  public init(
    plan: Plan, features: [FeatureBins], counts: PrivateCounts, leafVariance: Double,
    marginVariance: Double
  ) throws(BoostedTreesError) {
    guard (1...1000).contains(plan.treeCount), (1...8).contains(plan.depth), !features.isEmpty
    else { throw BoostedTreesError(.invalidSettings) }
    try counts.validate(features: features)
    self.plan = plan
    self.features = features
    self.counts = counts
    self.leafVariance = try PrivateCells.inPatients(leafVariance)
    self.marginVariance = try PrivateCells.inPatients(marginVariance)
    base = counts.baseMargin
    trees = (0..<plan.treeCount).map { tree in
      var generator = Xoshiro256StarStar(seed: SplitMix64.seed(plan.seed, 0xF0, UInt64(tree)))
      return Self.drawn(depth: plan.depth, features: features, counts: counts, &generator)
    }
  }

  /// The model so far.
  public var model: TreeEnsemble {
    TreeEnsemble(
      objective: .logistic, features: features, baseMargins: [base],
      trees: stage == .leaves ? [] : trees)
  }

  /// What the next step asks for; nil when training is over.
  public var cells: PrivateCells? {
    switch stage {
    case .leaves: .leaves(trees)
    case .slope: .margins(cuts: cuts)
    case .finished: nil
    }
  }

  private var cuts: [Double] {
    let width = 2 * Self.reach / Double(Self.cutCount - 1)
    return (0..<Self.cutCount).map { counts.baseMargin - Self.reach + Double($0) * width }
  }

  /// Takes a step from the published noisy total.
  ///
  /// Throws `finished`, `totalLength`, `totalOutOfRange` for a total that no patients and no noise
  /// explain.
  public mutating func absorb(_ total: [Int64]) throws(BoostedTreesError) {
    guard let cells else { throw BoostedTreesError(.finished) }
    try cells.check(
      total, bins: features, patientCount: counts.patientCount,
      variance: stage == .leaves ? leafVariance : marginVariance)
    let patients = total.map { Double($0) / Double(PrivateCells.unit) }
    if stage == .leaves {
      weigh(patients)
      stage = .slope
    } else {
      recalibrate(patients)
      stage = .finished
    }
  }

  /// A full tree of random tests, nodes level by level.
  private static func drawn(
    depth: Int, features: [FeatureBins], counts: PrivateCounts,
    _ generator: inout Xoshiro256StarStar
  ) -> DecisionTree {
    let inner = (1 << depth) - 1
    return DecisionTree(
      output: 0,
      nodes: (0..<(2 * inner + 1)).map { index in
        let test =
          index < inner ? drawnTest(features: features, counts: counts, &generator) : nil
        return .init(
          test: test, left: test == nil ? 0 : 2 * index + 1,
          right: test == nil ? 0 : 2 * index + 2, value: 0, cover: 0, gain: 0)
      })
  }

  private static func drawnTest(
    features: [FeatureBins], counts: PrivateCounts, _ generator: inout Xoshiro256StarStar
  ) -> SplitTest {
    let feature = generator.uniformInteger(below: features.count)
    // One patient more in every bin, so that none is impossible.
    let values = counts.bins[feature].dropFirst().map { $0 + 1 }
    let isNumber = if case .numeric = features[feature].kind { true } else { false }
    // Not the outermost tenths of a number: they tell few patients apart.
    let share = isNumber ? 0.1 + 0.8 * generator.uniformDouble() : generator.uniformDouble()
    var left = share * values.reduce(0, +)
    var bin = 1
    for value in values {
      left -= value
      if left < 0 { break }
      bin += 1
    }
    // A number's last bin has nothing to its right.
    let last = max(1, isNumber ? values.count - 1 : values.count)
    let place = UInt8(truncatingIfNeeded: min(bin, last))
    return SplitTest(
      feature: feature, rule: isNumber ? .upTo(place) : .equals(place),
      missingGoesLeft: generator.next() & 1 == 1)
  }

  private mutating func weigh(_ patients: [Double]) {
    let scale = Self.firstScale / Double(trees.count)
    var place = 0
    for tree in trees.indices {
      for node in trees[tree].nodes.indices where trees[tree].nodes[node].test == nil {
        let (without, with) = (patients[place], patients[place + 1])
        place += 2
        let hessian = max(without + with, 0) * counts.meanHessian
        let weight = NoisyWeight(
          gradient: with - (without + with) * counts.prevalence, hessian: hessian,
          variance: leafVariance)
        trees[tree].nodes[node].value = scale * weight.mean(penalty: 1 / Self.leafPrior)
        trees[tree].nodes[node].cover = max(hessian, 1e-3)
      }
      trees[tree].addCovers()
    }
  }

  /// Slope and intercept of the outcome on the margin, by iterated weighted least squares on the noisy
  /// counts, with priors.
  private mutating func recalibrate(_ patients: [Double]) {
    let width = 2 * Self.reach / Double(Self.cutCount - 1)
    var slope = 1.0
    var intercept = 0.0
    for _ in 0..<12 {
      var (a, b, c) = (1 / Self.interceptVariance, 0.0, 1 / Self.slopeVariance)
      var (x, y) = (-intercept / Self.interceptVariance, (1 - slope) / Self.slopeVariance)
      for bin in 0...Self.cutCount {
        let (without, with) = (patients[2 * bin], patients[2 * bin + 1])
        let margin = -Self.reach + (Double(bin) - 0.5) * width
        let probability = Portable.sigmoid(counts.baseMargin + intercept + slope * margin)
        let hessian = max(without + with, 0) * probability * (1 - probability)
        let weight = NoisyWeight(
          gradient: with - (without + with) * probability, hessian: hessian,
          variance: marginVariance)
        a += weight.precision
        b += weight.precision * margin
        c += weight.precision * margin * margin
        x += weight.evidence
        y += weight.evidence * margin
      }
      // a·c > b², because the priors are on both.
      let determinant = a * c - b * b
      intercept += (c * x - b * y) / determinant
      slope += (a * y - b * x) / determinant
      intercept = min(max(intercept, -2), 2)
      slope = min(max(slope, 0.05), 4)
    }
    base += intercept
    for tree in trees.indices {
      for node in trees[tree].nodes.indices { trees[tree].nodes[node].value *= slope }
    }
  }
}

extension DecisionTree {
  /// Gives every inner node the cover of its children and the mean of their values by it.
  mutating func addCovers() {
    for index in nodes.indices.reversed() where nodes[index].test != nil {
      let (left, right) = (nodes[nodes[index].left], nodes[nodes[index].right])
      let cover = left.cover + right.cover
      nodes[index].cover = cover
      nodes[index].value =
        cover > 0 ? (left.cover * left.value + right.cover * right.value) / cover : 0
    }
  }
}
