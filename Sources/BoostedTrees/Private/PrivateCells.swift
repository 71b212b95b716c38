/// What one noisy sum of trees counts: in which cells a patient is, and with what.
///
/// Every row of a patient is in one cell of each *block* (a feature's bins, a tree's leaves), or, with
/// gradients and hessians, in one pair of cells.
public enum PrivateCells: Sendable, Hashable {
  /// y − p by bin of each listed feature; p is the model's probability so far. One block a feature.
  case gradients(features: [Int])
  /// Patients without, then with the outcome, by leaf of each tree. One block a tree.
  case leaves([DecisionTree])
  /// y − p, then twice p·(1 − p), by leaf of the tree and bin of each listed feature; leaves outermost.
  /// One block a feature.
  case histograms(DecisionTree, features: [Int])
  /// y − p, then twice p·(1 − p), by leaf of the tree. One block.
  case leafGradients(DecisionTree)
  /// Patients without, then with the outcome, by how many of these ascending cuts are at or below the
  /// margin of the model so far. One block.
  case margins(cuts: [Double])

  /// Lattice units of a whole patient in one cell.
  public static let unit: Int64 = 1 << 12

  /// Square of the largest L2 distance, lattice units, by which adding or removing one patient with all
  /// rows moves a site's answer.
  ///
  /// *Proof.* A site's answer is the sum over its patients of a vector of integers that `answer` makes of
  /// that patient's rows and the public query alone, so that adding or removing a patient moves it by
  /// that vector; and a vector longer than this bound is not added, by exact integer arithmetic
  /// (`PatientSum`). That the clip seldom bites: a patient with one row has, of m blocks,
  /// - gradients: one cell each, |y − p| ≤ 1, so at most m·u², u the unit;
  /// - leaves, margins: one cell each, with u, so exactly m·u²;
  /// - histograms, leaf gradients: two cells each, |y − p| ≤ 1 and 2p(1 − p) ≤ ½, so at most m·(u² + u²/4).
  ///
  /// A patient with several rows is scaled down to that length.
  public var squaredSensitivity: UInt64 {
    let square = UInt64(Self.unit * Self.unit)
    let blocks = UInt64(blockCount)
    return switch self {
    case .gradients, .leaves, .margins: blocks * square
    case .histograms, .leafGradients: blocks * (square + square / 4)
    }
  }

  /// m.
  public var blockCount: Int {
    switch self {
    case .gradients(let features), .histograms(_, let features): features.count
    case .leaves(let trees): trees.count
    case .leafGradients, .margins: 1
    }
  }

  /// Elements of an answer over these features.
  public func cellCount(_ bins: [FeatureBins]) -> Int {
    switch self {
    case .gradients(let features): features.reduce(0) { $0 + bins[$1].binCount }
    case .leaves(let trees): trees.reduce(0) { $0 + 2 * $1.leafCount }
    case .histograms(let tree, let features):
      2 * tree.leafCount * features.reduce(0) { $0 + bins[$1].binCount }
    case .leafGradients(let tree): 2 * tree.leafCount
    case .margins(let cuts): 2 * (cuts.count + 1)
    }
  }

  /// A variance of noise in patients², from lattice units². Throws `invalidSettings` outside 0 ..< 2⁶³.
  static func inPatients(_ variance: Double) throws(BoostedTreesError) -> Double {
    guard variance >= 0, variance < 0x1p63 else { throw BoostedTreesError(.invalidSettings) }
    return variance / (Double(unit) * Double(unit))
  }

  /// Throws `invalidQuery` for features or trees that the bins do not have.
  func validate(_ bins: [FeatureBins]) throws(BoostedTreesError) {
    let isValid =
      switch self {
      case .gradients(let features):
        !features.isEmpty && Set(features).count == features.count
          && features.allSatisfy { bins.indices.contains($0) }
      case .leaves(let trees):
        !trees.isEmpty && trees.allSatisfy { $0.isValid(features: bins, outputCount: 1) }
      case .histograms(let tree, let features):
        !features.isEmpty && Set(features).count == features.count
          && features.allSatisfy { bins.indices.contains($0) }
          && tree.isValid(features: bins, outputCount: 1)
      case .leafGradients(let tree): tree.isValid(features: bins, outputCount: 1)
      case .margins(let cuts):
        cuts.allSatisfy(\.isFinite) && zip(cuts, cuts.dropFirst()).allSatisfy { $0 < $1 }
      }
    guard isValid else { throw BoostedTreesError(.invalidQuery) }
  }
}

extension PrivateCells {
  /// A site's answer: the sum over its patients of what each may add.
  ///
  /// - Parameters:
  ///   - table: the rows to use, as bins.
  ///   - outcomes: 0 or 1 by row.
  ///   - patients: the patient of each row; rows of one patient count together.
  ///   - margins: log-odds of the model so far by row; `leaves` does not use them.
  /// - Throws: `shapeMismatch`, `invalidOutcome`, `invalidQuery`.
  public func answer(
    table: BinnedTable, outcomes: [UInt8], patients: [Int32], margins: [Double]
  ) throws(BoostedTreesError) -> [Int64] {
    try validate(table.features)
    guard outcomes.count == table.rowCount, patients.count == table.rowCount,
      margins.count == table.rowCount
    else { throw BoostedTreesError(.shapeMismatch) }
    for (row, outcome) in outcomes.enumerated() where outcome > 1 {
      throw BoostedTreesError(.invalidOutcome, index: row)
    }
    let layout = CellLayout(self, bins: table.features)
    var sum = PatientSum(
      count: cellCount(table.features), squaredLimit: Int64(squaredSensitivity))
    let ordered = table.rowIndices.sorted { (patients[$0], $0) < (patients[$1], $1) }
    for (position, row) in ordered.enumerated() {
      layout.add(
        outcome: outcomes[row], margin: margins[row], to: &sum,
        bin: { table.bin(row: row, feature: $0) })
      if position + 1 == ordered.count || patients[ordered[position + 1]] != patients[row] {
        sum.endPatient()
      }
    }
    return sum.total
  }
}

extension BinnedTable {
  fileprivate var rowIndices: Range<Int> { 0..<rowCount }
}

extension DecisionTree {
  /// Leaves of the tree.
  var leafCount: Int { nodes.reduce(0) { $0 + ($1.test == nil ? 1 : 0) } }

  /// The number of each leaf among the leaves, by node; −1 for others.
  var leafNumbers: [Int] {
    var count = 0
    return nodes.map { node in
      guard node.test == nil else { return -1 }
      count += 1
      return count - 1
    }
  }
}

extension PrivateCells {
  /// Throws `totalLength`, or `totalOutOfRange` with the element for one that neither patients nor noise
  /// explain.
  ///
  /// - Parameters:
  ///   - patientCount: as published with noise; far more are allowed for.
  ///   - variance: of the noise of an element, in patients.
  func check(
    _ total: [Int64], bins: [FeatureBins], patientCount: Double, variance: Double
  ) throws(BoostedTreesError) {
    guard total.count == cellCount(bins) else { throw BoostedTreesError(.totalLength) }
    let limit =
      Double(Self.unit) * (0x1p20 + 16 * patientCount + 60 * variance.squareRoot())
    for (index, value) in total.enumerated() where Double(value).magnitude > limit {
      throw BoostedTreesError(.totalOutOfRange, index: index)
    }
  }
}
