import PortableNumerics

/// Grows one tree from summed histograms alone: the same at every site, whatever the sites hold.
struct TreeBuilder: Sendable {
  /// What all trees of a training share.
  struct Context: Sendable {
    let bins: [FeatureBins]
    let settings: GrowthSettings
    let scale: DerivativeScale
    let learningRate: Double
  }

  /// A leaf that may still be split.
  private struct OpenLeaf {
    let number: Int
    let node: Int
    let depth: Int
    var leaf: SplitSearch.Leaf
    let layout: HistogramLayout
    var histogram: [Int64] = []
    var counts: [Int64] = []
    var candidate: SplitSearch.Candidate?
  }

  /// Leaves that wait for a histogram: the one asked for, and the one that is the difference.
  private struct Waiting {
    var built: OpenLeaf
    var sibling: OpenLeaf?
    /// The parent's histogram, where there is a sibling.
    var parent: [Int64] = []
    var parentCounts: [Int64] = []
  }

  private let context: Context
  private let seed: UInt64
  private(set) var tree: DecisionTree
  /// Node of each leaf, by leaf number.
  private var leafNodes = [0]
  private var open: [OpenLeaf] = []
  private var waiting: [Waiting] = []
  private var request = TreeRequest()
  private let treeFeatures: [Int]

  /// - Parameter seed: decides the features that the tree and its nodes may use.
  init(context: Context, output: Int, seed: UInt64) {
    self.context = context
    self.seed = seed
    let all = Array(context.bins.indices)
    treeFeatures = Self.sample(
      all, rate: context.settings.featureRatePerTree, seed: SplitMix64.seed(seed, 1))
    tree = DecisionTree(
      output: output,
      nodes: [.init(test: nil, left: 0, right: 0, value: 0, cover: 0, gain: 0)])
    let root = OpenLeaf(
      number: 0, node: 0, depth: 0, leaf: .init(total: 0, count: 0), layout: layout(node: 0))
    waiting = [Waiting(built: root)]
    request.histograms = [HistogramRequest(leaf: 0, features: root.layout.features)]
  }

  /// What is to be asked next. Its splits are handed out once: of the trees of a batch, some are
  /// complete before others.
  mutating func takeRequest() -> TreeRequest {
    let taken = request
    request = TreeRequest()
    return taken
  }

  /// Whether nothing more is asked.
  var isComplete: Bool { waiting.isEmpty }

  /// Asks nothing more: every leaf stays one, with the value that its parent's split gave it.
  mutating func close() {
    waiting = []
    open = []
    request.histograms = []
  }

  /// Words that the tree's part of a total has.
  var answerCount: Int { waiting.reduce(0) { $0 + $1.built.layout.binCount } }

  /// The splits not yet handed out and what each leaf adds, once the tree is complete.
  var completed: CompletedTree {
    CompletedTree(splits: request.splits, leafValues: leafNodes.map { tree.nodes[$0].value })
  }

  private static func sample(_ features: [Int], rate: Double, seed: UInt64) -> [Int] {
    guard rate < 1 else { return features }
    let count = max(1, Int((rate * Double(features.count)).rounded(.toNearestOrEven)))
    let ranked = features.map { (SplitMix64.seed(seed, UInt64($0)), $0) }.sorted { $0 < $1 }
    return ranked.prefix(count).map(\.1).sorted()
  }

  private func layout(node: Int) -> HistogramLayout {
    let features = Self.sample(
      treeFeatures, rate: context.settings.featureRatePerNode,
      seed: SplitMix64.seed(seed, 2, UInt64(node)))
    return HistogramLayout(features: features, of: context.bins)
  }

