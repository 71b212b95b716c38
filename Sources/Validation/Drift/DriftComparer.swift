import PortableNumerics

/// Computes every comparison of a drift report.
struct DriftComparer {
  /// One hospital's summary of a feature that can be compared.
  struct Entry {
    let site: String
    let summary: FeatureSummary
  }

  let profiles: [SiteProfile]
  let descriptions: [FeatureDescription]
  let unitFactors: [UnitFactor]
  let thresholds: DriftThresholds

  var distributions: [DistributionComparison] = []
  var values: [ValueComparison] = []
  var omitted: [SiteOmission] = []
  /// Unit mistakes by hospital and feature.
  var mismatches: [(site: String, feature: String, mismatch: UnitMismatch)] = []

  init(
    profiles: [SiteProfile], descriptions: [FeatureDescription], unitFactors: [UnitFactor],
    thresholds: DriftThresholds
  ) {
    self.profiles = profiles
    self.descriptions = descriptions
    self.unitFactors = unitFactors
    self.thresholds = thresholds
  }

  /// The description of a feature, or one made from its name.
  func description(of feature: String) -> FeatureDescription {
    descriptions.first { $0.feature == feature } ?? FeatureDescription(feature: feature)
  }

  /// The summary of a feature at a hospital.
  func summary(site: String, feature: String) -> FeatureSummary? {
    guard let profile = profiles.first(where: { $0.site == site }) else { return nil }
    if feature == DriftReport.scoreName { return profile.score }
    return profile.features.first { $0.feature == feature }
  }

  // MARK: Features

  /// Compares distributions, units and missingness of every feature.
  mutating func compareFeatures() {
    var seen: Set<String> = []
    for feature in profiles.flatMap({ $0.features.map(\.feature) })
    where seen.insert(feature).inserted {
      let entries = comparable(feature) { profile in
        profile.features.first { $0.feature == feature }
      }
      let mistaken = findUnitMismatches(entries, feature: feature)
      compareDistribution(
        entries, subject: .feature, feature: feature, setAside: mistaken)
      compareMissingness(entries, feature: feature)
    }
  }

  /// The hospitals whose summary has the bins most hospitals have; the others are omitted by name.
  private mutating func comparable(
    _ feature: String, _ summary: (SiteProfile) -> FeatureSummary?
  ) -> [Entry] {
    let present = profiles.compactMap { profile in
      summary(profile).map { Entry(site: profile.site, summary: $0) }
    }
    var shapes: [(bins: FeatureSummary.Bins, count: Int)] = []
    for entry in present {
      if let index = shapes.firstIndex(where: { $0.bins == entry.summary.bins }) {
        shapes[index].count += 1
      } else {
        shapes.append((entry.summary.bins, 1))
      }
    }
    let most = shapes.map(\.count).max() ?? 0
    guard let common = shapes.first(where: { $0.count == most })?.bins else { return [] }
    var entries: [Entry] = []
    for entry in present {
      if entry.summary.bins != common {
        omitted.append(
          SiteOmission(site: entry.site, reason: "\(feature): other bins than the other sites"))
      } else if entry.summary.isSuppressed {
        omitted.append(
          SiteOmission(site: entry.site, reason: "\(feature): below the minimum cell"))
      } else {
        entries.append(entry)
      }
    }
    return entries
  }

  /// Looks for a unit mistake at each hospital; the indices of those that have one.
  private mutating func findUnitMismatches(_ entries: [Entry], feature: String) -> Set<Int> {
    var found: Set<Int> = []
    for (index, entry) in entries.enumerated() {
      guard let current = entry.summary.quartiles else { continue }
      let others = entries.indices.filter { $0 != index }.map { entries[$0].summary }
      guard let elsewhere = FeatureSummary.typicalQuartiles(others),
        let mismatch = UnitMismatch.detect(
          current: current, elsewhere: elsewhere, feature: feature,
          unit: description(of: feature).unit, candidates: unitFactors,
          tolerance: thresholds.unitTolerance)
      else { continue }
      mismatches.append((entry.site, feature, mismatch))
      found.insert(index)
    }
    // When as many hospitals look mistaken as not, it is not the hospitals that are.
    return 2 * found.count < entries.count ? found : []
  }

