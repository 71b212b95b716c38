/// Exact path-dependent TreeSHAP (Lundberg et al. 2020, Nature Machine Intelligence 2, algorithm 2):
/// Shapley values of the game v(S) in which a tree is followed at splits by features in S, and both
/// children are weighted by their covers at the others.
///
/// Needs the model alone. Contributions add up to the margin: Σφ + expected margin = margin, within
/// rounding. A feature that no tree uses gets 0. Cost O(leaves · depth²) per row.
public struct PathDependentExplainer: Sendable {
  public let model: TreeEnsemble
  /// Mean margin of each output, the trees' covers as weights: what the contributions start from.
  public let expectedMargins: [Double]

  public init(model: TreeEnsemble) {
    self.model = model
    var expected = model.baseMargins
    for tree in model.trees { expected[tree.output] += Self.mean(tree) }
    expectedMargins = expected
  }

  private static func mean(_ tree: DecisionTree) -> Double {
    var shares = [Double](repeating: 0, count: tree.nodes.count)
    shares[0] = 1
    var sum = 0.0
    for (index, node) in tree.nodes.enumerated() {
      if node.test == nil {
        sum += shares[index] * node.value
      } else {
        let share = leftShare(tree, index)
        shares[node.left] = shares[index] * share
        shares[node.right] = shares[index] * (1 - share)
      }
    }
    return sum
  }

  /// The left child's part of the cover.
  static func leftShare(_ tree: DecisionTree, _ index: Int) -> Double {
    let left = tree.nodes[tree.nodes[index].left].cover
    let right = tree.nodes[tree.nodes[index].right].cover
    return left + right > 0 ? left / (left + right) : 0.5
  }

  /// Contributions of each feature to each output's margin, by output. Throws `shapeMismatch`.
  public func contributions(of row: [Double]) throws(BoostedTreesError) -> [[Double]] {
    contributions(ofBins: try model.bins(of: row))
  }

  /// Contributions of a row of bins, by output. Throws `shapeMismatch`.
  public func contributions(
    ofCheckedBins bins: [UInt8]
  ) throws(BoostedTreesError) -> [[Double]] {
    guard bins.count == model.features.count else { throw BoostedTreesError(.shapeMismatch) }
    return contributions(ofBins: bins)
  }

  func contributions(ofBins bins: [UInt8]) -> [[Double]] {
    var result = model.baseMargins.map { _ in
      [Double](repeating: 0, count: model.features.count)
    }
    for tree in model.trees {
      var walk = PathWalk(tree: tree, bins: bins)
      walk.visit(0, path: [], zero: 1, one: 1, feature: -1)
      for (feature, value) in walk.contributions { result[tree.output][feature] += value }
    }
    return result
  }
}

/// The recursion of one row through one tree. Names are the paper's: d feature, z fraction of paths
/// that flow when the feature is absent, o when it is present, w permutation weight.
private struct PathWalk {
  struct Element {
    var feature: Int
    var zero: Double
    var one: Double
    var weight: Double
  }

  let tree: DecisionTree
  let bins: [UInt8]
  var contributions: [(Int, Double)] = []

  init(tree: DecisionTree, bins: [UInt8]) {
    self.tree = tree
    self.bins = bins
  }

  mutating func visit(
    _ index: Int, path: [Element], zero: Double, one: Double, feature: Int
  ) {
    var path = Self.extended(path, zero: zero, one: one, feature: feature)
    let node = tree.nodes[index]
    guard let test = node.test else {
      for position in path.indices.dropFirst() {
        let element = path[position]
        let weight = Self.unwoundSum(path, position)
        contributions.append(
          (element.feature, weight * (element.one - element.zero) * node.value))
      }
      return
    }
    var incomingZero = 1.0
    var incomingOne = 1.0
    if let position = path.indices.dropFirst().first(where: { path[$0].feature == test.feature }) {
      incomingZero = path[position].zero
      incomingOne = path[position].one
      path = Self.unwound(path, position)
    }
    let share = PathDependentExplainer.leftShare(tree, index)
    let goesLeft = test.goesLeft(bins[test.feature])
    visit(
      node.left, path: path, zero: incomingZero * share, one: goesLeft ? incomingOne : 0,
      feature: test.feature)
    visit(
      node.right, path: path, zero: incomingZero * (1 - share), one: goesLeft ? 0 : incomingOne,
      feature: test.feature)
  }

  private static func extended(
    _ path: [Element], zero: Double, one: Double, feature: Int
  ) -> [Element] {
    var path = path
    let length = path.count
    path.append(
      Element(feature: feature, zero: zero, one: one, weight: length == 0 ? 1 : 0))
    for index in stride(from: length - 1, through: 0, by: -1) {
      path[index + 1].weight += one * path[index].weight * Double(index + 1) / Double(length + 1)
      path[index].weight = zero * path[index].weight * Double(length - index) / Double(length + 1)
    }
    return path
  }

  private static func unwound(_ path: [Element], _ position: Int) -> [Element] {
    var result = path
    let last = path.count - 1
    let (zero, one) = (path[position].zero, path[position].one)
    var next = path[last].weight
    for index in stride(from: last - 1, through: 0, by: -1) {
      if one != 0 {
        let kept = result[index].weight
        result[index].weight = next * Double(last + 1) / (Double(index + 1) * one)
        next = kept - result[index].weight * zero * Double(last - index) / Double(last + 1)
      } else {
        // Both fractions are 0 only in a branch without cover, which nobody reaches.
        result[index].weight =
          zero == 0 ? 0 : result[index].weight * Double(last + 1) / (zero * Double(last - index))
      }
    }
    for index in position..<last {
      result[index].feature = path[index + 1].feature
      result[index].zero = path[index + 1].zero
      result[index].one = path[index + 1].one
    }
    result.removeLast()
    return result
  }

  private static func unwoundSum(_ path: [Element], _ position: Int) -> Double {
    var sum = 0.0
    for element in unwound(path, position) { sum += element.weight }
    return sum
  }
}
