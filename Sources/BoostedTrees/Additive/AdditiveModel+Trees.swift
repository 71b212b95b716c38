/// Shape functions as trees, for files and programs that know trees only.
extension AdditiveModel {
  /// The same model as an ensemble: one tree for each feature and one for each pair, in their order, so
  /// that margins have the same bits.
  ///
  /// A cover counts parts of the shape and not patients, whom the model does not know.
  public var ensemble: TreeEnsemble {
    var trees: [DecisionTree] = []
    for (feature, shape) in shapes.enumerated() {
      var builder = ShapeTree(features: features)
      // Bins of one value share a part.
      let parts = shape.map { value in shape.firstIndex(of: value) ?? 0 }
      builder.divide(feature, parts) { $0.leaf(shape[$1]) }
      trees.append(builder.tree)
    }
    for pair in pairs {
      var builder = ShapeTree(features: features)
      builder.divide(pair.first, pair.firstGroups) { builder, group in
        let values = pair.values[group]
        builder.divide(pair.second, pair.secondGroups) { $0.leaf(values[$1]) }
      }
      trees.append(builder.tree)
    }
    return TreeEnsemble(
      objective: objective, features: features, baseMargins: [baseMargin], trees: trees)
  }
}

/// Nodes of a tree that tells a feature's parts apart.
private struct ShapeTree {
  let features: [FeatureBins]
  private var nodes: [DecisionTree.Node] = []

  init(features: [FeatureBins]) { self.features = features }

  var tree: DecisionTree {
    var nodes = nodes
    // Children come after their parent.
    for index in nodes.indices.reversed() where nodes[index].test != nil {
      nodes[index].cover = nodes[nodes[index].left].cover + nodes[nodes[index].right].cover
    }
    return DecisionTree(output: 0, nodes: nodes)
  }

  mutating func leaf(_ value: Double) {
    nodes.append(.init(test: nil, left: 0, right: 0, value: value, cover: 1, gain: 0))
  }

  /// Adds a subtree that has `leaf` of the part that each bin of a feature belongs to.
  mutating func divide(
    _ feature: Int, _ parts: [Int], leaf: (inout ShapeTree, Int) -> Void
  ) {
    guard let missing = parts.first, parts.contains(where: { $0 != missing }) else {
      leaf(&self, parts.first ?? 0)
      return
    }
    switch features[feature].kind {
    case .numeric:
      // All that is present goes left of the last cut.
      branch(
        feature, .upTo(UInt8(parts.count - 1)),
        left: { $0.divide(feature, parts, 1..<parts.count, leaf: leaf) },
        right: { leaf(&$0, missing) })
    case .categorical:
      divide(feature, levels: parts.indices.filter { parts[$0] != missing }[...], parts, leaf: leaf)
    }
  }

  /// A search by halves among bins that are present.
  private mutating func divide(
    _ feature: Int, _ parts: [Int], _ bins: Range<Int>, leaf: (inout ShapeTree, Int) -> Void
  ) {
    // The last bin of every part but the last.
    let ends = bins.dropLast().filter { parts[$0] != parts[$0 + 1] }
    guard !ends.isEmpty else {
      leaf(&self, parts[bins.lowerBound])
      return
    }
    let end = ends[ends.count / 2]
    branch(
      feature, .upTo(UInt8(end)),
      left: { $0.divide(feature, parts, bins.lowerBound..<(end + 1), leaf: leaf) },
      right: { $0.divide(feature, parts, (end + 1)..<bins.upperBound, leaf: leaf) })
  }

  /// One level after the other; what is left over belongs with the missing values.
  private mutating func divide(
    _ feature: Int, levels: ArraySlice<Int>, _ parts: [Int],
    leaf: (inout ShapeTree, Int) -> Void
  ) {
    guard let level = levels.first else {
      leaf(&self, parts[0])
      return
    }
    branch(
      feature, .equals(UInt8(level)), left: { leaf(&$0, parts[level]) },
      right: { $0.divide(feature, levels: levels.dropFirst(), parts, leaf: leaf) })
  }

  private mutating func branch(
    _ feature: Int, _ rule: SplitTest.Rule, left: (inout ShapeTree) -> Void,
    right: (inout ShapeTree) -> Void
  ) {
    let index = nodes.count
    leaf(0)
    nodes[index].test = SplitTest(feature: feature, rule: rule, missingGoesLeft: false)
    nodes[index].left = nodes.count
    left(&self)
    nodes[index].right = nodes.count
    right(&self)
  }
}
