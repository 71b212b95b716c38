import Cohort
import PortableNumerics
import Validation

/// Preparation under differential privacy: one noisy release of counts over public bins, and everything
/// else computed from it.
extension StudyProgram {
  /// Asks for the marginals and makes the frozen transform from them.
  func privatePreparation(_ privacy: PrivacyPlan) async throws -> Preparation {
    let features = plan.cohort.features
    let bins = features.map { Self.publicBins($0) }
    let query = SumQuery.MarginalsQuery(
      bins: bins.map(\.query), noise: try privacy.noise(of: .marginals))
    let total = try await sum(.marginals(query), stage: "prepare")
    let counts = total.values.map { Double($0) / Double(PrivacyPlan.countUnit) }
    let deviation =
      Double(query.noise.variance).squareRoot() / Double(PrivacyPlan.countUnit)
    let outcome = NoisyCounts.projected(Array(counts.prefix(2)))
    let patientCount = outcome[0] + outcome[1]
    guard patientCount >= 2 * deviation, patientCount >= 1 else {
      throw StudyError(
        .tooFew,
        "the number of training patients is smaller than the noise that epsilon"
          + " \(privacy.goal.epsilon) asks for; add sites, or raise `epsilon`")
    }
    var profile = Profile(
      trainingCount: Int(patientCount.rounded()),
      trainingEventCount: Int(min(outcome[1], patientCount).rounded(.down)), holdoutCount: 0,
      holdoutEventCount: 0, present: [], positive: [])
    var vocabularies: [Int: Vocabulary] = [:]
    var deciles: [Int: [Double]] = [:]
    var parts: [TransformedFeature] = []
    var columnMeans: [Double] = []
    var noisyCells: [[Double]] = []
    var offset = 2
    for (index, feature) in features.enumerated() {
      let width = bins[index].query.count + 1
      let cells = NoisyCounts.projected(Array(counts[offset..<(offset + width)]))
      offset += width
      noisyCells.append(cells)
      let column = NoisyColumn(
        feature: feature, bins: bins[index], cells: cells,
        // A column is worth having when the cell behind it stands clear of the noise.
        floor: max(3 * deviation, 0.01 * patientCount))
      profile.present.append(Int(column.presentCount.rounded()))
      profile.positive.append(feature.isFlag ? Int(cells[1].rounded()) : 0)
      parts.append(column.transformed)
      columnMeans += column.columnMeans
      if feature.isNumber { deciles[index] = column.deciles }
      vocabularies[index] = column.vocabulary
    }
    return Preparation(
      profile: profile, vocabularies: vocabularies, deciles: deciles,
      transform: try FrozenTransform(parts), columnMeans: columnMeans, noisyCells: noisyCells,
      noisyOutcomes: outcome, kept: Array(features.indices))
  }

  /// Public bins of a feature, and for a number the edges that stand for their values.
  static func publicBins(_ feature: FeatureSpecification) -> NoisyColumn.Bins {
    switch feature.kind {
    case .flag: .init(query: .flag, edges: [])
    case .category(let levels): .init(query: .levels(levels ?? []), edges: [])
    case .number(_, let range, let resolution):
      numberBins(range ?? -1e6...1e6, resolution: resolution)
    }
  }

  /// One bin per recordable value where there are few, else equal widths, on the log scale for a range
  /// that spans more than a factor of 20.
  private static func numberBins(
    _ range: ClosedRange<Double>, resolution: Double?
  ) -> NoisyColumn.Bins {
    let count = PrivacyPlan.marginalBins
    let width = range.upperBound - range.lowerBound
    var edges: [Double]
    if let resolution, resolution > 0, width / resolution < Double(count) {
      let steps = Int((width / resolution).rounded(.down))
      edges = (0...(steps + 1)).map { range.lowerBound + (Double($0) - 0.5) * resolution }
    } else if range.lowerBound > 0, range.upperBound / range.lowerBound > 20 {
      let low = Portable.log(range.lowerBound)
      let high = Portable.log(range.upperBound)
      edges = (0...count).map {
        Portable.exp(low + (high - low) * Double($0) / Double(count))
      }
    } else {
      edges = (0...count).map { range.lowerBound + width * Double($0) / Double(count) }
    }
    return .init(query: .cuts(Array(edges.dropFirst().dropLast())), edges: edges)
  }
}

