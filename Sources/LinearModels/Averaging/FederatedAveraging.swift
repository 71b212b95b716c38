import PortableNumerics

/// Federated averaging (McMahan et al. 2017) of any learner that is a parameter vector, with
/// FedProx (Li et al. 2020) at the sites and adaptive optimisers (Reddi et al. 2021) at the
/// server.
///
/// In each round a site trains from the global weights, clips its update to L2 norm C, multiplies
/// it by its number of patients n and rounds it to integers. Only the sum over the sites is read.
///
/// **Layout** of the vector for d parameters:
///
/// | elements | meaning | scale |
/// | --- | --- | --- |
/// | d | Σ n · clipped (local − global) | 2^f, f = `fractionBits` |
/// | 1 | Σ n, training patients | 1 |
/// | 1 | sites whose update was clipped | 1 |
/// | 1 | Σ training loss at the global weights | 2³² |
/// | 1 | sites with patients | 1 |
///
/// **Bound.** With at most 2²⁴ patients over all sites and C ≤ 2^e, |Σ n Δⱼ| ≤ 2^(24+e), so
/// f = 37 − e keeps every sum at or below 2⁶¹, and rounding adds less than one unit for each site.
/// The loss is capped at 64 for each patient: 64 · 2²⁴ · 2³² = 2⁶². Both are below 2⁶³.
/// **Precision.** 2^−38 relative to C for one patient's share.
public struct FederatedAveraging: Sendable, Equatable {
  /// Length d of the parameter vector.
  public let parameterCount: Int
  public let settings: FederatedAveragingSettings

  /// Largest number of patients over all sites together.
  public static let maximumPatientCount = 1 << 24
  static let lossScale = 0x1p32
  static let lossCapPerPatient = 64.0

  /// Throws `invalidSettings` unless 1 ≤ d ≤ 2²⁶.
  public init(
    parameterCount: Int, settings: FederatedAveragingSettings
  ) throws(LinearModelError) {
    guard parameterCount >= 1, parameterCount <= 1 << 26 else {
      throw LinearModelError(.invalidSettings)
    }
    self.parameterCount = parameterCount
    self.settings = settings
  }

  /// Number of integers in an answer, d + 4.
  public var vectorLength: Int { parameterCount + 4 }

  /// f = 37 − e for the smallest e with C ≤ 2^e.
  public var fractionBits: Int {
    let exponent = Int(settings.clipNorm.exponent)
    let isPowerOfTwo = settings.clipNorm.significand == 1
    return 37 - (isPowerOfTwo ? exponent : exponent + 1)
  }

  /// 2^f.
  var scale: Double { Double(sign: .plus, exponent: fractionBits, significand: 1) }

  /// The state before the first round.
  ///
  /// Throws `shapeMismatch` for another length, `nonFiniteParameter`.
  public func initialState(weights: [Double]) throws(LinearModelError) -> FederatedAveragingState {
    guard weights.count == parameterCount else { throw LinearModelError(.shapeMismatch) }
    try LogisticNewton.checkParameters(weights)
    return FederatedAveragingState(
      weights: weights, secondMoment: settings.tau * settings.tau)
  }

  /// The seed of a site's shuffles in one round.
  ///
  /// - Parameter siteWord: a word that differs between the sites, such as a hash of the site's
  ///   name; sites with the same word would shuffle alike, which is harmless.
  public func localSeed(round: Int, siteWord: UInt64) -> UInt64 {
    SplitMix64.seed(settings.seed, UInt64(bitPattern: Int64(round)), siteWord)
  }

  /// A site's answer for one round: trains, clips, weights, rounds.
  ///
  /// - Parameters:
  ///   - rows: training rows, nil for all; for no rows the answer is zero.
  ///   - siteWord: see `localSeed`.
  /// - Throws: what `localUpdate` throws, `diverged` among it, so that nothing leaves a site whose
  ///   training went wrong; `tooManyPatients`.
  public func answer<Learner: ParameterVectorLearner>(
    _ state: FederatedAveragingState, learner: Learner, examples: Learner.Examples,
    rows: [Int]? = nil, siteWord: UInt64
  ) throws(LinearModelError) -> [Int64] {
    guard state.weights.count == parameterCount, learner.parameterCount == parameterCount else {
      throw LinearModelError(.shapeMismatch)
    }
    try learner.check(examples)
    let chosen = rows ?? Array(0..<learner.exampleCount(examples))
    if chosen.isEmpty { return [Int64](repeating: 0, count: vectorLength) }
    let local = try learner.localUpdate(
      from: state.weights, examples: examples, rows: chosen, settings: settings.local,
      seed: localSeed(round: state.round, siteWord: siteWord))
    let loss = learner.lossSum(at: state.weights, examples: examples, indices: chosen[...])
    return try encode(
      local: local, global: state.weights, patientCount: chosen.count, lossSum: loss)
  }

