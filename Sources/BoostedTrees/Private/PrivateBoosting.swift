import PortableNumerics

/// Boosted trees from noisy histograms: few shallow trees on few features each (PRIVACY-CORE §4.5;
/// Maddock, Cormode, Wang, Maple and Jha, CCS 2022).
///
/// Per level a tree asks for gradients and hessians by leaf and bin of its features, which decide the
/// splits; then for gradients and hessians by leaf alone, which give the weights. The two kinds of sums
/// have noise of their own: a leaf is one block and needs little of the budget, a level is one block for
/// each feature.
///
/// A noisy hessian is known to be about the patients' share of p̄(1 − p̄), give or take itself, and is
/// shrunk towards that: noise alone does not look like many patients.
///
/// The gain of a split and the weight of a leaf are those of `NoisyWeight`: a sum over k noisy bins has k
/// times their variance, and counts for less. No split is refused by its gain: with noise around, a gain
/// is positive as soon as the children differ at all.
///
/// Everything here is a function of published noisy totals, with + − × ÷ and a seeded generator.
public struct PrivateBoosting: Sendable {
  /// What decides the training besides the totals.
  public struct Plan: Sendable, Hashable {
    /// 1 … 1000.
    public var treeCount = 40
    /// Splits from root to leaf, 1 … 6.
    public var depth = 2
    /// In (0, 1].
    public var learningRate = 0.3
    /// Features a tree may use, ≥ 1.
    public var featuresPerTree: Int
    /// λ ≥ 0: one over the prior variance of a leaf's weight.
    public var l2Penalty = 1.0
    public var seed: UInt64 = 0

    /// √features a tree, at least four where there are as many.
    public init(featureCount: Int) {
      featuresPerTree = max(1, min(featureCount, max(4, Int(Double(featureCount).squareRoot()))))
    }
  }

  public let plan: Plan
  public let features: [FeatureBins]
  private let counts: PrivateCounts
  private let histogramVariance: Double
  private let leafVariance: Double
  private var finished: [DecisionTree] = []
  /// The tree being grown, and how many of its levels are decided.
  private var tree = DecisionTree.stump
  private var level = 0
  /// Features of the tree being grown.
  private var drawn: [Int] = []

  /// - Parameters:
  ///   - counts: of patients and events; those by bin are not used.
  ///   - histogramVariance: σ² of the noise of an element of the levels' histograms, lattice units².
  ///   - leafVariance: the same of the leaves' sums.
  /// - Throws: `invalidSettings`, `shapeMismatch`, `noPatients`.
  public init(
    plan: Plan, features: [FeatureBins], counts: PrivateCounts, histogramVariance: Double,
    leafVariance: Double
  ) throws(BoostedTreesError) {
    guard (1...1000).contains(plan.treeCount), (1...6).contains(plan.depth),
      plan.learningRate > 0, plan.learningRate <= 1, plan.featuresPerTree >= 1,
      plan.featuresPerTree <= features.count, plan.l2Penalty >= 0, plan.l2Penalty < 0x1p60
    else { throw BoostedTreesError(.invalidSettings) }
    try counts.validate(features: features)
    self.plan = plan
    self.features = features
    self.counts = counts
    self.histogramVariance = try PrivateCells.inPatients(histogramVariance)
    self.leafVariance = try PrivateCells.inPatients(leafVariance)
    begin()
  }

  private mutating func begin() {
    var generator = Xoshiro256StarStar(
      seed: SplitMix64.seed(plan.seed, 0xB0, UInt64(finished.count)))
    var order = Array(features.indices)
    generator.shuffle(&order)
    drawn = order.prefix(plan.featuresPerTree).sorted()
    tree = .stump
    level = 0
  }

  /// The model so far: the trees that are finished.
  public var model: TreeEnsemble {
    TreeEnsemble(
      objective: .logistic, features: features, baseMargins: [counts.baseMargin],
      trees: finished)
  }

  /// What the next step asks for; nil when training is over.
  public var cells: PrivateCells? {
    guard finished.count < plan.treeCount else { return nil }
    return level < plan.depth ? .histograms(tree, features: drawn) : .leafGradients(tree)
  }

  /// Takes a step from the published noisy total.
  ///
  /// Throws `finished`, `totalLength`, `totalOutOfRange` for a total that no patients and no noise
  /// explain.
  public mutating func absorb(_ total: [Int64]) throws(BoostedTreesError) {
    guard let cells else { throw BoostedTreesError(.finished) }
    let isLevel = level < plan.depth
    try cells.check(
      total, bins: features, patientCount: counts.patientCount,
      variance: isLevel ? histogramVariance : leafVariance)
    let unit = Double(PrivateCells.unit)
    // Hessians are sent twice.
    let sums = stride(from: 0, to: total.count, by: 2).map {
      Sum(gradient: Double(total[$0]) / unit, hessian: Double(total[$0 + 1]) / (2 * unit))
    }
    if isLevel {
      split(sums)
      level += 1
    } else {
      weigh(sums)
      finished.append(tree)
      begin()
    }
  }

