import CanonicalBytes
import Cohort
import FixedPoint

/// A question answered by one integer vector, readable only as a sum over sites.
///
/// This list is the whole repertoire: a site runs nothing that is not compiled into its own agent
/// (design decision 2).
public enum SumQuery: Sendable, Hashable {
  /// Rows, events and values present, of training and holdout patients.
  case profile
  /// What is left after each step from records to the cohort.
  case flow
  /// How many training patients have each level of each categorical feature.
  case levels([LevelRequest])
  /// How many training values lie below each probe, per numeric feature.
  case below([ProbeRequest])
  /// Sums and sums of squares of standardised training values.
  case moments([MomentRequest])
  /// Training patients with and without the outcome by bin of every feature.
  case screen(ScreenQuery)
  /// How many sites find each feature pointing up, and down.
  case directions(ScreenQuery)
  /// Sums of products of columns, from which missing numbers are predicted.
  case crossProducts(CrossProductQuery)
  /// Gradients, Hessians and log-likelihoods of logistic models.
  case newton(NewtonQuery)
  /// Clipped weight updates of local training.
  case averaging(AveragingQuery)
  /// Noisy counts per bin of every feature.
  case marginals(MarginalsQuery)
  /// One noisy step of a model.
  case privateStep(PrivateStepQuery)
  /// One noisy step of a model of trees.
  case privateTrees(PrivateTreeQuery)
  /// Histograms of gradients and hessians in the leaves of trees.
  case treeGrowth(TreeGrowthQuery)
  /// Histograms of gradients and hessians by feature or pair.
  case shapes(ShapeQuery)
  /// Sums of what each feature contributes to a model of trees.
  case contributions(ContributionQuery)
  /// Background patients by the conditions of the leaves of trees.
  case background(BackgroundQuery)
  /// How many sites are against a model.
  case vote(VoteQuery)

  /// Levels to count; a patient with none of them counts as "other".
  public struct LevelRequest: Sendable, Hashable {
    /// Index into the plan's features.
    public var feature: Int
    public var levels: [String]
  }

  /// Probes of one numeric feature, ascending, in the study's unit.
  public struct ProbeRequest: Sendable, Hashable {
    public var feature: Int
    public var probes: [Double]
  }

  /// One numeric feature's values, shifted and scaled before they are summed.
  public struct MomentRequest: Sendable, Hashable {
    public var feature: Int
    /// Subtracted first, in the study's unit.
    public var center: Double
    /// Then divided by, in the study's unit, > 0.
    public var scale: Double
  }

  /// One Newton step of several fits at once.
  public struct NewtonQuery: Sendable, Hashable {
    public var transform: FrozenTransform
    public var fits: [Fit]

    /// One fit: where it stands, and which site's patients it leaves out.
    public struct Fit: Sendable, Hashable {
      public var model: String
      /// Intercept first, then one coefficient per design column, standardised scale.
      public var coefficients: [Double]
      /// A site whose patients count as zero; nil for all sites.
      public var excludedSite: String?
    }
  }

  /// One round of federated averaging.
  public struct AveragingQuery: Sendable, Hashable {
    public var transform: FrozenTransform
    public var model: ModelSpecification
    /// Round of this model's training, from 0.
    public var round: Int
    public var weights: [Double]
  }

  /// What the query is for, in a few words; the same text names it in the review, in the
  /// transcript, in errors and in the report.
  public var purpose: String {
    switch self {
    case .profile: "profile counts"
    case .flow: "flow from records to cohort"
    case .levels: "category counts"
    case .below: "quantile counts"
    case .moments: "means and standard deviations"
    case .screen: "counts of the features by outcome"
    case .directions: "directions of the features"
    case .crossProducts: "sums of products of columns"
    case .newton: "logistic regression, Newton step"
    case .averaging: "federated averaging round"
    case .marginals: "noisy feature counts"
    case .privateStep: "noisy training step"
    case .privateTrees: "noisy step of trees"
    case .treeGrowth: "histograms of gradients in the leaves of trees"
    case .shapes: "histograms of gradients by feature"
    case .contributions: "summed contributions of the features"
    case .background: "background patients by the conditions of leaves"
    case .vote: "vote on the model"
    }
  }

  /// The sites without which the query is not answered with data, empty for none: it asks about the
  /// same patients at the same place as a sum that was opened over exactly these, so that the sum of
  /// fewer would show, by the difference, what the missing ones hold. Derived from the totals before,
  /// like everything in a query; a site sends zeros into any other round.
  public var companions: [String] {
    switch self {
    case .treeGrowth(let query): query.companions
    case .shapes(let query): query.companions
    case .crossProducts(let query): query.companions
    default: []
    }
  }

  /// Name under which a site's policy allows or refuses the query.
  public var kind: QueryKind {
    switch self {
    case .profile: .profile
    case .flow: .flow
    case .levels: .categoryCounts
    case .below: .quantileCounts
    case .moments: .moments
    case .screen: .screen
    case .directions: .directions
    case .crossProducts: .crossProducts
    case .newton: .newton
    case .averaging: .averaging
    case .marginals: .marginals
    case .privateStep: .privateStep
    case .privateTrees: .privateTrees
    case .treeGrowth: .treeGrowth
    case .shapes: .shapes
    case .contributions: .contributions
    case .background: .background
    case .vote: .vote
    }
  }

  /// The ring the answer lives in: counts fit 32 bits, scaled reals take 64.
  public var ringWidth: RingWidth {
    switch self {
    case .profile, .levels, .below, .screen, .directions, .background, .vote: .bits32
    case .flow, .moments, .crossProducts, .newton, .averaging, .marginals, .privateStep,
      .privateTrees,
      .treeGrowth, .shapes, .contributions:
      .bits64
    }
  }
}

/// The names of queries that a site's policy lists.
public enum QueryKind: String, Sendable, Hashable, Codable, CaseIterable {
  case profile
  case flow = "flow-counts"
  case categoryCounts = "category-counts"
  case quantileCounts = "quantile-counts"
  case moments
  case screen = "screen-counts"
  case directions = "feature-directions"
  case crossProducts = "cross-products"
  case newton
  case averaging
  case marginals = "noisy-counts"
  case privateStep = "noisy-step"
  case privateTrees = "noisy-trees"
  case treeGrowth = "tree-histograms"
  case shapes = "shape-histograms"
  case contributions = "contribution-sums"
  case background = "background-counts"
  case vote = "model-vote"
  case vocabulary
  case cohortFlow = "cohort-flow"
  case harmonisation
  case ownModel = "own-model"
  case performance
  case distribution
  case privatePerformance = "noisy-performance"
  case privateDistribution = "noisy-distribution"
}
