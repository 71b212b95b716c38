import PortableNumerics

extension DriftComparer {
  /// Compares the shares of patients without a value.
  mutating func compareMissingness(_ entries: [Entry], feature: String) {
    let sites = entries.filter { $0.summary.patientCount > 0 }
    compareShares(
      sites.map {
        (
          site: $0.site, count: $0.summary.missingCount, total: $0.summary.patientCount,
          noise: $0.summary.countNoiseVariance ?? 0
        )
      }, subject: .missingness, name: feature, threshold: thresholds.missingShare
    ) { $0 - $1 }
  }

  /// Compares outcome prevalence, O:E, calibration slope and AUROC.
  mutating func comparePerformance() {
    let known = profiles.compactMap { profile in
      profile.performance.map { (site: profile.site, performance: $0) }
    }
    compareShares(
      known.compactMap { entry in
        entry.performance.prevalence.map {
          (entry.site, $0.count, $0.total, entry.performance.countNoiseVariance ?? 0)
        }
      }, subject: .outcome, name: "prevalence", threshold: thresholds.outcomeLogOdds
    ) { share, elsewhere in
      let bounded = [share, elsewhere].map { min(max($0, 0.001), 0.999) }
      return Portable.logit(bounded[0]) - Portable.logit(bounded[1])
    }
    for (measure, subject, name, threshold) in [
      (
        PerformanceSummary.Measure.observedExpectedRatio, DriftFinding.Subject.calibration, "O:E",
        thresholds.observedExpectedLogRatio
      ),
      (.calibrationSlope, .calibration, "calibration slope", thresholds.calibrationSlope),
      (.auroc, .discrimination, "AUROC", thresholds.aurocLogit),
    ] {
      compareEstimates(
        known.compactMap { entry in
          measure.estimate(entry.performance).map { (entry.site, $0) }
        }, measure: measure, subject: subject, name: name, threshold: threshold)
    }
  }

  /// Compares each hospital's share with the pooled share of its reference.
  private mutating func compareShares(
    _ sites: [(site: String, count: Int, total: Int, noise: Double)],
    subject: DriftFinding.Subject, name: String, threshold: Double,
    effect: (Double, Double) -> Double
  ) {
    func compared(
      _ site: Int, _ reference: [Int]
    ) -> (value: Double, elsewhere: Double, pValue: Double)? {
      let total = reference.reduce(0) { $0 + sites[$1].total }
      let count = reference.reduce(0) { $0 + sites[$1].count }
      guard total > 0, sites[site].total > 0,
        let comparison = CountComparison(
          reference: [Double(count), Double(total - count)],
          current: [Double(sites[site].count), Double(sites[site].total - sites[site].count)],
          isOrdered: false,
          noise: (reference.reduce(0) { $0 + sites[$1].noise }, sites[site].noise))
      else { return nil }
      return (
        Double(sites[site].count) / Double(sites[site].total), Double(count) / Double(total),
        comparison.pValue
      )
    }
    let references = OutlierSearch.references(count: sites.count) { site, reference in
      compared(site, reference).map {
        OutlierSearch.Difference(
          size: effect($0.value, $0.elsewhere).magnitude / threshold, pValue: $0.pValue)
      }
    }
    for (site, reference) in references.enumerated() {
      guard let found = compared(site, reference) else { continue }
      values.append(
        ValueComparison(
          site: sites[site].site, subject: subject, name: name, value: found.value,
          valueElsewhere: found.elsewhere, effect: effect(found.value, found.elsewhere),
          pValue: found.pValue, adjustedPValue: found.pValue,
          reference: reference.map { sites[$0].site }))
    }
  }

  /// Compares each hospital's estimate with the fixed-effect mean of its reference.
  private mutating func compareEstimates(
    _ sites: [(site: String, estimate: Estimate)], measure: PerformanceSummary.Measure,
    subject: DriftFinding.Subject, name: String, threshold: Double
  ) {
    let usable = sites.filter { ($0.estimate.standardError ?? 0) > 1e-9 }
    /// The fixed-effect mean of the reference and z of the difference.
    func compared(_ site: Int, _ reference: [Int]) -> (elsewhere: Double, pValue: Double)? {
      guard !reference.isEmpty, let error = usable[site].estimate.standardError else { return nil }
      var weightSum = 0.0
      var sum = 0.0
      for other in reference {
        let otherError = usable[other].estimate.standardError ?? 1
        weightSum += 1 / (otherError * otherError)
        sum += usable[other].estimate.value / (otherError * otherError)
      }
      let elsewhere = sum / weightSum
      let z =
        (usable[site].estimate.value - elsewhere) / (error * error + 1 / weightSum).squareRoot()
      return elsewhere.isFinite && z.isFinite ? (elsewhere, twoSidedNormalPValue(z)) : nil
    }
    let references = OutlierSearch.references(count: usable.count) { site, reference in
      compared(site, reference).map {
        OutlierSearch.Difference(
          size: (usable[site].estimate.value - $0.elsewhere).magnitude / threshold,
          pValue: $0.pValue)
      }
    }
    for (site, reference) in references.enumerated() {
      guard let found = compared(site, reference) else { continue }
      let value = usable[site].estimate.value
      values.append(
        ValueComparison(
          site: usable[site].site, subject: subject, name: name, value: measure.display(value),
          valueElsewhere: measure.display(found.elsewhere), effect: value - found.elsewhere,
          pValue: found.pValue, adjustedPValue: found.pValue,
          reference: reference.map { usable[$0].site }))
    }
  }
}
