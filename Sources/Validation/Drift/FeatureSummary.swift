/// The distribution of one feature at one hospital, over bins that all hospitals share.
///
/// Reveals to the study: the counts below and three rounded quartiles. A bin with at least one
/// patient but fewer than the minimum cell is emptied into its nearest filled neighbour; counts then
/// still add up to the number of patients.
public struct FeatureSummary: Sendable, Codable, Equatable {
  /// What the bins are.
  public enum Bins: Sendable, Codable, Equatable {
    /// A number: x < c₁, c₁ ≤ x < c₂, …, c_k ≤ x for strictly ascending finite cuts.
    case cuts([Double])
    /// A category: its levels, then all other levels together.
    case levels([String])

    /// How many bins there are.
    public var count: Int {
      switch self {
      case .cuts(let cuts): return cuts.count + 1
      case .levels(let levels): return levels.count + 1
      }
    }
  }

  /// Quartiles of the values present, rounded to three significant digits.
  public struct Quartiles: Sendable, Codable, Equatable {
    /// The 25 % quantile.
    public let lower: Double
    /// The 50 % quantile.
    public let median: Double
    /// The 75 % quantile.
    public let upper: Double
  }

  /// The feature's name.
  public let feature: String
  /// What the bins are; the same at every hospital.
  public let bins: Bins
  /// Patients per bin, `bins.count` numbers.
  public let counts: [Int]
  /// Patients without a value.
  public let missingCount: Int
  /// Quartiles of a number; nil for a category and below the minimum cell.
  public let quartiles: Quartiles?
  /// How many cells the small-cell rule emptied into another one.
  public let mergedCellCount: Int
  /// The smallest number of patients a released cell may hold.
  public let minimumCell: Int
  /// Whether the hospital has fewer patients than the minimum cell, so that every count is withheld
  /// and stated as 0.
  public let isSuppressed: Bool
  /// Variance of the noise on each count, patients²; nil where the counts are exact.
  public let countNoiseVariance: Double?

  /// The most bins a summary has.
  public static let binLimit = 10_001

  /// Patients with a value.
  public var observedCount: Int { counts.reduce(0, +) }
  /// Patients with and without a value.
  public var patientCount: Int { observedCount + missingCount }
  /// Share of patients without a value; nil without patients.
  public var missingShare: Double? {
    patientCount > 0 ? Double(missingCount) / Double(patientCount) : nil
  }

  /// Summarises a number.
  ///
  /// - Parameters:
  ///   - values: one per patient; NaN is a missing value.
  ///   - patients: whose each value is; nil when each is another patient's.
  ///   - cuts: strictly ascending finite cuts, the same at every hospital.
  ///   - minimumCell: the smallest number of patients a released cell may hold; 1 or less for no
  ///     rule.
  /// - Throws: `outOfRange` for an infinite value, or cuts that do not ascend or are too many;
  ///   `lengthMismatch`.
  public static func numeric(
    feature: String, values: [Double], patients: [Int32]? = nil, cuts: [Double], minimumCell: Int
  ) throws(ValidationError) -> FeatureSummary {
    try checkLength(patients, values.count)
    guard cuts.allSatisfy(\.isFinite), zip(cuts, cuts.dropFirst()).allSatisfy({ $0 < $1 }),
      cuts.count < binLimit
    else {
      throw ValidationError(.outOfRange, "cuts must be finite and ascend", field: "cuts")
    }
    var counts = [Int](repeating: 0, count: cuts.count + 1)
    var cells = [Int](repeating: cuts.count + 1, count: values.count)
    var present: [Double] = []
    for (row, value) in values.enumerated() where !value.isNaN {
      guard value.isFinite else {
        throw ValidationError(
          .outOfRange, "a value must be finite or missing", field: "values", index: row)
      }
      var low = 0
      var high = cuts.count
      while low < high {
        let middle = low + (high - low) / 2
        if cuts[middle] <= value { low = middle + 1 } else { high = middle }
      }
      counts[low] += 1
      cells[row] = low
      present.append(value)
    }
    let minimum = max(1, minimumCell)
    let people = people(patients, cells, cellCount: cuts.count + 2)
    let presentSize =
      people.map { $0.dropLast().reduce(into: Set<Int32>()) { $0.formUnion($1) }.count }
      ?? present.count
    var quartiles: Quartiles?
    if presentSize >= minimum, !present.isEmpty {
      present.sort()
      let parts = [0.25, 0.5, 0.75].map {
        PlainNumber.rounded(quantile(ofSorted: present, share: $0), significantDigits: 3)
      }
      quartiles = Quartiles(lower: parts[0], median: parts[1], upper: parts[2])
    }
    return FeatureSummary(
      feature: feature, bins: .cuts(cuts), counts: counts,
      missingCount: values.count - present.count, people: people, quartiles: quartiles,
      minimumCell: minimum)
  }

