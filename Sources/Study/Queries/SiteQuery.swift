import CanonicalBytes
import Cohort

/// A question answered by each site about itself: a small table of aggregates, published to the
/// study in clear because the study is about comparing sites.
public enum SiteQuery: Sendable, Hashable {
  /// Levels that enough of the site's patients have, per listed categorical feature.
  case vocabulary(features: [Int], minimumCell: Int)
  /// The site's flow from records to cohort, with so many steps, and a fingerprint of its data.
  case cohortFlow(stepCount: Int, minimumCell: Int)
  /// What the site's records look like, with so many variables, and what of so many features is missing by
  /// outcome.
  case harmonisation(variableCount: Int, featureCount: Int, minimumCell: Int)
  /// Coefficients of the model the site fits on its own training patients.
  case ownModel(OwnModelRequest)
  /// Performance of models on the site's own holdout.
  case performance(PerformanceRequest)
  /// Binned distributions of the features, the outcome and the score.
  case distribution(DistributionRequest)
  /// Noisy counts of risks by outcome.
  case privatePerformance(PrivatePerformanceRequest)
  /// Noisy distributions.
  case privateDistribution(PrivateDistributionRequest)

  /// How a site fits its own model.
  public struct OwnModelRequest: Sendable, Hashable {
    public var transform: FrozenTransform
    /// λ of the ridge penalty, standardised scale.
    public var ridge: Double
  }

  /// Models to evaluate on each site's holdout.
  public struct PerformanceRequest: Sendable, Hashable {
    public var transform: FrozenTransform
    public var models: [NamedModel]
    /// Also evaluate the model that the site fits on its own training patients, with this ridge.
    public var ownModelRidge: Double?
    public var threshold: Double
    public var minimumCell: Int
  }

  /// Bins on which every site describes its patients.
  public struct DistributionRequest: Sendable, Hashable {
    /// Inner cut points per numeric feature, by its position in the transform.
    public var cuts: [Int: [Double]]
    /// Levels per categorical feature, by its position in the transform.
    public var levels: [Int: [String]]
    public var transform: FrozenTransform
    /// The primary model, whose score is binned too, on all of the site's patients.
    public var model: NamedModel
    /// Inner cut points of the score (risk, 0 … 1).
    public var scoreCuts: [Double]
    public var minimumCell: Int
  }

  /// What the query is for, in a few words.
  public var purpose: String {
    switch self {
    case .vocabulary: "category names"
    case .cohortFlow: "flow and data fingerprint"
    case .harmonisation: "units, codes and gaps of the records"
    case .ownModel: "own model"
    case .performance: "performance on own holdout"
    case .distribution: "distributions for drift"
    case .privatePerformance: "noisy performance on own holdout"
    case .privateDistribution: "noisy distributions for drift"
    }
  }

  public var kind: QueryKind {
    switch self {
    case .vocabulary: .vocabulary
    case .cohortFlow: .cohortFlow
    case .harmonisation: .harmonisation
    case .ownModel: .ownModel
    case .performance: .performance
    case .distribution: .distribution
    case .privatePerformance: .privatePerformance
    case .privateDistribution: .privateDistribution
    }
  }
}

/// Coefficients with the name under which results are kept.
public struct NamedModel: Sendable, Hashable, Codable {
  /// Which patients the model was fitted on.
  public enum Origin: Sendable, Hashable, Codable {
    /// All participating sites.
    case study
    /// One site alone.
    case site(String)
    /// All sites but one.
    case withoutSite(String)
  }

  public var name: String
  public var origin: Origin
  /// Intercept first, standardised scale.
  public var coefficients: [Double]
  /// The trees of a model that is made of them; its coefficients are empty then.
  public var trees: TreeModel?

  public init(name: String, origin: Origin, coefficients: [Double], trees: TreeModel? = nil) {
    self.name = name
    self.origin = origin
    self.coefficients = coefficients
    self.trees = trees
  }

  /// Whether a site evaluates it: a model without a site is of interest at that site only.
  func isEvaluated(at site: String) -> Bool {
    if case .withoutSite(let left) = origin { return left == site }
    return true
  }
}
