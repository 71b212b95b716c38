/// Exact interventional Shapley values: v(S) is the mean margin over background patients z of a row
/// with the explained patient's values in S and z's elsewhere (Janzing et al. 2020; Lundberg et al.
/// 2020), from pattern counts that were added over sites.
///
/// Let A be the conditions of a leaf that x satisfies and B those that z satisfies. The leaf counts
/// only when A ∪ B is all of them; then with u = |A∖B| and w = |B∖A|, each feature in A∖B gets
/// value · (u−1)! w!/(u+w)! and each in B∖A gets −value · u! (w−1)!/(u+w)!. So the number of
/// background patients by leaf and B is all that is needed.
public struct InterventionalExplainer: Sendable {
  private let patterns: BackgroundPatterns
  private let counts: [Int64]
  private let patientCount: Double
  /// Mean margin of the background patients, by output.
  public let expectedMargins: [Double]

  /// - Parameter total: the sum of `BackgroundPatterns.counts` over sites.
  ///
  /// Throws `totalLength`, `noPatients`, `totalOutOfRange` for a negative count, and
  /// `totalInconsistent` with the tree when a leaf's counts do not add up to the patients.
  public init(
    patterns: BackgroundPatterns, total: [Int64]
  ) throws(BoostedTreesError) {
    try patterns.check(total)
    var expected = patterns.model.baseMargins
    for (tree, leaves) in patterns.leaves.enumerated() {
      for leaf in leaves {
        let reached = Double(total[leaf.cells.upperBound - 1])
        expected[patterns.model.trees[tree].output] += leaf.value * reached / Double(total[0])
      }
    }
    self.patterns = patterns
    counts = total
    patientCount = Double(total[0])
    expectedMargins = expected
  }

  /// Contributions of each feature to each output's margin, by output. Throws `shapeMismatch`.
  public func contributions(of row: [Double]) throws(BoostedTreesError) -> [[Double]] {
    try contributions(ofBins: try patterns.model.bins(of: row))
  }

  /// Contributions of a row of bins, by output. Throws `shapeMismatch`.
  public func contributions(ofBins bins: [UInt8]) throws(BoostedTreesError) -> [[Double]] {
    let model = patterns.model
    guard bins.count == model.features.count,
      zip(bins, model.features).allSatisfy({ Int($0) < $1.binCount })
    else { throw BoostedTreesError(.shapeMismatch) }
    var result = model.baseMargins.map { _ in
      [Double](repeating: 0, count: model.features.count)
    }
    for (tree, leaves) in patterns.leaves.enumerated() {
      let output = model.trees[tree].output
      for leaf in leaves { add(leaf, bins: bins, to: &result[output]) }
    }
    return result
  }

  private func add(_ leaf: BackgroundPatterns.Leaf, bins: [UInt8], to target: inout [Double]) {
    let full = (1 << leaf.features.count) - 1
    let own = leaf.pattern { bins[$0] }
    let missing = full & ~own
    // B runs over the supersets of the conditions that x does not satisfy.
    var extra = own
    while true {
      let pattern = missing | extra
      let count = counts[leaf.start + pattern]
      if count > 0 {
        let gained = own & ~pattern
        let share = leaf.value * Double(count) / patientCount
        let u = gained.nonzeroBitCount
        let w = missing.nonzeroBitCount
        if u > 0 { spread(share / Self.choices(u, w), over: gained, leaf, &target) }
        if w > 0 { spread(-share / Self.choices(w, u), over: missing, leaf, &target) }
      }
      if extra == 0 { break }
      extra = (extra - 1) & own
    }
  }

  private func spread(
    _ value: Double, over features: Int, _ leaf: BackgroundPatterns.Leaf,
    _ target: inout [Double]
  ) {
    for (index, feature) in leaf.features.enumerated() where features >> index & 1 == 1 {
      target[feature] += value
    }
  }

  /// (u + w)!/((u − 1)! w!) = u · C(u + w, w).
  private static func choices(_ u: Int, _ w: Int) -> Double {
    var result = Double(u)
    for step in 0..<w { result = result * Double(u + w - step) / Double(step + 1) }
    return result
  }
}