/// What the noisy counts of one feature say about it.
struct NoisyColumn {
  struct Bins {
    var query: SumQuery.MarginalBins
    /// Edges of a number's bins, one more than bins; empty for other kinds.
    var edges: [Double]
  }

  let feature: FeatureSpecification
  let bins: Bins
  /// One count ≥ 0 per bin, the missing ones last.
  let cells: [Double]
  /// Patients below which a cell gets no column of its own.
  let floor: Double

  var counts: [Double] { Array(cells.dropLast()) }
  var missingCount: Double { cells.last ?? 0 }
  var presentCount: Double { counts.reduce(0, +) }
  private var hasIndicator: Bool { missingCount > floor && presentCount > 0 }

  /// Deciles 10 % … 90 % of a number.
  var deciles: [Double] {
    (1...9).map {
      NoisyCounts.quantile(Double($0) / 10, counts: counts, edges: bins.edges)
    }
  }

  /// Levels of a category with their counts; nil for other kinds.
  var vocabulary: StudyProgram.Vocabulary? {
    guard case .levels(let levels) = bins.query else { return nil }
    return .init(
      levels: levels, counts: counts.prefix(levels.count).map { Int($0.rounded()) },
      otherCount: Int((counts.last ?? 0).rounded()), missingCount: Int(missingCount.rounded()))
  }

  var transformed: TransformedFeature {
    switch bins.query {
    case .cuts:
      let (mean, deviation) = moments
      return .number(
        .init(
          name: feature.name, unit: feature.unit,
          imputation: NoisyCounts.quantile(0.5, counts: counts, edges: bins.edges), center: mean,
          scale: deviation, hasMissingIndicator: hasIndicator))
    case .flag:
      return .flag(
        .init(
          name: feature.name, imputation: counts[1] > counts[0] ? 1 : 0,
          hasMissingIndicator: hasIndicator))
    case .levels(let levels):
      let most = levels.indices.max { (counts[$0], $1) < (counts[$1], $0) } ?? 0
      return .category(
        .init(
          name: feature.name, levels: levels.isEmpty ? ["any"] : levels,
          reference: levels.isEmpty ? "any" : levels[most],
          hasOther: (counts.last ?? 0) > floor, hasMissingLevel: missingCount > floor))
    }
  }

  /// Mean of each design column that `transformed` gives, in its order; 0 for the scaled number, which
  /// is centred already.
  var columnMeans: [Double] {
    let total = max(presentCount + missingCount, 1)
    let missing = hasIndicator ? [missingCount / total] : []
    switch transformed {
    case .number: return [0] + missing
    case .flag(let flag):
      return [(counts[1] + flag.imputation * missingCount) / total] + missing
    case .category(let category):
      var means = zip(category.levels, counts).filter { $0.0 != category.reference }
        .map { $0.1 / total }
      if category.hasOther { means.append((counts.last ?? 0) / total) }
      if category.hasMissingLevel { means.append(missingCount / total) }
      return means
    }
  }

  /// Mean and standard deviation from the bins' middles; the range's where nobody has a value.
  private var moments: (mean: Double, deviation: Double) {
    let edges = bins.edges
    let middles = counts.indices.map { (edges[$0] + edges[$0 + 1]) / 2 }
    let width = edges[edges.count - 1] - edges[0]
    guard presentCount > 0 else { return ((edges[0] + edges[edges.count - 1]) / 2, width / 4) }
    var mean = 0.0
    for (count, middle) in zip(counts, middles) { mean += count * middle }
    mean /= presentCount
    var square = 0.0
    for (count, middle) in zip(counts, middles) {
      square += count * (middle - mean) * (middle - mean)
    }
    let deviation = (square / presentCount).squareRoot()
    return (mean, deviation > 1e-3 * width ? deviation : width / 4)
  }
}
