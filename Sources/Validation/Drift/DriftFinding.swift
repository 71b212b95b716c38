/// One difference between a hospital and the others, in numbers and in words.
public struct DriftFinding: Sendable, Codable, Equatable {
  /// What differs.
  public enum Subject: String, Sendable, Codable, CaseIterable {
    /// A feature's values look recorded in another unit.
    case unit
    /// A feature's distribution.
    case feature
    /// The share of patients without a value of a feature.
    case missingness
    /// The share of patients with the outcome.
    case outcome
    /// The distribution of predicted risks.
    case score
    /// O:E or the calibration slope.
    case calibration
    /// AUROC.
    case discrimination
  }

  /// One number behind a finding.
  public struct Measure: Sendable, Codable, Equatable {
    /// What it is, in the field's words.
    public let name: String
    /// Its value, finite.
    public let value: Double
  }

  /// The hospital that differs.
  public let site: String
  /// What differs.
  public let subject: Subject
  /// The feature, for the subjects unit, feature and missingness.
  public let feature: String?
  /// The numbers, the most telling first.
  public let measures: [Measure]
  /// Effect size over the size that counts as a finding, at most 10, times one minus the adjusted
  /// p-value; findings are ranked by it. PSI enters by its square root, because it grows with the
  /// square of a shift while the other effects are linear. Unit mistakes are above 10.
  public let severity: Double
  /// The p-value adjusted over all tests of the report.
  public let adjustedPValue: Double
  /// The finding in one plain sentence without a full stop.
  public let sentence: String
  /// The hospitals it was compared with.
  public let reference: [String]
}

/// The comparison of one distribution at one hospital with the other hospitals.
public struct DistributionComparison: Sendable, Codable, Equatable {
  /// The hospital.
  public let site: String
  /// `feature`, or `score` for the predicted risks.
  public let subject: DriftFinding.Subject
  /// The feature's name; "predicted risk" for the score.
  public let feature: String
  /// Effect sizes and tests.
  public let comparison: CountComparison
  /// The χ² p-value adjusted over all tests of the report.
  public internal(set) var adjustedPValue: Double
  /// The hospital's median; nil for a category.
  public let median: Double?
  /// The typical median of the other hospitals; nil for a category.
  public let medianElsewhere: Double?
  /// The hospitals the others were taken from, without those that stand out themselves.
  public let reference: [String]
}

/// The comparison of one number at one hospital with the other hospitals.
public struct ValueComparison: Sendable, Codable, Equatable {
  /// The hospital.
  public let site: String
  /// `missingness`, `outcome`, `calibration` or `discrimination`.
  public let subject: DriftFinding.Subject
  /// The feature for `missingness`; else the measure: "prevalence", "O:E", "calibration slope",
  /// "AUROC".
  public let name: String
  /// The hospital's value, on the measure's own scale.
  public let value: Double
  /// The other hospitals' value.
  public let valueElsewhere: Double
  /// The effect size the finding is judged by: a difference, on the log or logit scale where the
  /// threshold is.
  public let effect: Double
  /// The p-value of no difference.
  public let pValue: Double
  /// The same, adjusted over all tests of the report.
  public internal(set) var adjustedPValue: Double
  /// The hospitals the others were taken from, without those that stand out themselves.
  public let reference: [String]
}
