import PortableNumerics

/// Global importance and dependence curves as one vector of integers that adds over sites.
///
/// For one output: the patients; for every feature Σ|φ|; then for every feature and bin the patients
/// in the bin and their Σφ. Contributions are clipped to ±1,024 and counted in units of 2^−20.
///
/// The small-cell rule is applied when the total is read: a bin with fewer patients than the minimum
/// gives no mean.
public struct ContributionSummary: Sendable, Hashable {
  /// Patients summed.
  public let patientCount: Int64
  /// Mean |φ| by feature, in margin units.
  public let importance: [Double]
  /// By feature, then bin (bin 0 for missing): mean φ, nil in small cells.
  public let dependence: [[Double?]]
  /// By feature, then bin: patients, and Σφ. Small cells are in them: whoever prints them merges.
  public let counts: [[Int64]]
  public let sums: [[Double]]

  private static let factor = 0x1p20
  private static let limit = 1024.0

  /// Elements of the vector.
  public static func elementCount(features: [FeatureBins]) -> Int {
    1 + features.count + 2 * features.reduce(0) { $0 + $1.binCount }
  }

  /// One site's vector. `contributions` is a row's φ by feature. Throws `shapeMismatch`, and what
  /// `contributions` throws.
  public static func answer(
    table: BinnedTable, rows: [Int],
    contributions: (_ bins: [UInt8]) throws(BoostedTreesError) -> [Double]
  ) throws(BoostedTreesError) -> [Int64] {
    let features = table.features
    guard rows.allSatisfy({ (0..<table.rowCount).contains($0) }) else {
      throw BoostedTreesError(.shapeMismatch)
    }
    var answer = [Int64](repeating: 0, count: elementCount(features: features))
    answer[0] = Int64(rows.count)
    for row in rows {
      let bins = features.indices.map { table.bin(row: row, feature: $0) }
      let values = try contributions(bins)
      guard values.count == features.count else { throw BoostedTreesError(.shapeMismatch) }
      var start = 1 + features.count
      for (feature, value) in values.enumerated() {
        let clipped = value > -limit ? (value < limit ? value : limit) : -limit
        let units = Int64(Portable.rounded(clipped * factor))
        answer[1 + feature] += units.magnitude < UInt64(Int64.max) ? abs(units) : 0
        answer[start + 2 * Int(bins[feature])] += 1
        answer[start + 2 * Int(bins[feature]) + 1] += units
        start += 2 * features[feature].binCount
      }
    }
    return answer
  }

  /// Reads a total of at most `patientLimit` patients, 1 ..< 2³¹.
  ///
  /// Throws `totalLength`, `noPatients`, `totalOutOfRange`, and `totalInconsistent` with the feature
  /// whose bins do not hold the patients once each.
  public init(
    total: [Int64], features: [FeatureBins], patientLimit: Int, minimumCellCount: Int
  ) throws(BoostedTreesError) {
    guard total.count == Self.elementCount(features: features) else {
      throw BoostedTreesError(.totalLength)
    }
    guard total[0] > 0 else { throw BoostedTreesError(.noPatients) }
    guard total[0] <= Int64(clamping: patientLimit), total[0] < 1 << 31 else {
      throw BoostedTreesError(.totalOutOfRange)
    }
    patientCount = total[0]
    let largest = Int64(Self.limit * Self.factor)
    var start = 1 + features.count
    var importance: [Double] = []
    var dependence: [[Double?]] = []
    var counts: [[Int64]] = []
    var sums: [[Double]] = []
    for (feature, bins) in features.enumerated() {
      guard (0...(largest * total[0])).contains(total[1 + feature]) else {
        throw BoostedTreesError(.totalOutOfRange, index: 1 + feature)
      }
      var binned: Int64 = 0
      importance.append(Double(total[1 + feature]) / Self.factor / Double(total[0]))
      var curve: [Double?] = []
      for bin in 0..<bins.binCount {
        let count = total[start + 2 * bin]
        guard count >= 0, count <= total[0],
          total[start + 2 * bin + 1].magnitude <= UInt64(largest * count)
        else { throw BoostedTreesError(.totalOutOfRange, index: start + 2 * bin) }
        binned += count
        let isShown = count > 0 && count >= minimumCellCount
        curve.append(
          isShown ? Double(total[start + 2 * bin + 1]) / Self.factor / Double(count) : nil)
      }
      guard binned == total[0] else {
        throw BoostedTreesError(.totalInconsistent, index: feature)
      }
      dependence.append(curve)
      counts.append((0..<bins.binCount).map { total[start + 2 * $0] })
      sums.append((0..<bins.binCount).map { Double(total[start + 2 * $0 + 1]) / Self.factor })
      start += 2 * bins.binCount
    }
    self.importance = importance
    self.dependence = dependence
    self.counts = counts
    self.sums = sums
  }
}

extension PathDependentExplainer {
  /// One site's part of the summary of an output. Throws `shapeMismatch`.
  public func summaryAnswer(
    table: BinnedTable, rows: [Int], output: Int = 0
  ) throws(BoostedTreesError) -> [Int64] {
    guard table.features == model.features, model.baseMargins.indices.contains(output) else {
      throw BoostedTreesError(.shapeMismatch)
    }
    return try ContributionSummary.answer(table: table, rows: rows) {
      (bins) throws(BoostedTreesError) -> [Double] in
      contributions(ofBins: bins)[output]
    }
  }
}
