/// Settings of a federated averaging run, the same for every site.
public struct FederatedAveragingSettings: Sendable, Hashable {
  /// Number of rounds, 1 … 100,000.
  public let rounds: Int
  /// Training at a site in each round.
  public let local: LocalTrainingSettings
  /// Largest L2 norm C of one site's update, in (0, 1000]; under differential privacy of one patient's
  /// gradient, and where the bound is adaptive the one of the first step.
  public let clipNorm: Double
  public let serverOptimiser: ServerOptimiser
  /// Server learning rate η, > 0.
  public let serverLearningRate: Double
  /// Decay of the first moment, in [0, 1).
  public let beta1: Double
  /// Decay of the second moment, in [0, 1).
  public let beta2: Double
  /// Adaptivity τ > 0: the degree to which small second moments are trusted.
  public let tau: Double
  /// Seed of the starting parameters and, mixed with the round and a site's own word, of the
  /// shuffles.
  public let seed: UInt64
  /// Under differential privacy: probability with which a patient takes part in a step, in (0, 1].
  public let samplingRate: Double
  /// Under differential privacy: how the bound follows the patients' norms; nil for one that stays.
  public let adaptiveClipping: AdaptiveClipping?

  /// A bound that moves towards a quantile of the patients' norms (Andrew et al., NeurIPS 2021).
  public struct AdaptiveClipping: Sendable, Hashable {
    /// γ: the fraction of patients that should be within the bound, in (0, 1).
    public let quantile: Double
    /// η: how far one step moves the bound, on the logarithmic scale, in (0, 10].
    public let rate: Double

    public init(quantile: Double = 0.5, rate: Double = 0.2) {
      self.quantile = quantile
      self.rate = rate
    }
  }

  /// Throws `invalidSettings` for a value outside its range.
  ///
  /// - Parameter serverLearningRate: nil takes the optimiser's default.
  public init(
    rounds: Int, local: LocalTrainingSettings, clipNorm: Double = 1,
    serverOptimiser: ServerOptimiser = .average, serverLearningRate: Double? = nil,
    beta1: Double = 0.9, beta2: Double = 0.99, tau: Double = 1e-3, seed: UInt64 = 0,
    samplingRate: Double = 1, adaptiveClipping: AdaptiveClipping? = nil
  ) throws(LinearModelError) {
    let rate = serverLearningRate ?? serverOptimiser.defaultLearningRate
    guard rounds >= 1, rounds <= 100_000, clipNorm > 1e-6, clipNorm <= 1000, rate > 0,
      rate <= 1000, beta1 >= 0, beta1 < 1, beta2 >= 0, beta2 < 1, tau > 1e-12, tau <= 1,
      samplingRate > 1e-6, samplingRate <= 1,
      adaptiveClipping.map({ $0.quantile > 0 && $0.quantile < 1 && $0.rate > 0 && $0.rate <= 10 })
        ?? true
    else { throw LinearModelError(.invalidSettings) }
    self.rounds = rounds
    self.local = local
    self.clipNorm = clipNorm
    self.serverOptimiser = serverOptimiser
    self.serverLearningRate = rate
    self.beta1 = beta1
    self.beta2 = beta2
    self.tau = tau
    self.seed = seed
    self.samplingRate = samplingRate
    self.adaptiveClipping = adaptiveClipping
  }
}
