import PortableNumerics

/// Settings of one site's local training: mini-batch gradient descent.
public struct LocalTrainingSettings: Sendable, Hashable {
  /// Passes over the site's rows in each round, ≥ 1.
  public let epochs: Int
  /// Rows in one step, ≥ 1; the last step of an epoch may have fewer.
  public let batchSize: Int
  /// Step size, > 0 and at most 1000.
  public let learningRate: Double
  /// L2 penalty ½ λ ‖w‖² on the mean loss, over the learner's penalised parameters; ≥ 0.
  public let l2Penalty: Double
  /// FedProx μ ≥ 0: adds ½ μ ‖w − w_global‖² to the local objective (Li et al. 2020, eq. 2).
  public let proximalStrength: Double

  /// Throws `invalidSettings` for a value outside its range.
  public init(
    epochs: Int = 1, batchSize: Int = 16, learningRate: Double = 0.05, l2Penalty: Double = 0,
    proximalStrength: Double = 0
  ) throws(LinearModelError) {
    guard epochs >= 1, batchSize >= 1, learningRate > 0, learningRate <= 1000, l2Penalty >= 0,
      l2Penalty <= 1e9, proximalStrength >= 0, proximalStrength <= 1e300
    else { throw LinearModelError(.invalidSettings) }
    self.epochs = epochs
    self.batchSize = batchSize
    self.learningRate = learningRate
    self.l2Penalty = l2Penalty
    self.proximalStrength = proximalStrength
  }
}

/// A model whose whole state is one vector of doubles, so that federated averaging can train it.
///
/// A learner supplies its loss and gradient; training by mini-batches, FedProx, shuffling and the
/// watch for divergence come with it. A learner with a training method of its own (a compiled
/// network, say) replaces `localUpdate`. Local training runs at one site only, so it need not be
/// bit-identical between machines.
public protocol ParameterVectorLearner: Sendable {
  /// A site's training rows in the form this learner reads.
  associatedtype Examples

  /// Length of the parameter vector.
  var parameterCount: Int { get }

  /// The parameters that the L2 penalty applies to (the intercept is left out).
  var penalisedParameters: Range<Int> { get }

  /// Starting parameters: the same on every machine for the same seed.
  func initialParameters(seed: UInt64) -> [Double]

  /// How many rows there are.
  func exampleCount(_ examples: Examples) -> Int

  /// Throws when the examples do not fit this learner; called before training.
  func check(_ examples: Examples) throws(LinearModelError)

  /// Sum of the loss over the rows `indices`, without penalty.
  func lossSum(at parameters: [Double], examples: Examples, indices: ArraySlice<Int>) -> Double

  /// Adds to `gradient` the gradient of `lossSum`; `gradient` has `parameterCount` elements.
  func addGradient(
    at parameters: [Double], examples: Examples, indices: ArraySlice<Int>,
    to gradient: inout [Double])

  /// Trains from `weights` on the rows `rows` and returns the local parameters.
  ///
  /// - Parameters:
  ///   - weights: the global parameters, `parameterCount` of them.
  ///   - rows: rows to train on, nil for all; for no rows the weights come back unchanged.
  ///   - seed: of the shuffles.
  /// - Throws: `shapeMismatch`; `diverged` with the parameter that became NaN or left ±10⁶.
  func localUpdate(
    from weights: [Double], examples: Examples, rows: [Int]?, settings: LocalTrainingSettings,
    seed: UInt64
  ) throws(LinearModelError) -> [Double]
}

extension ParameterVectorLearner {
  /// Mini-batch gradient descent with an exact proximal step.
  ///
  /// With batch gradient g of the penalised mean loss and step η:
  ///
  ///     w ← (w − η g + η μ w_global) / (1 + η μ)
  ///
  /// The proximal term is taken implicitly: the usual explicit step diverges for η μ > 2, this one
  /// is stable for every μ and stays at w_global as μ → ∞.
  @inlinable
  public func localUpdate(
    from weights: [Double], examples: Examples, rows: [Int]?, settings: LocalTrainingSettings,
    seed: UInt64
  ) throws(LinearModelError) -> [Double] {
    guard weights.count == parameterCount else { throw LinearModelError(.shapeMismatch) }
    try check(examples)
    var order = try Self.checkedRows(rows, count: exampleCount(examples))
    var generator = Xoshiro256StarStar(seed: seed)
    var local = weights
    var gradient = [Double](repeating: 0, count: parameterCount)
    let penalised = penalisedParameters.clamped(to: 0..<parameterCount)
    let rate = settings.learningRate
    let pull = rate * settings.proximalStrength
    let keep = 1 / (1 + pull)
    for _ in 0..<settings.epochs {
      generator.shuffle(&order)
      var start = 0
      while start < order.count {
        let end = start + min(settings.batchSize, order.count - start)
        for index in gradient.indices { gradient[index] = 0 }
        addGradient(at: local, examples: examples, indices: order[start..<end], to: &gradient)
        let scale = 1 / Double(end - start)
        for index in local.indices {
          var slope = gradient[index] * scale
          if penalised.contains(index) { slope += settings.l2Penalty * local[index] }
          let stepped = local[index] - rate * slope
          local[index] = stepped * keep + weights[index] * (pull * keep)
        }
        start = end
      }
      for (index, value) in local.enumerated() where !(value.magnitude <= 1e6) {
        throw LinearModelError(.diverged, index: index)
      }
    }
    return local
  }

  /// The rows to train on. Throws `shapeMismatch` for a row that is not there.
  @inlinable
  static func checkedRows(_ rows: [Int]?, count: Int) throws(LinearModelError) -> [Int] {
    guard let rows else { return Array(0..<count) }
    for row in rows where row < 0 || row >= count { throw LinearModelError(.shapeMismatch) }
    return rows
  }
}
