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
    var walk = PathWalk()
    for tree in model.trees {
      walk.add(tree, bins: bins, to: &result[tree.output])
    }
    return result
  }
}

/// The recursion of one row through one tree. Names are the paper's: d feature, z fraction of paths
/// that flow when the feature is absent, o when it is present, w permutation weight.
///
/// The paths of a node and of those above it lie one behind the other in one stack, so that a walk takes
/// no memory of its own once the stack is as large as the deepest tree needs.
private struct PathWalk {
  private struct Element {
    var feature: Int
    var zero: Double
    var one: Double
    var weight: Double
  }

  private var stack: [Element] = []
  /// Weights of a path from which one element is taken away.
  private var weights: [Double] = []

  /// Adds one tree's contributions for a row of bins, by feature.
  mutating func add(_ tree: DecisionTree, bins: [UInt8], to contributions: inout [Double]) {
    stack.removeAll(keepingCapacity: true)
    visit(
      0, of: tree, bins: bins, path: 0..<0, zero: 1, one: 1, feature: -1, into: &contributions)
  }

  /// - Parameter parent: where the path down to the node's parent lies in the stack.
  private mutating func visit(
    _ index: Int, of tree: DecisionTree, bins: [UInt8], path parent: Range<Int>, zero: Double,
    one: Double, feature: Int, into contributions: inout [Double]
  ) {
    let start = stack.count
    defer { stack.removeLast(stack.count - start) }
    for position in parent { stack.append(stack[position]) }
    extend(from: start, zero: zero, one: one, feature: feature)
    let node = tree.nodes[index]
    guard let test = node.test else {
      for position in (start + 1)..<max(stack.count, start + 1) {
        let element = stack[position]
        let weight = unwoundSum(from: start, position)
        contributions[element.feature] += weight * (element.one - element.zero) * node.value
      }
      return
    }
    var incomingZero = 1.0
    var incomingOne = 1.0
    let known = stack[(start + 1)...].firstIndex { $0.feature == test.feature }
    if let known {
      incomingZero = stack[known].zero
      incomingOne = stack[known].one
      unwind(from: start, known)
    }
    let path = start..<stack.count
    let share = PathDependentExplainer.leftShare(tree, index)
    let goesLeft = test.goesLeft(bins[test.feature])
    visit(
      node.left, of: tree, bins: bins, path: path, zero: incomingZero * share,
      one: goesLeft ? incomingOne : 0, feature: test.feature, into: &contributions)
    visit(
      node.right, of: tree, bins: bins, path: path, zero: incomingZero * (1 - share),
      one: goesLeft ? 0 : incomingOne, feature: test.feature, into: &contributions)
  }

  /// Lengthens the path that begins at `start` by a split.
  private mutating func extend(from start: Int, zero: Double, one: Double, feature: Int) {
    let length = stack.count - start
    stack.append(
      Element(feature: feature, zero: zero, one: one, weight: length == 0 ? 1 : 0))
    for index in stride(from: length - 1, through: 0, by: -1) {
      let weight = stack[start + index].weight
      stack[start + index + 1].weight += one * weight * Double(index + 1) / Double(length + 1)
      stack[start + index].weight = zero * weight * Double(length - index) / Double(length + 1)
    }
  }

  /// The weights of the path that begins at `start` without the element at `position`, into `weights`.
  private mutating func unwindWeights(from start: Int, _ position: Int) {
    let last = stack.count - start - 1
    let (zero, one) = (stack[position].zero, stack[position].one)
    weights.removeAll(keepingCapacity: true)
    for index in 0..<last { weights.append(stack[start + index].weight) }
    var next = stack[start + last].weight
    for index in stride(from: last - 1, through: 0, by: -1) {
      if one != 0 {
        let kept = weights[index]
        weights[index] = next * Double(last + 1) / (Double(index + 1) * one)
        next = kept - weights[index] * zero * Double(last - index) / Double(last + 1)
      } else {
        // Both fractions are 0 only in a branch without cover, which nobody reaches.
        weights[index] =
          zero == 0 ? 0 : weights[index] * Double(last + 1) / (zero * Double(last - index))
      }
    }
  }

  /// Takes the element at `position` out of the path that begins at `start`.
  private mutating func unwind(from start: Int, _ position: Int) {
    unwindWeights(from: start, position)
    for index in position..<(stack.count - 1) {
      stack[index].feature = stack[index + 1].feature
      stack[index].zero = stack[index + 1].zero
      stack[index].one = stack[index + 1].one
    }
    stack.removeLast()
    for (index, weight) in weights.enumerated() { stack[start + index].weight = weight }
  }

  private mutating func unwoundSum(from start: Int, _ position: Int) -> Double {
    unwindWeights(from: start, position)
    var sum = 0.0
    for weight in weights { sum += weight }
    return sum
  }
}
