import PortableNumerics

/// Gradient steps of logistic regression with a bounded contribution per patient, made to be released
/// with Gaussian noise: DP-SGD over a federation (Abadi et al., CCS 2016).
///
/// In each step every patient takes part with probability `samplingRate`, independently; the
/// gradients of a patient's rows are added up and clipped to norm C together, put on an integer
/// lattice, and summed over patients and sites. The step divides by the expected number of
/// patients, which is public, and is taken by the server's optimiser.
public struct PrivateGradient: Sendable, Equatable {
  /// p, without the intercept.
  public let featureCount: Int
  public let settings: FederatedAveragingSettings

  static let unit = 0x1p14
  /// L2 sensitivity in lattice units: the clip, and what rounding to the nearest integer can add for
  /// up to 4096 coefficients, √4096/2.
  public static let sensitivity = Int64(unit) + 34

  /// Throws `invalidSettings` for too many features.
  public init(
    featureCount: Int, settings: FederatedAveragingSettings
  ) throws(LinearModelError) {
    guard (0..<4096).contains(featureCount) else { throw LinearModelError(.invalidSettings) }
    self.featureCount = featureCount
    self.settings = settings
  }

  /// Number of integers of an answer.
  public var vectorLength: Int { featureCount + 1 }

  private var scale: Double { Self.unit / settings.clipNorm }

  /// A site's answer: the sum of the clipped negative gradients of the patients that take part.
  ///
  /// - Parameters:
  ///   - weights: p + 1 coefficients, intercept first.
  ///   - design: rows × p, standardised, no missing values.
  ///   - rows: the rows to use.
  ///   - patients: the patient of each row of `design`.
  ///   - takesPart: whether a patient is in this step; must depend on secret randomness of the site.
  /// - Throws: `shapeMismatch`, `nonFiniteParameter`, `nonFiniteFeature`.
  public func answer(
    weights: [Double], design: Matrix, outcome: [UInt8], rows: [Int], patients: [Int32],
    takesPart: (Int32) -> Bool
  ) throws(LinearModelError) -> [Int64] {
    let q = featureCount + 1
    guard weights.count == q, design.columns == featureCount, outcome.count == design.rows,
      patients.count == design.rows, rows.allSatisfy({ outcome.indices.contains($0) })
    else { throw LinearModelError(.shapeMismatch) }
    try LogisticNewton.checkParameters(weights)
    let ordered = rows.sorted { (patients[$0], $0) < (patients[$1], $1) }
    var total = [Int64](repeating: 0, count: q)
    var position = 0
    while position < ordered.count {
      let patient = patients[ordered[position]]
      let isIn = takesPart(patient)
      var gradient = [Double](repeating: 0, count: q)
      while position < ordered.count, patients[ordered[position]] == patient {
        if isIn {
          try add(ordered[position], weights, design, outcome, to: &gradient)
        }
        position += 1
      }
      if isIn { addClipped(gradient, to: &total) }
    }
    return total
  }

  private func add(
    _ row: Int, _ weights: [Double], _ design: Matrix, _ outcome: [UInt8],
    to gradient: inout [Double]
  ) throws(LinearModelError) {
    let bound = LogisticNewton.featureBound
    var eta = weights[0]
    for j in 0..<featureCount {
      let value = design.storage[row * featureCount + j]
      guard value.isFinite else { throw LinearModelError(.nonFiniteFeature, index: j) }
      eta += weights[j + 1] * min(max(value, -bound), bound)
    }
    let residual = Double(outcome[row]) - Portable.sigmoid(eta)
    gradient[0] += residual
    for j in 0..<featureCount {
      let value = design.storage[row * featureCount + j]
      gradient[j + 1] += residual * min(max(value, -bound), bound)
    }
  }

  private func addClipped(_ gradient: [Double], to total: inout [Int64]) {
    let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let factor = scale * min(1, settings.clipNorm / max(norm, 1e-300))
    let rounded = gradient.map { Int64(Portable.nearestInteger($0 * factor)) }
    let square = rounded.reduce(Int64(0)) { $0 + $1 * $1 }
    // Exact arithmetic has the last word: what would exceed the sensitivity adds nothing.
    guard square <= Self.sensitivity * Self.sensitivity else { return }
    for index in rounded.indices { total[index] &+= rounded[index] }
  }

  /// The state after one noisy step.
  ///
  /// - Parameters:
  ///   - total: the published noisy sum.
  ///   - patientCount: training patients over all sites, as published with noise, ≥ 1.
  /// - Throws: `finished`, `shapeMismatch`, `totalLength`, `diverged`.
  public func update(
    _ state: FederatedAveragingState, total: [Int64], patientCount: Double
  ) throws(LinearModelError) -> FederatedAveragingState {
    guard state.round < settings.rounds else { throw LinearModelError(.finished) }
    guard total.count == vectorLength else { throw LinearModelError(.totalLength) }
    guard state.weights.count == vectorLength else { throw LinearModelError(.shapeMismatch) }
    let expected = max(patientCount, 1) * settings.samplingRate
    var next = state
    var delta = total.map { Double($0) / (scale * expected) }
    for index in delta.indices.dropFirst() {
      delta[index] -= settings.local.l2Penalty / max(patientCount, 1) * state.weights[index]
    }
    settings.serverOptimiser.step(
      weights: &next.weights, momentum: &next.momentum, secondMoment: &next.secondMoment,
      delta: delta, settings: settings)
    for (index, value) in next.weights.enumerated()
    where !(value.magnitude <= LogisticNewton.parameterBound) {
      throw LinearModelError(.diverged, index: index)
    }
    next.round += 1
    return next
  }
}