  /// Takes the summed histograms, and counts where they are kept, in the order of the request.
  mutating func absorb(
    _ words: UnsafeBufferPointer<Int64>, counts: UnsafeBufferPointer<Int64>?
  ) throws(BoostedTreesError) {
    let arrived = waiting
    waiting = []
    var offset = 0
    for var wait in arrived {
      let size = wait.built.layout.binCount
      wait.built.histogram = Array(words[offset..<(offset + size)])
      guard Self.arePlausible(wait.built.histogram) else {
        throw BoostedTreesError(.totalOutOfRange)
      }
      if let counts {
        wait.built.counts = Array(counts[offset..<(offset + size)])
        for count in wait.built.counts where count < 0 || count > context.scale.patientLimit {
          throw BoostedTreesError(.totalOutOfRange)
        }
      }
      offset += size
      if wait.built.node == 0 { try takeRootTotals(&wait.built) }
      if var sibling = wait.sibling {
        sibling.histogram = Self.difference(wait.parent, wait.built.histogram)
        sibling.counts = Self.difference(wait.parentCounts, wait.built.counts)
        guard Self.arePlausible(sibling.histogram) else {
          throw BoostedTreesError(.totalOutOfRange)
        }
        for count in sibling.counts where count < 0 {
          throw BoostedTreesError(.totalOutOfRange)
        }
        // In the order of their leaf numbers: the left child has the lower one.
        let isLeft = wait.built.number < sibling.number
        try evaluate(isLeft ? wait.built : sibling)
        try evaluate(isLeft ? sibling : wait.built)
      } else {
        try evaluate(wait.built)
      }
    }
    grow()
  }

  /// Whether no word has a negative hessian: the sign bits of all low halves in one pass.
  private static func arePlausible(_ words: [Int64]) -> Bool {
    var signs: Int64 = 0
    for word in words { signs |= word }
    return PackedWord.hessian(signs) >= 0
  }

  /// What the other child leaves of the parent, element by element; both have one length.
  ///
  /// Written where it stays: whoever absorbs keeps the state before, for a total that is refused, so
  /// that the parent's memory is not free to take it.
  private static func difference(_ parent: [Int64], _ child: [Int64]) -> [Int64] {
    let count = min(parent.count, child.count)
    return [Int64](unsafeUninitializedCapacity: count) { target, written in
      for index in 0..<count { target[index] = parent[index] &- child[index] }
      written = count
    }
  }

  private mutating func takeRootTotals(_ root: inout OpenLeaf) throws(BoostedTreesError) {
    let size = context.bins[root.layout.features[0]].binCount
    var total: Int64 = 0
    for word in root.histogram.prefix(size) { total &+= word }
    let count = root.counts.prefix(size).reduce(0, &+)
    let limit = Double(context.scale.patientLimit)
    let gradient = Double(PackedWord.gradient(total).magnitude)
    let hessian = Double(PackedWord.hessian(total))
    guard gradient <= limit * context.scale.gradientLimit,
      hessian <= limit * context.scale.hessianLimit, hessian >= 0
    else { throw BoostedTreesError(.totalOutOfRange) }
    root.leaf = SplitSearch.Leaf(total: total, count: count)
    setNode(0, total: total, lower: -.infinity, upper: .infinity)
  }

  /// The node's value and cover.
  private mutating func setNode(_ node: Int, total: Int64, lower: Double, upper: Double) {
    let gradient = Double(PackedWord.gradient(total)) * context.scale.gradientUnit
    let hessian = Double(PackedWord.hessian(total)) * context.scale.hessianUnit
    let weight = LeafWeight(context.settings).weight(
      gradient, hessian, lower: lower, upper: upper)
    tree.nodes[node].value = weight * context.learningRate
    tree.nodes[node].cover = hessian
  }

  private mutating func evaluate(_ leaf: OpenLeaf) throws(BoostedTreesError) {
    var leaf = leaf
    let search = SplitSearch(
      bins: context.bins, settings: context.settings, scale: context.scale)
    leaf.candidate = try search.best(
      leaf.leaf, layout: leaf.layout, histogram: leaf.histogram, counts: leaf.counts)
    if leaf.candidate != nil { open.append(leaf) }
  }

  /// Splits leaves until histograms are needed, or nothing is left to split.
  private mutating func grow() {
    request = TreeRequest()
    let leafLimit = context.settings.leafLimit
    while waiting.isEmpty, !open.isEmpty, leafNodes.count < leafLimit {
      var chosen = open.indices.sorted { first, second in
        let a = open[first].candidate?.gain ?? 0
        let b = open[second].candidate?.gain ?? 0
        return a != b ? a > b : open[first].node < open[second].node
      }
      var limit = leafLimit - leafNodes.count
      if case .lossGuided(let leavesPerRound) = context.settings.strategy {
        limit = min(limit, leavesPerRound)
      }
      chosen = chosen.prefix(limit).sorted { open[$0].node < open[$1].node }
      let leaves = chosen.map { open[$0] }
      let taken = Set(chosen)
      open = open.indices.filter { !taken.contains($0) }.map { open[$0] }
      for leaf in leaves { split(leaf) }
    }
    // No room for more leaves: what waits would never be split.
    if leafNodes.count >= leafLimit {
      waiting = []
      request.histograms = []
    }
    if waiting.isEmpty { open = [] }
  }

