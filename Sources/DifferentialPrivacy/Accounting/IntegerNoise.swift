import PortableNumerics

/// Distributions of integer noise, symmetric about 0, as logarithms of their probabilities; for
/// accounting only. Sampling is the part of the mechanisms.
public struct IntegerNoise: Sendable {
  /// log P(noise = k) for k = 0, 1, … up to where the rest is below e^−750 or, for very wide noise,
  /// the bound below.
  public let logMass: [Double]

  /// The largest table, in outcomes.
  static let largestReach = 1_000_000

  /// The family and its parameter, where a longer table can be made.
  private enum Family {
    case gaussian(variance: Double)
    case skellam(variance: Double)
  }
  private let family: Family?

  init(logMass: [Double]) { self.init(logMass, nil) }

  private init(_ logMass: [Double], _ family: Family?) {
    self.logMass = logMass
    self.family = family
  }

  /// The same noise with a table of at least so many outcomes; nil where the family is not known or the
  /// table would be too large.
  private func reaching(_ reach: Int) -> IntegerNoise? {
    guard reach < Self.largestReach else { return nil }
    return switch family {
    case .gaussian(let variance): Self.discreteGaussian(variance: variance, reach: reach)
    case .skellam(let variance): Self.skellam(variance: variance, reach: reach)
    case nil: nil
    }
  }

  /// P(noise = k).
  public func probability(_ k: Int) -> Double {
    let index = k.magnitude
    return index < UInt(logMass.count) ? Portable.exp(logMass[Int(index)]) : 0
  }

  /// P(|noise| ≥ k) for k ≥ 0.
  public func tail(atLeast k: Int) -> Double {
    if k <= 0 { return 1 }
    var sum = 0.0
    var index = logMass.count - 1
    while index >= k {
      sum += Portable.exp(logMass[index])
      index -= 1
    }
    return 2 * sum
  }

  /// The central moment of even order, E[noise^order].
  public func moment(_ order: Int) -> Double {
    var sum = 0.0
    for index in stride(from: logMass.count - 1, to: 0, by: -1) {
      var power = 1.0
      for _ in 0..<order { power *= Double(index) }
      sum += Portable.exp(logMass[index]) * power
    }
    return 2 * sum
  }

  /// E[noise²].
  public var variance: Double { moment(2) }

  /// The two runs of a count that one patient shifts by `shift`.
  ///
  /// - Throws: `outOfRange` for a negative shift or one beyond the table.
  public func table(shift: Int) throws(DifferentialPrivacyError) -> OutcomeTable {
    guard shift >= 0, shift <= Self.largestReach else {
      throw DifferentialPrivacyError(
        .outOfRange, "an integer sensitivity is at least 0 and within the table",
        field: "sensitivity")
    }
    return OutcomeTable.additive(logMass: logMass, shift: shift)
  }

  /// The Rényi divergence of order α ≥ 1 between two runs that one patient shifts by `shift`.
  ///
  /// Its terms are largest near α·shift, which may be far outside of the noise's own bulk: the table is
  /// made longer until they have died out.
  ///
  /// - Throws: `outOfRange`; `unattainable` when they have not at the end of the largest table.
  public func renyiDivergence(
    order: Double, shift: Int
  ) throws(DifferentialPrivacyError) -> Double {
    try RenyiDivergence.check(order: order)
    guard shift >= 0, shift < Self.largestReach, order < .infinity else {
      throw DifferentialPrivacyError(
        .outOfRange, "an integer sensitivity is at least 0 and within the table",
        field: "sensitivity")
    }
    if shift == 0 { return 0 }
    // Without noise two runs are never the same.
    if logMass.count == 1 { return .infinity }
    var noise = self
    while true {
      if let divergence = noise.enumeratedDivergence(order: order, shift: shift) {
        return divergence
      }
      guard let longer = noise.reaching(2 * max(noise.logMass.count, shift)) else {
        throw DifferentialPrivacyError(
          .unattainable, "the table is too short for this order", field: "alpha")
      }
      noise = longer
    }
  }

  /// The divergence by summation over the table; nil when the terms at its end still count.
  private func enumeratedDivergence(order: Double, shift: Int) -> Double? {
    guard shift < logMass.count else { return nil }
    let reach = logMass.count - 1
    var sum = LogSum()
    var edge = -Double.infinity
    var mean = 0.0
    for k in (shift - reach)...reach {
      let upper = logMass[abs(k - shift)]
      let lower = logMass[abs(k)]
      if upper == -.infinity || lower == -.infinity { continue }
      if order == 1 { mean += Portable.exp(upper) * (upper - lower) }
      let term = order * upper + (1 - order) * lower
      sum.add(term)
      if k == shift - reach || k == reach { edge = max(edge, term) }
    }
    guard edge < sum.value - 40 else { return nil }
    return max(0, order == 1 ? mean : sum.value / (order - 1))
  }

  /// The discrete Gaussian N_Z(0, σ²), P(k) ∝ e^(−k²/2σ²) (Canonne, Kamath and Steinke 2020,
  /// definition 1).
  ///
  /// - Parameter variance: the parameter σ² ≥ 0, 0 for no noise (the variance itself is slightly smaller below
  ///   σ = 1).
  /// - Throws: `outOfRange`; `unattainable` when the table would be too large (σ above about 25,000):
  ///   charge ``GaussianDominance`` there.
  public static func discreteGaussian(
    variance: Double
  ) throws(DifferentialPrivacyError) -> IntegerNoise {
    if variance == 0 { return IntegerNoise(logMass: [0]) }
    try check(scale: variance, "sigma2")
    let reach = (2 * 750 * variance).squareRoot() + 2
    try check(reach: reach)
    return discreteGaussian(variance: variance, reach: Int(reach))
  }

