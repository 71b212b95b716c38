import PortableNumerics

/// Turns comparisons into ranked findings with a plain sentence each.
struct FindingWriter {
  let comparer: DriftComparer
  let outcomeLabel: String
  let thresholds: DriftThresholds

  /// The findings, the most severe first; equally severe ones by hospital and subject, so that the
  /// order is the same everywhere.
  func rankedFindings() -> [DriftFinding] {
    var findings = unitFindings()
    findings += comparer.distributions.compactMap(distributionFinding)
    findings += comparer.values.compactMap(valueFinding)
    findings.sort { left, right in
      if left.severity != right.severity { return left.severity > right.severity }
      if left.site != right.site { return left.site < right.site }
      if left.subject != right.subject { return left.subject.rawValue < right.subject.rawValue }
      return left.sentence < right.sentence
    }
    return withoutMirrorImages(findings)
  }

  /// Drops "B differs from A" after "A differs from B", which is all that two hospitals can say.
  private func withoutMirrorImages(_ findings: [DriftFinding]) -> [DriftFinding] {
    var kept: [DriftFinding] = []
    for finding in findings {
      let isMirrored = kept.contains { earlier in
        earlier.subject == finding.subject && earlier.feature == finding.feature
          && earlier.measures.first?.name == finding.measures.first?.name
          && earlier.reference == [finding.site] && finding.reference == [earlier.site]
      }
      if !isMirrored { kept.append(finding) }
    }
    return kept
  }

  private func severity(effect: Double, threshold: Double, adjustedPValue: Double) -> Double {
    min(10, max(0, effect / threshold)) * (1 - adjustedPValue)
  }

  // MARK: Units

  private func unitFindings() -> [DriftFinding] {
    comparer.mismatches.map { found in
      let factor = found.mismatch.factor
      let label = comparer.description(of: found.feature).label
      let ratio = found.mismatch.median / found.mismatch.medianElsewhere
      let distribution = comparer.distributions.first {
        $0.site == found.site && $0.feature == found.feature
      }
      let pValue = distribution?.adjustedPValue ?? 0
      let difference =
        factor.offset == 0
        ? "median \(PlainNumber.text(ratio)) times the other hospitals'"
        : "median \(PlainNumber.text(found.mismatch.median)) against "
          + PlainNumber.text(found.mismatch.medianElsewhere)
      return DriftFinding(
        site: found.site, subject: .unit, feature: found.feature,
        measures: [
          .init(name: "ratio of medians", value: ratio),
          .init(name: "conversion factor", value: factor.factor),
          .init(name: "median", value: found.mismatch.median),
          .init(name: "median elsewhere", value: found.mismatch.medianElsewhere),
        ],
        severity: 10 * (2 - pValue), adjustedPValue: pValue,
        sentence: "\(label) at \(found.site): \(difference): recorded in \(factor.recordedUnit) "
          + "instead of \(factor.expectedUnit)?",
        reference: distribution?.reference ?? [])
    }
  }

  // MARK: Distributions

  private func distributionFinding(_ found: DistributionComparison) -> DriftFinding? {
    let effect = found.comparison.excessPopulationStability
    let hasUnitFinding = comparer.mismatches.contains {
      $0.site == found.site && $0.feature == found.feature
    }
    guard effect >= thresholds.populationStability,
      found.adjustedPValue <= thresholds.adjustedPValue, !hasUnitFinding
    else { return nil }
    var measures: [DriftFinding.Measure] = []
    if let median = found.median { measures.append(.init(name: "median", value: median)) }
    if let median = found.medianElsewhere {
      measures.append(.init(name: "median elsewhere", value: median))
    }
    measures += [
      .init(name: "PSI", value: found.comparison.populationStability),
      .init(name: "PSI by chance", value: found.comparison.populationStabilityByChance),
      .init(name: "Jensen-Shannon divergence", value: found.comparison.jensenShannon),
    ]
    if let distance = found.comparison.kolmogorovSmirnov {
      measures.append(.init(name: "Kolmogorov-Smirnov distance", value: distance))
    }
    return DriftFinding(
      site: found.site, subject: found.subject,
      feature: found.subject == .score ? nil : found.feature, measures: measures,
      severity: severity(
        effect: effect.squareRoot(), threshold: thresholds.populationStability.squareRoot(),
        adjustedPValue: found.adjustedPValue),
      adjustedPValue: found.adjustedPValue,
      sentence: "\(comparer.description(of: found.feature).label) at \(found.site): "
        + difference(of: found), reference: found.reference)
  }

  private func difference(of found: DistributionComparison) -> String {
    let description = comparer.description(of: found.feature)
    let index = PlainNumber.text(found.comparison.populationStability, significantDigits: 2)
    if let level = mostChangedLevel(found) { return level }
    if let share = changedFlag(found) { return share }
    let unit = description.unit.map { $0 == "a" ? " years" : " \($0)" } ?? ""
    if let median = found.median, let elsewhere = found.medianElsewhere {
      let own = PlainNumber.text(median)
      let others = PlainNumber.text(elsewhere)
      if own != others {
        let word = median > elsewhere ? description.higherWord : description.lowerWord
        return "\(word) (median \(own) against \(others)\(unit))"
      }
      if let spread = spread(found) { return spread + unit + ")" }
    }
    return "distributed differently (PSI \(index))"
  }