  /// Σ(y − p) and Σp(1 − p), and how many noisy elements they are added up from.
  private struct Sum {
    var gradient = 0.0
    var hessian = 0.0
    var elementCount = 1.0

    static func + (left: Sum, right: Sum) -> Sum {
      Sum(
        gradient: left.gradient + right.gradient, hessian: left.hessian + right.hessian,
        elementCount: left.elementCount + right.elementCount)
    }

    static func - (left: Sum, right: Sum) -> Sum {
      Sum(
        gradient: left.gradient - right.gradient, hessian: left.hessian - right.hessian,
        elementCount: left.elementCount - right.elementCount)
    }

    static let nothing = Sum(elementCount: 0)
  }

  /// Divides every leaf of the last level.
  private mutating func split(_ sums: [Sum]) {
    let width = drawn.reduce(0) { $0 + features[$1].binCount }
    for (number, leaf) in tree.leaves.enumerated() where tree.depth(of: leaf) == level {
      var best: (gain: Double, test: SplitTest)?
      var start = number * width
      for feature in drawn {
        let end = start + features[feature].binCount
        let bins = Array(sums[start..<end])
        start = end
        let all = bins.reduce(.nothing, +)
        let share = 1 / Double((1 << level) * bins.count)
        func gain(_ sum: Sum) -> Double {
          weight(sum, variance: histogramVariance, share: sum.elementCount * share)
            .gain(penalty: plan.l2Penalty)
        }
        let allGain = gain(all)
        for (test, left) in candidates(feature, bins) {
          let gain = gain(left) + gain(all - left) - allGain
          if gain > best?.gain ?? 0 { best = (gain, test) }
        }
      }
      guard let best else { continue }
      tree.nodes[leaf].test = best.test
      tree.nodes[leaf].gain = best.gain
      tree.nodes[leaf].left = tree.nodes.count
      tree.nodes[leaf].right = tree.nodes.count + 1
      tree.nodes += [.leaf, .leaf]
    }
  }

  /// Every test of a feature with what goes left.
  private func candidates(_ feature: Int, _ bins: [Sum]) -> [(SplitTest, Sum)] {
    var found: [(SplitTest, Sum)] = []
    switch features[feature].kind {
    case .numeric:
      var left = Sum.nothing
      for bin in 1..<max(bins.count - 1, 1) {
        left = left + bins[bin]
        let rule = SplitTest.Rule.upTo(UInt8(truncatingIfNeeded: bin))
        found.append((.init(feature: feature, rule: rule, missingGoesLeft: false), left))
        found.append(
          (.init(feature: feature, rule: rule, missingGoesLeft: true), left + bins[0]))
      }
    case .categorical:
      for bin in 1..<bins.count {
        let rule = SplitTest.Rule.equals(UInt8(truncatingIfNeeded: bin))
        found.append((.init(feature: feature, rule: rule, missingGoesLeft: false), bins[bin]))
      }
    }
    return found
  }

  /// What is known of a sum of noisy elements.
  ///
  /// - Parameter share: of the patients that are expected in it.
  private func weight(_ sum: Sum, variance: Double, share: Double) -> NoisyWeight {
    let expected = counts.patientCount * counts.meanHessian * share
    let prior = expected * expected + 1e-9
    let noise = variance * sum.elementCount / 4
    let hessian = (sum.hessian * prior + expected * noise) / (prior + noise)
    return NoisyWeight(
      gradient: sum.gradient, hessian: min(hessian, counts.patientCount / 4),
      variance: variance * sum.elementCount)
  }

  private mutating func weigh(_ sums: [Sum]) {
    for (leaf, sum) in zip(tree.leaves, sums) {
      let weight = weight(sum, variance: leafVariance, share: 1 / Double(sums.count))
      tree.nodes[leaf].value =
        plan.learningRate * min(max(weight.mean(penalty: plan.l2Penalty), -10), 10)
      tree.nodes[leaf].cover = max(sum.hessian, 1e-3)
    }
    tree.addCovers()
  }
}

extension DecisionTree.Node {
  /// A leaf that adds nothing.
  fileprivate static let leaf = DecisionTree.Node(
    test: nil, left: 0, right: 0, value: 0, cover: 0, gain: 0)
}

extension DecisionTree {
  /// A tree of one leaf.
  fileprivate static let stump = DecisionTree(output: 0, nodes: [.leaf])

  /// Nodes without a test, in order.
  fileprivate var leaves: [Int] { nodes.indices.filter { nodes[$0].test == nil } }

  /// Splits between the root and a node.
  fileprivate func depth(of node: Int) -> Int {
    var depth = 0
    var child = node
    while child > 0 {
      guard
        let parent = nodes.indices.first(where: {
          nodes[$0].test != nil && (nodes[$0].left == child || nodes[$0].right == child)
        })
      else { break }
      child = parent
      depth += 1
    }
    return depth
  }
}