  private static func checkLength(_ patients: [Int32]?, _ count: Int) throws(ValidationError) {
    guard let patients, patients.count != count else { return }
    throw ValidationError(.lengthMismatch, "one patient per value", field: "patients")
  }

  /// The patients of each cell; nil when every row is a patient of its own.
  private static func people(
    _ patients: [Int32]?, _ cells: [Int], cellCount: Int
  ) -> [Set<Int32>]? {
    guard let patients else { return nil }
    var people = [Set<Int32>](repeating: [], count: cellCount)
    for (row, cell) in cells.enumerated() { people[cell].insert(patients[row]) }
    return people
  }

  /// Summarises a category.
  ///
  /// - Parameters:
  ///   - codes: one per patient: an index into `levels`, nil for a missing value; anything else
  ///     counts as another level.
  ///   - patients: whose each code is; nil when each is another patient's.
  ///   - levels: the levels all hospitals share.
  ///   - minimumCell: the smallest number of patients a released cell may hold; 1 or less for no
  ///     rule.
  /// - Throws: `outOfRange` for too many levels, `lengthMismatch`.
  public static func categorical(
    feature: String, codes: [Int?], patients: [Int32]? = nil, levels: [String], minimumCell: Int
  ) throws(ValidationError) -> FeatureSummary {
    try checkLength(patients, codes.count)
    guard levels.count < binLimit else {
      throw ValidationError(.outOfRange, "too many levels", field: "levels")
    }
    let cells = codes.map { code in
      code.map { levels.indices.contains($0) ? $0 : levels.count } ?? levels.count + 1
    }
    var counts = [Int](repeating: 0, count: levels.count + 2)
    for cell in cells { counts[cell] += 1 }
    return FeatureSummary(
      feature: feature, bins: .levels(levels), counts: counts.dropLast(),
      missingCount: counts[levels.count + 1],
      people: people(patients, cells, cellCount: levels.count + 2), quartiles: nil,
      minimumCell: max(1, minimumCell))
  }

  /// Applies the small-cell rule to raw counts.
  private init(
    feature: String, bins: Bins, counts: [Int], missingCount: Int, people: [Set<Int32>]?,
    quartiles: Quartiles?, minimumCell: Int
  ) {
    self.feature = feature
    self.bins = bins
    self.minimumCell = minimumCell
    countNoiseVariance = nil
    let cells = SmallCells(
      counts: counts, missingCount: missingCount, people: people, isOrdered: bins.isOrdered,
      minimum: minimumCell)
    self.counts = cells.counts
    self.missingCount = cells.missingCount
    self.mergedCellCount = cells.mergedCellCount
    self.isSuppressed = cells.isSuppressed
    self.quartiles = cells.counts.contains { $0 > 0 } ? quartiles : nil
  }

  /// Assembles a summary that a decoder has checked.
  init(
    unchecked feature: String, bins: Bins, counts: [Int], missingCount: Int,
    quartiles: Quartiles?, mergedCellCount: Int, minimumCell: Int, isSuppressed: Bool
  ) {
    self.feature = feature
    self.bins = bins
    self.counts = counts
    self.missingCount = missingCount
    self.quartiles = quartiles
    self.mergedCellCount = mergedCellCount
    self.minimumCell = minimumCell
    self.isSuppressed = isSuppressed
    countNoiseVariance = nil
  }

  /// A summary from counts that were released with noise.
  ///
  /// - Parameters:
  ///   - noisy: one per bin, and the missing ones last, patients.
  ///   - noiseVariance: of each count, patients².
  /// - Throws: `lengthMismatch`.
  public init(
    feature: String, bins: Bins, noisy: [Double], noiseVariance: Double
  ) throws(ValidationError) {
    guard noisy.count == bins.count + 1 else {
      throw ValidationError(.lengthMismatch, "one count per bin and one missing", field: "noisy")
    }
    let counts = NoisyCounts.whole(NoisyCounts.projected(noisy))
    self.feature = feature
    self.bins = bins
    self.counts = Array(counts.dropLast())
    missingCount = counts[counts.count - 1]
    quartiles = nil
    mergedCellCount = 0
    minimumCell = 1
    isSuppressed = false
    countNoiseVariance = noiseVariance
  }
}

extension FeatureSummary.Bins {
  /// Whether neighbouring bins are neighbours in value.
  public var isOrdered: Bool {
    switch self {
    case .cuts: return true
    case .levels: return false
    }
  }
}