  /// The vector for a local result trained in any way.
  ///
  /// - Parameters:
  ///   - local: the site's parameters after training.
  ///   - global: the parameters it started from.
  ///   - patientCount: n ≥ 0; 0 gives zeros.
  ///   - lossSum: training loss at `global` over the n patients.
  /// - Throws: `shapeMismatch`, `tooManyPatients`, `diverged` for NaN or numbers beyond ±10⁶.
  public func encode(
    local: [Double], global: [Double], patientCount: Int, lossSum: Double
  ) throws(LinearModelError) -> [Int64] {
    guard local.count == parameterCount, global.count == parameterCount, patientCount >= 0 else {
      throw LinearModelError(.shapeMismatch)
    }
    guard patientCount <= Self.maximumPatientCount else {
      throw LinearModelError(.tooManyPatients)
    }
    var result = [Int64](repeating: 0, count: vectorLength)
    if patientCount == 0 { return result }
    let limit = LogisticNewton.parameterBound
    var squares = 0.0
    for index in local.indices {
      guard local[index].magnitude <= limit, global[index].magnitude <= limit else {
        throw LinearModelError(.diverged, index: index)
      }
      let difference = local[index] - global[index]
      squares += difference * difference
    }
    guard !lossSum.isNaN else { throw LinearModelError(.diverged) }
    let bound = settings.clipNorm
    let norm = squares.squareRoot()
    let isClipped = norm > bound
    let shrink = isClipped ? bound / norm : 1
    let weight = Double(patientCount) * scale
    for index in local.indices {
      let clipped = min(max((local[index] - global[index]) * shrink, -bound), bound)
      result[index] = Int64(Portable.rounded(clipped * weight))
    }
    let cappedLoss = min(max(lossSum, 0), Self.lossCapPerPatient * Double(patientCount))
    result[parameterCount] = Int64(patientCount)
    result[parameterCount + 1] = isClipped ? 1 : 0
    result[parameterCount + 2] = Int64(Portable.rounded(cappedLoss * Self.lossScale))
    result[parameterCount + 3] = 1
    return result
  }

  /// Everybody's step: the next state from a published total.
  ///
  /// - Throws: `finished`, `totalLength`, `totalOutOfRange` for a total no honest sites produce,
  ///   `noPatients`, `diverged` when a weight leaves ±10⁶. The result never holds NaN.
  public func update(
    _ state: FederatedAveragingState, total: [Int64]
  ) throws(LinearModelError) -> FederatedAveragingState {
    guard !isFinished(state) else { throw LinearModelError(.finished) }
    guard total.count == vectorLength else { throw LinearModelError(.totalLength) }
    guard state.weights.count == parameterCount, state.momentum.count == parameterCount,
      state.secondMoment.count == parameterCount
    else { throw LinearModelError(.shapeMismatch) }
    let patientCount = total[parameterCount]
    let siteCount = total[parameterCount + 3]
    try checkTail(total)
    guard patientCount > 0 else { throw LinearModelError(.noPatients) }
    // |Σ n Δⱼ| ≤ C · Σ n, and half a unit of rounding for each site.
    let largest =
      settings.clipNorm * scale * Double(patientCount) * (1 + 0x1p-40) + Double(siteCount)
    // ‖Σ n Δ‖₂ ≤ C · Σ n as well, and half a unit of rounding for each coordinate and site.
    let largestNorm =
      settings.clipNorm * scale * Double(patientCount) * (1 + 0x1p-40)
      + Double(siteCount) * Double(parameterCount).squareRoot()
    var squares = 0.0
    var delta = [Double](repeating: 0, count: parameterCount)
    for index in delta.indices {
      let value = Double(total[index])
      squares += value * value
      guard value.magnitude <= largest else {
        throw LinearModelError(.totalOutOfRange, index: index)
      }
      delta[index] = value / (scale * Double(patientCount))
    }
    guard squares.squareRoot() <= largestNorm else {
      throw LinearModelError(.totalOutOfRange, index: 0)
    }
    var next = state
    settings.serverOptimiser.step(
      weights: &next.weights, momentum: &next.momentum, secondMoment: &next.secondMoment,
      delta: delta, settings: settings)
    for (index, value) in next.weights.enumerated()
    where !(value.magnitude <= LogisticNewton.parameterBound) {
      throw LinearModelError(.diverged, index: index)
    }
    next.round += 1
    next.patientCount = patientCount
    next.siteCount = siteCount
    next.clippedSiteCount = total[parameterCount + 1]
    next.meanLoss = Double(total[parameterCount + 2]) / (Self.lossScale * Double(patientCount))
    return next
  }

  /// True when all rounds have been taken.
  public func isFinished(_ state: FederatedAveragingState) -> Bool {
    state.round >= settings.rounds
  }

  private func checkTail(_ total: [Int64]) throws(LinearModelError) {
    let patientCount = total[parameterCount]
    let siteCount = total[parameterCount + 3]
    guard patientCount >= 0, patientCount <= Int64(Self.maximumPatientCount) else {
      throw LinearModelError(.totalOutOfRange, index: parameterCount)
    }
    guard siteCount >= 0, siteCount <= patientCount else {
      throw LinearModelError(.totalOutOfRange, index: parameterCount + 3)
    }
    guard (0...siteCount).contains(total[parameterCount + 1]) else {
      throw LinearModelError(.totalOutOfRange, index: parameterCount + 1)
    }
    guard (0...(patientCount << 38)).contains(total[parameterCount + 2]) else {
      throw LinearModelError(.totalOutOfRange, index: parameterCount + 2)
    }
  }
}
