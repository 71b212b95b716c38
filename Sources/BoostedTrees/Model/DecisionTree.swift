/// One grown tree.
public struct DecisionTree: Sendable, Hashable, Codable {
  /// A node; node 0 is the root, and children come after their parent.
  public struct Node: Sendable, Hashable {
    /// Which rows go left; nil in a leaf.
    public var test: SplitTest?
    /// Node numbers of the children; 0 in a leaf.
    public var left: Int
    public var right: Int
    /// What the node would add to the margin if it were a leaf; what a leaf adds.
    public var value: Double
    /// Sum of the hessians of the training patients in the node, in hessian units of the scale.
    public var cover: Double
    /// Gain of the split, 0 in a leaf.
    public var gain: Double

    public init(
      test: SplitTest?, left: Int, right: Int, value: Double, cover: Double, gain: Double
    ) {
      self.test = test
      self.left = left
      self.right = right
      self.value = value
      self.cover = cover
      self.gain = gain
    }
  }

  /// The margin that the tree adds to.
  public var output: Int
  public var nodes: [Node]

  public init(output: Int, nodes: [Node]) {
    self.output = output
    self.nodes = nodes
  }

  /// The leaf of a row whose bin of a feature `bin` gives.
  @inline(__always)
  func leaf(_ bin: (Int) -> UInt8) -> Int {
    var index = 0
    while let test = nodes[index].test {
      index = test.goesLeft(bin(test.feature)) ? nodes[index].left : nodes[index].right
    }
    return index
  }

  /// The most splits above one another: what explains a row goes down a tree recursively.
  static let depthLimit = 64

  /// Whether the nodes are a tree over `features`, no deeper than trees are grown.
  func isValid(features: [FeatureBins], outputCount: Int) -> Bool {
    guard (0..<outputCount).contains(output), !nodes.isEmpty else { return false }
    var parents = [Int](repeating: 0, count: nodes.count)
    var depths = parents
    for (index, node) in nodes.enumerated() {
      guard node.value.isFinite, node.cover.isFinite, node.gain.isFinite else { return false }
      guard let test = node.test else { continue }
      guard features.indices.contains(test.feature), node.left > index, node.right > index,
        node.left != node.right, node.left < nodes.count, node.right < nodes.count
      else { return false }
      parents[node.left] += 1
      parents[node.right] += 1
      // Children come after their parents, so that every depth is known in time.
      guard depths[index] < Self.depthLimit else { return false }
      depths[node.left] = depths[index] + 1
      depths[node.right] = depths[index] + 1
      switch (test.rule, features[test.feature].kind) {
      case (.upTo(let bin), .numeric), (.equals(let bin), .categorical):
        guard bin >= 1, Int(bin) < features[test.feature].binCount else { return false }
      default: return false
      }
    }
    return parents[0] == 0 && parents.dropFirst().allSatisfy { $0 == 1 }
  }
}