  private static func discreteGaussian(variance: Double, reach: Int) -> IntegerNoise {
    var sum = LogSum()
    var logMass: [Double] = []
    for index in 0...reach {
      let k = Double(index)
      let exponent = -0.5 * k * k / variance
      logMass.append(exponent)
      sum.add(exponent + (index == 0 ? 0 : 0.693_147_180_559_945_3))
    }
    let normaliser = sum.value
    return IntegerNoise(logMass.map { $0 - normaliser }, .gaussian(variance: variance))
  }

  /// The discrete Laplace distribution P(k) = tanh(a/2) e^(−a|k|) (Ghosh, Roughgarden and
  /// Sundararajan 2009).
  ///
  /// - Parameter rate: a > 0, ε per unit of sensitivity.
  /// - Throws: `outOfRange`; `unattainable` below a = 7.5e-4.
  public static func discreteLaplace(rate: Double) throws(DifferentialPrivacyError) -> IntegerNoise
  {
    try check(scale: rate, "parameter")
    let reach = 750 / rate + 2
    try check(reach: reach)
    let e = Portable.exp(-rate)
    let normaliser = Portable.log(-Portable.expm1(-rate)) - Portable.log1p(e)
    return IntegerNoise(logMass: (0...Int(reach)).map { normaliser - rate * Double($0) })
  }

  /// The Skellam distribution, a difference of two Poisson variables of mean μ/2:
  /// P(k) = e^(−μ) I_k(μ) (Agarwal, Kairouz and Liu 2021, definition 3).
  ///
  /// Ratios I_k/I_(k−1) by backward recurrence, which is stable (Miller's method), normalised by
  /// I_0 + 2ΣI_k = e^μ.
  ///
  /// - Parameter variance: μ > 0.
  /// - Throws: `outOfRange`; `unattainable` when the table would be too large.
  public static func skellam(variance: Double) throws(DifferentialPrivacyError) -> IntegerNoise {
    try check(scale: variance, "variance_mu")
    // Tails are sub-exponential: P(k) ≤ e^(−k²/(2(μ + k))).
    let reach = 750 + (750.0 * 750 + 1500 * variance).squareRoot() + 2
    try check(reach: reach)
    return skellam(variance: variance, reach: Int(reach))
  }

  private static func skellam(variance: Double, reach count: Int) -> IntegerNoise {
    var logRatios = [Double](repeating: 0, count: count + 1)
    var ratio = 0.0
    for index in stride(from: count + 60, to: 0, by: -1) {
      ratio = 1 / (2 * Double(index) / variance + ratio)
      if index <= count { logRatios[index] = Portable.log(ratio) }
    }
    var logMass = [0.0]
    var sum = LogSum()
    sum.add(0)
    var current = 0.0
    for index in 1...count {
      current += logRatios[index]
      logMass.append(current)
      sum.add(current + 0.693_147_180_559_945_3)
    }
    let normaliser = sum.value
    return IntegerNoise(logMass.map { $0 - normaliser }, .skellam(variance: variance))
  }

  /// The sum of `count` independent variables of this distribution, by direct convolution: all
  /// terms are positive, so tails keep their relative precision.
  ///
  /// - Throws: `outOfRange` for no variable; `unattainable` when the sum is too wide.
  public func sum(of count: Int) throws(DifferentialPrivacyError) -> IntegerNoise {
    guard count >= 1 else {
      throw DifferentialPrivacyError(
        .outOfRange, "at least one variable is summed", field: "parties")
    }
    // Beyond e^−200 nothing is lost that a δ above 1e-80 could see.
    let width = (400 * variance * Double(count)).squareRoot() + 40
    guard width < 6000 else {
      throw DifferentialPrivacyError(
        .unattainable, "the sum is too wide to be enumerated", field: "sigma2")
    }
    let reach = Int(width)
    var base = [Double](repeating: 0, count: reach + 1)
    for index in 0...reach where index < logMass.count { base[index] = probability(index) }
    var result: [Double]?
    var rest = count
    while true {
      if rest & 1 == 1 { result = result.map { Self.convolve($0, base) } ?? base }
      rest >>= 1
      if rest == 0 { break }
      base = Self.convolve(base, base)
    }
    return IntegerNoise(logMass: (result ?? base).map(Portable.log))
  }

  /// The convolution of two symmetric distributions given for k ≥ 0, cut to the same reach.
  private static func convolve(_ a: [Double], _ b: [Double]) -> [Double] {
    let reach = a.count - 1
    var result = [Double](repeating: 0, count: reach + 1)
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        for k in 0...reach {
          var sum = 0.0
          // j over −reach … reach with |k − j| ≤ reach.
          for j in (k - reach)...reach { sum += a[abs(j)] * b[abs(k - j)] }
          result[k] = sum
        }
      }
    }
    return result
  }

  private static func check(scale: Double, _ field: String) throws(DifferentialPrivacyError) {
    guard scale > 0, scale < .infinity else {
      throw DifferentialPrivacyError(.outOfRange, "the scale is positive and finite", field: field)
    }
  }

  private static func check(reach: Double) throws(DifferentialPrivacyError) {
    guard reach < Double(largestReach) else {
      throw DifferentialPrivacyError(
        .unattainable, "the noise is too wide to be enumerated", field: "sigma2")
    }
  }
}
