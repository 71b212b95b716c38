import PortableNumerics

/// Gradient steps of logistic regression with a bounded contribution per patient, made to be released
/// with Gaussian noise: DP-SGD over a federation (Abadi et al., CCS 2016).
///
/// In each step every patient takes part with probability `samplingRate`, independently; the
/// gradients of a patient's rows are added up and clipped to norm C together, put on an integer
/// lattice, and summed over patients and sites. The step divides by the expected number of
/// patients, which is public, and is taken by the server's optimiser.
///
/// **Adaptive clipping** (Andrew et al., NeurIPS 2021): the vector has one more element, to which each
/// patient that takes part adds +`countUnit` when its gradient was within the bound and −`countUnit`
/// when it was longer. The paper's ½ is in the sign: the count moves by ½ of the distance between the
/// two, whoever comes or goes. Gradient and count share one release with one σ; `countUnit` is to the
/// clip as the paper's σ_Δ/2σ_b, so its combined noise multiplier (theorem 1) is σ over the joint
/// sensitivity √(Δ² + `countUnit`²).
public struct PrivateGradient: Sendable, Equatable {
  /// p, without the intercept.
  public let featureCount: Int
  public let settings: FederatedAveragingSettings

  static let unit = 0x1p14
  /// L2 sensitivity of the gradient in lattice units: the clip, and what rounding to the nearest integer
  /// can add for up to 4096 coefficients, √4096/2.
  public static let sensitivity = Int64(unit) + 34
  /// What a patient adds to or takes from the count of those within the bound, lattice units. An eighth
  /// of the clip makes the joint noise 0.8 % larger; with n patients in a step the fraction within has
  /// the standard deviation 4 z / n at noise multiplier z.
  public static let countUnit: Int64 = 1 << 11

  /// Square of the L2 sensitivity of the whole vector, lattice units².
  public static func squaredSensitivity(_ settings: FederatedAveragingSettings) -> UInt64 {
    let gradient = UInt64(sensitivity * sensitivity)
    return settings.adaptiveClipping == nil ? gradient : gradient + UInt64(countUnit * countUnit)
  }

  /// Throws `invalidSettings` for too many features.
  public init(
    featureCount: Int, settings: FederatedAveragingSettings
  ) throws(LinearModelError) {
    guard (0..<4096).contains(featureCount) else { throw LinearModelError(.invalidSettings) }
    self.featureCount = featureCount
    self.settings = settings
  }

  /// Number of integers of an answer.
  public var vectorLength: Int {
    Self.vectorLength(featureCount: featureCount, settings: settings)
  }

  /// The same without a learner: the coefficients, and the count where the bound is adaptive.
  public static func vectorLength(
    featureCount: Int, settings: FederatedAveragingSettings
  ) -> Int { featureCount + (settings.adaptiveClipping == nil ? 1 : 2) }

  /// Whether C can be the bound of a step.
  private static func checkClip(_ clip: Double) throws(LinearModelError) {
    guard clip > 0, clip >= 1e-9, clip <= 1e9 else { throw LinearModelError(.nonFiniteParameter) }
  }

  /// A site's answer: the sum of the clipped negative gradients of the patients that take part.
  ///
  /// - Parameters:
  ///   - weights: p + 1 coefficients, intercept first.
  ///   - design: rows × p, standardised, no missing values.
  ///   - rows: the rows to use.
  ///   - patients: the patient of each row of `design`.
  ///   - clip: C of this step, 1e-9 … 1e9; nil for the settings' own.
  ///   - takesPart: whether a patient is in this step; must depend on secret randomness of the site.
  /// - Throws: `shapeMismatch`, `nonFiniteParameter`, `nonFiniteFeature`.
  public func answer(
    weights: [Double], design: Matrix, outcome: [UInt8], rows: [Int], patients: [Int32],
    clip: Double? = nil, takesPart: (Int32) -> Bool
  ) throws(LinearModelError) -> [Int64] {
    let q = featureCount + 1
    let clip = clip ?? settings.clipNorm
    try Self.checkClip(clip)
    guard weights.count == q, design.columns == featureCount, outcome.count == design.rows,
      patients.count == design.rows, rows.allSatisfy({ outcome.indices.contains($0) })
    else { throw LinearModelError(.shapeMismatch) }
    try LogisticNewton.checkParameters(weights)
    let ordered = rows.sorted { (patients[$0], $0) < (patients[$1], $1) }
    var total = [Int64](repeating: 0, count: vectorLength)
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
      if isIn { addClipped(gradient, clip, to: &total) }
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

  private func addClipped(_ gradient: [Double], _ clip: Double, to total: inout [Int64]) {
    let norm = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let factor = Self.unit / clip * min(1, clip / max(norm, 1e-300))
    let rounded = gradient.map { Int64(Portable.nearestInteger($0 * factor)) }
    let square = rounded.reduce(Int64(0)) { $0 + $1 * $1 }
    // Exact arithmetic has the last word: what would exceed the sensitivity adds nothing.
    guard square <= Self.sensitivity * Self.sensitivity else { return }
    for index in rounded.indices { total[index] &+= rounded[index] }
    if settings.adaptiveClipping != nil {
      total[rounded.count] &+= norm <= clip ? Self.countUnit : -Self.countUnit
    }
  }

  /// The state after one noisy step.
  ///
  /// - Parameters:
  ///   - total: the published noisy sum.
  ///   - patientCount: training patients over all sites, as published with noise, ≥ 1.
  ///   - clip: C of this step, as in `answer`.
  /// - Throws: `finished`, `shapeMismatch`, `totalLength`, `diverged`.
  public func update(
    _ state: FederatedAveragingState, total: [Int64], patientCount: Double, clip: Double? = nil
  ) throws(LinearModelError) -> FederatedAveragingState {
    let clip = clip ?? settings.clipNorm
    try Self.checkClip(clip)
    guard state.round < settings.rounds else { throw LinearModelError(.finished) }
    guard total.count == vectorLength else { throw LinearModelError(.totalLength) }
    guard state.weights.count == featureCount + 1 else { throw LinearModelError(.shapeMismatch) }
    let expected = max(patientCount, 1) * settings.samplingRate
    let scale = Self.unit / clip
    var next = state
    var delta = total.prefix(featureCount + 1).map { Double($0) / (scale * expected) }
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

  /// The fraction b̃ of the patients of a step whose gradient was within the bound, as the noisy count
  /// says: any finite number, near 0 … 1 when the noise is small. Nil where the bound stays.
  ///
  /// - Parameters:
  ///   - total: the published noisy sum.
  ///   - patientCount: as in `update`.
  /// - Throws: `totalLength`.
  public func fractionWithin(
    total: [Int64], patientCount: Double
  ) throws(LinearModelError) -> Double? {
    guard settings.adaptiveClipping != nil else { return nil }
    guard total.count == vectorLength, let count = total.last else {
      throw LinearModelError(.totalLength)
    }
    let expected = max(patientCount, 1) * settings.samplingRate
    return 0.5 + Double(count) / (2 * Double(Self.countUnit) * expected)
  }
}
