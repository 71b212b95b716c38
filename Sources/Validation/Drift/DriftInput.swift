/// What is known about one hospital for the comparison of hospitals.
public struct SiteProfile: Sendable {
  /// The hospital.
  public let site: String
  /// Its features, over the bins all hospitals share.
  public let features: [FeatureSummary]
  /// The distribution of predicted risks over shared cuts; nil to take it from the performance's risk
  /// table.
  public let score: FeatureSummary?
  /// How the model does on its holdout; nil when not available.
  public let performance: SitePerformance?

  /// Creates a profile.
  public init(
    site: String, features: [FeatureSummary], score: FeatureSummary? = nil,
    performance: SitePerformance? = nil
  ) {
    self.site = site
    self.features = features
    self.score = score
    self.performance = performance
  }
}

/// How a report speaks of a feature.
public struct FeatureDescription: Sendable {
  /// The feature's name in the study.
  public let feature: String
  /// What sentences call it.
  public let label: String
  /// The unit the study expects; nil for none.
  public let unit: String?
  /// The word for larger values: "higher", or "older" for an age.
  public let higherWord: String
  /// The word for smaller values.
  public let lowerWord: String

  /// Describes a feature; words left out are chosen: "older" and "younger" for a feature named age,
  /// else "higher" and "lower".
  public init(
    feature: String, label: String? = nil, unit: String? = nil, higherWord: String? = nil,
    lowerWord: String? = nil
  ) {
    let parts = feature.lowercased().split { !$0.isLetter }
    let isAge = parts.first == "age"
    self.feature = feature
    self.label = label ?? feature
    self.unit = unit
    self.higherWord = higherWord ?? (isAge ? "older" : "higher")
    self.lowerWord = lowerWord ?? (isAge ? "younger" : "lower")
  }
}

/// From what size on a difference between hospitals is a finding.
public struct DriftThresholds: Sendable, Codable, Equatable {
  /// Population stability index beyond chance.
  public var populationStability = 0.1
  /// Difference of the shares missing.
  public var missingShare = 0.1
  /// |log odds ratio| of the outcome.
  public var outcomeLogOdds = 0.25
  /// |log| of the ratio of O:E.
  public var observedExpectedLogRatio = 0.2
  /// Difference of the calibration slopes.
  public var calibrationSlope = 0.25
  /// |difference| of logit AUROC; 0.25 is about 0.04 at an AUROC of 0.8.
  public var aurocLogit = 0.25
  /// The largest p-value of a finding, adjusted over all tests (Benjamini-Hochberg).
  public var adjustedPValue = 0.01
  /// Relative tolerance of the unit search.
  public var unitTolerance = 0.25

  /// The defaults.
  public init() {}
}