  private mutating func split(_ parent: OpenLeaf) {
    guard let candidate = parent.candidate else { return }
    let rightNumber = leafNodes.count
    request.splits.append(
      LeafSplit(leaf: parent.number, right: rightNumber, test: candidate.test))
    let leftNode = tree.nodes.count
    let rightNode = leftNode + 1
    tree.nodes[parent.node].test = candidate.test
    tree.nodes[parent.node].left = leftNode
    tree.nodes[parent.node].right = rightNode
    tree.nodes[parent.node].gain = candidate.gain
    let empty = DecisionTree.Node(test: nil, left: 0, right: 0, value: 0, cover: 0, gain: 0)
    tree.nodes += [empty, empty]
    leafNodes[parent.number] = leftNode
    leafNodes.append(rightNode)

    var left = SplitSearch.Leaf(
      total: candidate.left, count: candidate.leftCount, lower: parent.leaf.lower,
      upper: parent.leaf.upper)
    var right = SplitSearch.Leaf(
      total: parent.leaf.total &- candidate.left,
      count: parent.leaf.count - candidate.leftCount, lower: parent.leaf.lower,
      upper: parent.leaf.upper)
    setNode(leftNode, total: left.total, lower: left.lower, upper: left.upper)
    setNode(rightNode, total: right.total, lower: right.lower, upper: right.upper)
    bound(&left, &right, by: candidate.test.feature, nodes: (leftNode, rightNode))

    guard parent.depth + 1 < context.settings.maximumDepth else { return }
    let number = (left: parent.number, right: rightNumber)
    let leaves = [(number.left, leftNode, left), (number.right, rightNode, right)].map {
      OpenLeaf(
        number: $0.0, node: $0.1, depth: parent.depth + 1, leaf: $0.2,
        layout: layout(node: $0.1))
    }
    let splittable = leaves.filter { canSplit($0.leaf) }
    guard !splittable.isEmpty else { return }
    if context.settings.featureRatePerNode < 1 {
      for leaf in splittable { wait(Waiting(built: leaf)) }
    } else {
      // The lighter child is counted, the other is what is left of the parent.
      let leftIsLighter = PackedWord.hessian(left.total) <= PackedWord.hessian(right.total)
      wait(
        Waiting(
          built: leaves[leftIsLighter ? 0 : 1], sibling: leaves[leftIsLighter ? 1 : 0],
          parent: parent.histogram, parentCounts: parent.counts))
    }
  }

  private mutating func wait(_ leaf: Waiting) {
    waiting.append(leaf)
    request.histograms.append(
      HistogramRequest(leaf: leaf.built.number, features: leaf.built.layout.features))
  }

  private func canSplit(_ leaf: SplitSearch.Leaf) -> Bool {
    let hessian = Double(PackedWord.hessian(leaf.total)) * context.scale.hessianUnit
    let minimum = max(context.settings.minimumChildWeight, context.scale.hessianUnit)
    guard hessian >= 2 * minimum else { return false }
    return !context.settings.countsPatients
      || leaf.count >= 2 * Int64(context.settings.minimumChildCount)
  }

  /// A split by a monotone feature bounds both subtrees at the middle of the two weights.
  private func bound(
    _ left: inout SplitSearch.Leaf, _ right: inout SplitSearch.Leaf, by feature: Int,
    nodes: (left: Int, right: Int)
  ) {
    guard !context.settings.monotone.isEmpty else { return }
    let direction = context.settings.monotone[feature]
    guard direction != 0 else { return }
    let rate = context.learningRate
    let middle =
      (tree.nodes[nodes.left].value / rate + tree.nodes[nodes.right].value / rate) / 2
    if direction > 0 {
      left.upper = min(left.upper, middle)
      right.lower = max(right.lower, middle)
    } else {
      left.lower = max(left.lower, middle)
      right.upper = min(right.upper, middle)
    }
  }
}
