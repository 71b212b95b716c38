import CanonicalBytes
import Cohort

/// Questions of a study under differential privacy: the answers carry noise before they can be read.
extension SumQuery {
  /// Counts per bin of the outcome and of every feature over the training patients, the first row of
  /// each patient.
  public struct MarginalsQuery: Sendable, Hashable {
    /// Bins per feature, in the plan's order.
    public var bins: [MarginalBins]
    public var noise: NoiseRequirement

    /// Cells: no event, event, then per feature its bins and "missing".
    var length: Int { bins.reduce(2) { $0 + $1.count + 1 } }
  }

  /// Public bins of one feature.
  public enum MarginalBins: Sendable, Hashable {
    /// x < c₁, c₁ ≤ x < c₂, …, c_k ≤ x.
    case cuts([Double])
    /// The levels, then all others.
    case levels([String])
    /// No and yes.
    case flag

    var count: Int {
      switch self {
      case .cuts(let cuts): cuts.count + 1
      case .levels(let levels): levels.count + 1
      case .flag: 2
      }
    }

    func write(to writer: inout ByteWriter) {
      switch self {
      case .cuts(let cuts):
        writer.integer(UInt8(0))
        writer.array(cuts) { $0.double($1) }
      case .levels(let levels):
        writer.integer(UInt8(1))
        writer.array(levels) { $0.string($1) }
      case .flag: writer.integer(UInt8(2))
      }
    }
  }

  /// One step of a model with a bounded contribution per patient.
  public struct PrivateStepQuery: Sendable, Hashable {
    public var transform: FrozenTransform
    public var model: ModelSpecification
    /// Step of this model, from 0.
    public var step: Int
    /// Intercept first, standardised scale; of the centred columns (Newton).
    public var coefficients: [Double]
    /// How rows are centred and bounded (Newton); nil for gradient steps, whose patients are clipped as
    /// the model says.
    public var rows: RowBound?
    /// The bound of this step where it is adaptive; nil for the model's own.
    public var clip: Double?
    public var noise: NoiseRequirement

    func write(to writer: inout ByteWriter) {
      transform.write(to: &writer)
      model.write(to: &writer)
      writer.integer(UInt32(step))
      writer.array(coefficients) { $0.double($1) }
      writer.optional(rows) { writer, rows in
        writer.array(rows.means) { $0.double($1) }
        writer.double(rows.norm)
      }
      writer.optional(clip) { writer, clip in writer.double(clip) }
      noise.write(to: &writer)
    }
  }

  /// How rows of a Newton step are centred and bounded.
  public struct RowBound: Sendable, Hashable {
    /// What is subtracted from each design column, from the noisy counts.
    public var means: [Double]
    /// Norm to which rows are scaled down, with their intercept.
    public var norm: Double
  }

  /// The noise the opened sum, or what each site's answer is made from, must carry; nil for a sum
  /// without.
  public var noise: NoiseRequirement? {
    switch self {
    case .marginals(let query): query.noise
    case .privateStep(let query): query.noise
    case .privateTrees(let query): query.noise
    case .vote(let query): query.noise
    case .profile, .flow, .levels, .below, .moments, .screen, .directions, .crossProducts, .newton,
      .averaging, .treeGrowth, .shapes, .contributions, .background:
      nil
    }
  }
}

extension SiteQuery {
  /// Risks of the plan's models by outcome over the site's holdout, as noisy counts.
  public struct PrivatePerformanceRequest: Sendable, Hashable {
    public var transform: FrozenTransform
    public var models: [NamedModel]
    /// Inner cut points of the risk, ascending, 0 … 1.
    public var cuts: [Double]
    public var noise: NoiseRequirement

    /// Cells per model: patients without, then with the outcome, per bin of risk.
    var length: Int { models.count * 2 * (cuts.count + 1) }
  }

  /// The site's distributions as noisy counts.
  public struct PrivateDistributionRequest: Sendable, Hashable {
    /// Bins per feature, in the plan's order.
    public var bins: [SumQuery.MarginalBins]
    public var transform: FrozenTransform
    public var model: NamedModel
    /// Inner cut points of the score.
    public var scoreCuts: [Double]
    public var noise: NoiseRequirement

    /// Cells: per feature its bins and "missing", then the score's bins.
    var length: Int { bins.reduce(scoreCuts.count + 1) { $0 + $1.count + 1 } }
  }

  /// The noise the answer must carry; nil for an answer without.
  public var noise: NoiseRequirement? {
    switch self {
    case .privatePerformance(let request): request.noise
    case .privateDistribution(let request): request.noise
    case .vocabulary, .cohortFlow, .harmonisation, .ownModel, .performance, .distribution: nil
    }
  }
}