  private mutating func compareDistribution(
    _ entries: [Entry], subject: DriftFinding.Subject, feature: String, setAside: Set<Int>
  ) {
    let counts = entries.map { $0.summary.counts.map(Double.init) }
    let isOrdered = entries.first?.summary.bins.isOrdered ?? true
    compareDistribution(
      sites: entries.map(\.site), counts: counts,
      noise: entries.map { $0.summary.countNoiseVariance ?? 0 }, isOrdered: isOrdered,
      subject: subject, feature: feature, setAside: setAside
    ) { site, reference in
      (
        entries[site].summary.quartiles?.median,
        FeatureSummary.typicalQuartiles(reference.map { entries[$0].summary })?.median
      )
    }
  }

  /// Compares the counts of each hospital with the pooled counts of its reference.
  private mutating func compareDistribution(
    sites: [String], counts: [[Double]], noise: [Double], isOrdered: Bool,
    subject: DriftFinding.Subject, feature: String, setAside: Set<Int>,
    medians: (Int, [Int]) -> (Double?, Double?)
  ) {
    func compared(_ site: Int, _ reference: [Int]) -> CountComparison? {
      guard !reference.isEmpty else { return nil }
      var pooled = [Double](repeating: 0, count: counts[site].count)
      for other in reference {
        for bin in pooled.indices { pooled[bin] += counts[other][bin] }
      }
      return CountComparison(
        reference: pooled, current: counts[site], isOrdered: isOrdered,
        noise: (reference.reduce(0) { $0 + noise[$1] }, noise[site]))
    }
    let references = OutlierSearch.references(count: sites.count, setAside: setAside) {
      site, reference in
      compared(site, reference).map {
        OutlierSearch.Difference(
          size: $0.excessPopulationStability / thresholds.populationStability,
          pValue: $0.pValue)
      }
    }
    for (site, reference) in references.enumerated() {
      guard let comparison = compared(site, reference) else { continue }
      let (median, medianElsewhere) = medians(site, reference)
      distributions.append(
        DistributionComparison(
          site: sites[site], subject: subject, feature: feature, comparison: comparison,
          adjustedPValue: comparison.pValue, median: median, medianElsewhere: medianElsewhere,
          reference: reference.map { sites[$0] }))
    }
  }

  // MARK: Scores

  /// Compares the distributions of predicted risks, from summaries where every hospital with a
  /// performance has one, else from the risk tables.
  mutating func compareScores() {
    if profiles.contains(where: { $0.score != nil }) {
      let entries = comparable(DriftReport.scoreName) { $0.score }
      compareDistribution(
        entries, subject: .score, feature: DriftReport.scoreName, setAside: [])
      return
    }
    let tables = profiles.compactMap { profile in
      profile.performance?.riskTable.map { (site: profile.site, table: $0) }
    }
    guard tables.count >= 2 else { return }
    let cuts = RiskTable.commonCuts(tables.map(\.table), bins: 10)
    compareDistribution(
      sites: tables.map(\.site), counts: tables.map { $0.table.patients(between: cuts) },
      noise: tables.map { _ in 0 }, isOrdered: true, subject: .score,
      feature: DriftReport.scoreName, setAside: []
    ) { _, _ in (nil, nil) }
  }

  // MARK: Adjustment

  /// Adjusts all p-values together.
  mutating func adjustPValues() {
    let adjusted = BenjaminiHochberg.adjusted(
      distributions.map(\.comparison.pValue) + values.map(\.pValue))
    for index in distributions.indices { distributions[index].adjustedPValue = adjusted[index] }
    for index in values.indices {
      values[index].adjustedPValue = adjusted[distributions.count + index]
    }
  }
}
