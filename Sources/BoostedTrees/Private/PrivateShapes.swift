import PortableNumerics

/// An explainable boosting machine from noisy sums (Nori, Caruana, Bu, Shen and Kulkarni, ICML 2021).
///
/// Counts by bin are known before, with noise. A step asks for the summed y − p by bin of a few features
/// (`PrivateCells.gradients`), and moves their shape functions; a pass goes once over all features.
/// Hessians are not asked for: that of a bin is its count times p̄(1 − p̄), p̄ the prevalence.
///
/// **Deviations.** No random cuts into leaves: with the gradient G_b of a bin known to σ² and its count
/// known too, the step u is what is most likely of it. G_b = H_b·u_b + noise of variance σ² + H_b, and
/// u is a random walk over the bins of a number (variance τ² a bin) and independent over levels, with
/// variance 1: bins of few patients follow their neighbours, or stay at 0. Features of one step
/// take it from the same margins, which costs as much privacy and fewer rounds; the learning rate is
/// at most 2 over their number, below which copies of one feature in a step do not swing.
///
/// Everything here is a function of published noisy totals, with + − × ÷ in a fixed order.
public struct PrivateShapes: Sendable {
  /// What decides the training besides the totals.
  public struct Plan: Sendable, Hashable {
    /// Passes over all features, 1 … 1000.
    public var passCount = 5
    /// Share of a step that is taken, in (0, 1].
    public var learningRate = 0.5
    /// Features of one step, ≥ 1.
    public var featuresPerStep: Int

    /// - Parameter featureCount: so many features that a pass has at most 25 steps, at least 4.
    public init(featureCount: Int) {
      featuresPerStep = max(1, min(featureCount, max(4, (featureCount + 24) / 25)))
    }

    /// Steps of a pass over so many features.
    public func stepsPerPass(featureCount: Int) -> Int {
      (featureCount + featuresPerStep - 1) / max(featuresPerStep, 1)
    }
  }

  public let plan: Plan
  public let features: [FeatureBins]
  private let counts: PrivateCounts
  /// σ² of the noise of an element, in patients.
  private let variance: Double
  /// The model so far.
  public private(set) var model: AdditiveModel
  /// Steps taken.
  public private(set) var stepCount = 0

  /// Variance of the random walk over a whole number's range, log-odds.
  private static let walkVariance = 2.0
  /// Prior variance of a level's or a missing value's step.
  private static let levelVariance = 1.0
  /// Prior variance of a step of the base margin, and the share of it that is taken.
  private static let baseVariance = 0.01
  private static let baseRate = 0.7

  /// - Parameter variance: of the noise of an element, lattice units² (`PrivateCells.unit`), ≥ 0.
  /// - Throws: `invalidSettings`, `shapeMismatch` for counts that do not fit the bins, `noPatients`.
  public init(
    plan: Plan, features: [FeatureBins], counts: PrivateCounts, variance: Double
  ) throws(BoostedTreesError) {
    guard (1...1000).contains(plan.passCount), plan.learningRate > 0, plan.learningRate <= 1,
      plan.featuresPerStep >= 1, !features.isEmpty
    else { throw BoostedTreesError(.invalidSettings) }
    try counts.validate(features: features)
    self.plan = plan
    self.features = features
    self.counts = counts
    self.variance = try PrivateCells.inPatients(variance)
    model = AdditiveModel(
      objective: .logistic,
      grown: GrownShapes(
        features: features, baseMargin: counts.baseMargin,
        shapes: features.map { [Double](repeating: 0, count: $0.binCount) }, pairs: []))
  }

  /// Steps of the whole training.
  public var totalStepCount: Int {
    plan.passCount * plan.stepsPerPass(featureCount: features.count)
  }

  /// What the next step asks for; nil when training is over.
  public var cells: PrivateCells? {
    stepCount < totalStepCount ? .gradients(features: stepFeatures) : nil
  }

  private var stepFeatures: [Int] {
    let first =
      stepCount % plan.stepsPerPass(featureCount: features.count) * plan.featuresPerStep
    return Array(first..<min(first + plan.featuresPerStep, features.count))
  }

  /// Takes a step from the published noisy total.
  ///
  /// Throws `finished`, `totalLength`, `totalOutOfRange` for a total that no patients and no noise
  /// explain.
  public mutating func absorb(_ total: [Int64]) throws(BoostedTreesError) {
    guard let cells else { throw BoostedTreesError(.finished) }
    try cells.check(
      total, bins: features, patientCount: counts.patientCount, variance: variance)
    let asked = stepFeatures
    let unit = Double(PrivateCells.unit)
    let rate = min(plan.learningRate, 2 / Double(asked.count))
    var start = 0
    var excess = 0.0
    var excessVariance = 0.0
    for feature in asked {
      let end = start + features[feature].binCount
      let gradients = total[start..<end].map { Double($0) / unit }
      start = end
      for gradient in gradients { excess += gradient / Double(asked.count) }
      excessVariance +=
        variance * Double(gradients.count) / Double(asked.count * asked.count)
      let step = likeliest(gradients, feature)
      var shape = model.grown.shapes[feature]
      for bin in shape.indices { shape[bin] += rate * step[bin] }
      model.grown.shapes[feature] = centred(shape, counts.bins[feature])
    }
    // Every feature's bins tell the same sum of all gradients, each with noise of its own.
    let weight = max(counts.patientCount * counts.meanHessian, 1e-9)
    let shrink = weight * weight / (weight * weight + excessVariance / Self.baseVariance)
    model.grown.baseMargin += Self.baseRate * shrink * excess / weight
    model.grown.baseMargin = min(max(model.grown.baseMargin, -30), 30)
    stepCount += 1
  }

  /// The posterior mean of a feature's step.
  private func likeliest(_ gradients: [Double], _ feature: Int) -> [Double] {
    let weights = zip(gradients, counts.bins[feature]).map { gradient, count in
      NoisyWeight(
        gradient: gradient, hessian: count * counts.meanHessian, variance: variance)
    }
    let valueCount = weights.count - 1
    guard case .numeric = features[feature].kind, valueCount > 2 else {
      return weights.map { $0.mean(penalty: 1 / Self.levelVariance) }
    }
    let values = RandomWalk(
      stepVariance: Self.walkVariance / Double(valueCount),
      levelVariance: Self.levelVariance * Double(valueCount)
    ).posteriorMean(
      precision: weights.dropFirst().map(\.precision),
      evidence: weights.dropFirst().map(\.evidence))
    return [weights[0].mean(penalty: 1 / Self.levelVariance)] + values
  }

  /// The shape with a mean of 0 over the patients.
  private func centred(_ shape: [Double], _ counts: [Double]) -> [Double] {
    var sum = 0.0
    var weight = 0.0
    for (value, count) in zip(shape, counts) {
      sum += value * count
      weight += count
    }
    guard weight > 0 else { return shape }
    let mean = sum / weight
    return shape.map { min(max($0 - mean, -30), 30) }
  }
}