  /// The middle halves, when the medians agree but these do not.
  private func spread(_ found: DistributionComparison) -> String? {
    let others = found.reference.compactMap { comparer.summary(site: $0, feature: found.feature) }
    guard
      let own = comparer.summary(site: found.site, feature: found.feature)?.quartiles,
      let elsewhere = FeatureSummary.typicalQuartiles(others),
      own.lower != elsewhere.lower || own.upper != elsewhere.upper
    else { return nil }
    return "spread differently (middle half \(PlainNumber.text(own.lower)) to "
      + "\(PlainNumber.text(own.upper)) against \(PlainNumber.text(elsewhere.lower)) to "
      + "\(PlainNumber.text(elsewhere.upper))"
  }

  /// The share above the cut, for a feature with a single cut: a flag.
  private func changedFlag(_ found: DistributionComparison) -> String? {
    let others = found.reference.compactMap { comparer.summary(site: $0, feature: found.feature) }
    let total = others.reduce(0) { $0 + $1.observedCount }
    guard let own = comparer.summary(site: found.site, feature: found.feature),
      case .cuts(let cuts) = own.bins, cuts.count == 1, own.observedCount > 0, total > 0
    else { return nil }
    let count = others.reduce(0) { $0 + ($1.counts.last ?? 0) }
    let share = Double(own.counts.last ?? 0) / Double(own.observedCount)
    return "yes in \(PlainNumber.percent(share)) against "
      + PlainNumber.percent(Double(count) / Double(total))
  }

  /// The level whose share differs most, for a category; of two that differ alike, the one that is
  /// more frequent here. A flag's levels "no" and "yes" are told by the share of "yes".
  private func mostChangedLevel(_ found: DistributionComparison) -> String? {
    guard let own = comparer.summary(site: found.site, feature: found.feature),
      case .levels(let levels) = own.bins, own.observedCount > 0
    else { return nil }
    let others = found.reference.compactMap { comparer.summary(site: $0, feature: found.feature) }
    let total = others.reduce(0) { $0 + $1.observedCount }
    guard total > 0 else { return nil }
    var best: (level: Int, share: Double, elsewhere: Double)?
    for level in own.counts.indices {
      let share = Double(own.counts[level]) / Double(own.observedCount)
      let count = others.reduce(0) {
        $0 + ($1.counts.indices.contains(level) ? $1.counts[level] : 0)
      }
      let elsewhere = Double(count) / Double(total)
      guard let leader = best else {
        best = (level, share, elsewhere)
        continue
      }
      let lead = (share - elsewhere).magnitude - (leader.share - leader.elsewhere).magnitude
      if lead > 1e-9 || (lead >= -1e-9 && share > elsewhere && leader.share < leader.elsewhere) {
        best = (level, share, elsewhere)
      }
    }
    if levels == ["no", "yes"] {
      let yes = others.reduce(0) { $0 + ($1.counts.count > 1 ? $1.counts[1] : 0) }
      let share = Double(own.counts[1]) / Double(own.observedCount)
      return "yes in \(PlainNumber.percent(share)) against "
        + PlainNumber.percent(Double(yes) / Double(total))
    }
    guard let best else { return nil }
    let name = levels.indices.contains(best.level) ? "\"\(levels[best.level])\"" : "another level"
    return "\(name) in \(PlainNumber.percent(best.share)) against "
      + PlainNumber.percent(best.elsewhere)
  }

  // MARK: Values

  private func valueFinding(_ found: ValueComparison) -> DriftFinding? {
    let threshold = threshold(of: found)
    guard found.effect.magnitude >= threshold, found.adjustedPValue <= thresholds.adjustedPValue
    else { return nil }
    return DriftFinding(
      site: found.site, subject: found.subject,
      feature: found.subject == .missingness ? found.name : nil,
      measures: [
        .init(
          name: found.subject == .missingness ? "share missing" : found.name, value: found.value),
        .init(name: "elsewhere", value: found.valueElsewhere),
      ],
      severity: severity(
        effect: found.effect.magnitude, threshold: threshold,
        adjustedPValue: found.adjustedPValue),
      adjustedPValue: found.adjustedPValue, sentence: sentence(of: found),
      reference: found.reference)
  }

  private func threshold(of found: ValueComparison) -> Double {
    switch (found.subject, found.name) {
    case (.missingness, _): return thresholds.missingShare
    case (.outcome, _): return thresholds.outcomeLogOdds
    case (.discrimination, _): return thresholds.aurocLogit
    case (_, "O:E"): return thresholds.observedExpectedLogRatio
    default: return thresholds.calibrationSlope
    }
  }

  private func sentence(of found: ValueComparison) -> String {
    let value = PlainNumber.text(found.value)
    let elsewhere = PlainNumber.text(found.valueElsewhere)
    switch (found.subject, found.name) {
    case (.missingness, let feature):
      return "\(comparer.description(of: feature).label) at \(found.site): missing in "
        + "\(PlainNumber.percent(found.value)) against \(PlainNumber.percent(found.valueElsewhere))"
    case (.outcome, _):
      return "\(outcomeLabel) at \(found.site): in \(PlainNumber.percent(found.value)) of patients "
        + "against \(PlainNumber.percent(found.valueElsewhere))"
    case (.discrimination, _):
      return "discrimination at \(found.site): AUROC \(value) against \(elsewhere)"
    case (_, "O:E"):
      return "calibration at \(found.site): \(value) times as many events as predicted, elsewhere "
        + "\(elsewhere) times"
    default:
      let words = found.value < 1 ? "risks too extreme" : "risks not extreme enough"
      return "calibration at \(found.site): slope \(value) against \(elsewhere) (\(words))"
    }
  }
}
