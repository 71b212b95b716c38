/// What interventional Shapley values need to know of the background patients: how many satisfy
/// which of the conditions on the way to each leaf. Counts add over sites.
///
/// For a leaf whose path tests the distinct features f₀ < f₁ < …, bit i of a patient's pattern says
/// whether the patient's value of fᵢ satisfies every condition on it. A leaf with d distinct features
/// has 2^d counts. The answer is one vector: the patients, then every tree's leaves in node order.
///
/// Reveals small contingency tables, summed over sites: apply the minimum cell to the total.
public struct BackgroundPatterns: Sendable {
  /// Conditions of one leaf.
  struct Leaf: Sendable {
    let node: Int
    let value: Double
    /// Distinct features of the path, ascending.
    let features: [Int]
    /// By feature: whether a bin satisfies the path's conditions.
    let accepts: [[Bool]]
    /// First of the leaf's counts in the vector.
    let start: Int

    /// Where the leaf's counts stand in the vector.
    var cells: Range<Int> { start..<(start + (1 << features.count)) }

    func pattern(_ bin: (Int) -> UInt8) -> Int {
      var pattern = 0
      for (index, feature) in features.enumerated() where accepts[index][Int(bin(feature))] {
        pattern |= 1 << index
      }
      return pattern
    }
  }

  /// Most counts of one vector.
  public static let maximumElementCount = 1 << 24

  let model: TreeEnsemble
  /// By tree.
  let leaves: [[Leaf]]
  /// Elements of the vector.
  public let elementCount: Int

  /// Throws `invalidSettings` when the trees are so deep that the counts exceed the maximum.
  public init(model: TreeEnsemble) throws(BoostedTreesError) {
    self.model = model
    var next = 1
    var all: [[Leaf]] = []
    for tree in model.trees {
      let leaves = try Self.leaves(of: tree, features: model.features, next: &next)
      all.append(leaves)
    }
    leaves = all
    elementCount = next
  }

  private static func leaves(
    of tree: DecisionTree, features: [FeatureBins], next: inout Int
  ) throws(BoostedTreesError) -> [Leaf] {
    var conditions = [[Int: [Bool]]](repeating: [:], count: tree.nodes.count)
    var result: [Leaf] = []
    for (index, node) in tree.nodes.enumerated() {
      guard let test = node.test else {
        let distinct = conditions[index].keys.sorted()
        guard distinct.count <= 20, next + (1 << distinct.count) <= maximumElementCount else {
          throw BoostedTreesError(.invalidSettings)
        }
        result.append(
          Leaf(
            node: index, value: node.value, features: distinct,
            accepts: distinct.map { conditions[index][$0] ?? [] }, start: next))
        next += 1 << distinct.count
        continue
      }
      for (child, left) in [(node.left, true), (node.right, false)] {
        conditions[child] = conditions[index]
        var accepts =
          conditions[index][test.feature]
          ?? [Bool](repeating: true, count: features[test.feature].binCount)
        for bin in accepts.indices where test.goesLeft(UInt8(truncatingIfNeeded: bin)) != left {
          accepts[bin] = false
        }
        conditions[child][test.feature] = accepts
      }
    }
    return result
  }

  /// Checks a total. Throws `totalLength`, `noPatients`, `totalOutOfRange` with the element for an impossible
  /// count, and `totalInconsistent` with the tree when a leaf's counts do not add up to the patients.
  public func check(_ total: [Int64]) throws(BoostedTreesError) {
    guard total.count == elementCount else { throw BoostedTreesError(.totalLength) }
    guard total[0] > 0 else { throw BoostedTreesError(.noPatients) }
    // A leaf has at most 2^20 counts, so that none of their sums leaves the integers.
    guard total[0] < 1 << 31 else { throw BoostedTreesError(.totalOutOfRange) }
    for (index, count) in total.enumerated() where count < 0 || count > total[0] {
      throw BoostedTreesError(.totalOutOfRange, index: index)
    }
    for (tree, leaves) in leaves.enumerated() {
      for leaf in leaves where total[leaf.cells].reduce(0, +) != total[0] {
        throw BoostedTreesError(.totalInconsistent, index: tree)
      }
    }
  }

  /// A total as it may be printed and kept: of every leaf, patterns that fewer than `minimumCount` patients
  /// have are counted as the leaf's most frequent one. Contributions from it still add up exactly, relative
  /// to the mean that it gives.
  ///
  /// Throws as `InterventionalExplainer` does.
  public func merging(
    _ total: [Int64], below minimumCount: Int
  ) throws(BoostedTreesError) -> [Int64] {
    try check(total)
    var merged = total
    for leaf in leaves.joined() {
      guard let most = leaf.cells.max(by: { total[$0] < total[$1] }) else { continue }
      for cell in leaf.cells where cell != most && total[cell] < minimumCount {
        merged[most] += merged[cell]
        merged[cell] = 0
      }
    }
    return merged
  }

  /// One site's counts over `rows` of a table with the model's bins. Throws `shapeMismatch`.
  public func counts(
    of table: BinnedTable, rows: [Int]
  ) throws(BoostedTreesError) -> [Int64] {
    guard table.features == model.features, rows.allSatisfy({ (0..<table.rowCount).contains($0) })
    else { throw BoostedTreesError(.shapeMismatch) }
    var counts = [Int64](repeating: 0, count: elementCount)
    counts[0] = Int64(rows.count)
    for row in rows {
      let bins = model.features.indices.map { table.bin(row: row, feature: $0) }
      for tree in leaves {
        for leaf in tree { counts[leaf.start + leaf.pattern { bins[$0] }] += 1 }
      }
    }
    return counts
  }
}
