import PortableNumerics

/// How hospitals differ: every comparison for a heat map, and the ranked findings in plain words.
///
/// Each hospital is compared with the others pooled, without those that stand out themselves. P-values
/// are adjusted together over all tests of the report. Nothing here fails: a hospital whose bins differ
/// from the others' or whose counts are withheld is left out by name.
public struct DriftReport: Sendable, Codable, Equatable {
  /// The hospitals, in the order given.
  public let sites: [String]
  /// Distributions: per feature in order of first appearance, then the score, per hospital.
  public let distributions: [DistributionComparison]
  /// Missingness, prevalence, calibration and discrimination.
  public let values: [ValueComparison]
  /// What stands out, the most important first.
  public let findings: [DriftFinding]
  /// Summaries that could not be compared.
  public let omitted: [SiteOmission]

  /// The name the predicted risks go by in `distributions`.
  public static let scoreName = "predicted risk"

  /// Compares hospitals.
  ///
  /// - Parameters:
  ///   - profiles: one per hospital.
  ///   - descriptions: labels and units; a feature without one goes by its name.
  ///   - unitFactors: the unit mistakes to look for, as `Cohort.UnitConversion.knownFactors` has them.
  ///   - outcomeLabel: what sentences call the outcome.
  public init(
    profiles: [SiteProfile], descriptions: [FeatureDescription] = [],
    unitFactors: [UnitFactor] = [], outcomeLabel: String = "outcome",
    thresholds: DriftThresholds = DriftThresholds()
  ) {
    var comparer = DriftComparer(
      profiles: profiles, descriptions: descriptions, unitFactors: unitFactors,
      thresholds: thresholds)
    comparer.compareFeatures()
    comparer.compareScores()
    comparer.comparePerformance()
    comparer.adjustPValues()
    let writer = FindingWriter(
      comparer: comparer, outcomeLabel: outcomeLabel, thresholds: thresholds)
    sites = profiles.map(\.site)
    distributions = comparer.distributions
    values = comparer.values
    omitted = comparer.omitted
    findings = writer.rankedFindings()
  }

  /// The findings alone.
  public static func findings(
    profiles: [SiteProfile], descriptions: [FeatureDescription] = [],
    unitFactors: [UnitFactor] = [], outcomeLabel: String = "outcome",
    thresholds: DriftThresholds = DriftThresholds()
  ) -> [DriftFinding] {
    DriftReport(
      profiles: profiles, descriptions: descriptions, unitFactors: unitFactors,
      outcomeLabel: outcomeLabel, thresholds: thresholds
    ).findings
  }

  /// The comparison of one feature's distribution at one hospital.
  public func distribution(site: String, feature: String) -> DistributionComparison? {
    distributions.first { $0.site == site && $0.feature == feature }
  }

  /// The comparison of one number at one hospital: for missingness `name` is the feature.
  public func value(
    site: String, subject: DriftFinding.Subject, name: String
  ) -> ValueComparison? {
    values.first { $0.site == site && $0.subject == subject && $0.name == name }
  }
}
