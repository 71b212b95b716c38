import PortableNumerics

extension PrivacyEvent {
  /// The Rényi curve of everything released.
  ///
  /// - Parameter orders: the orders α.
  /// - Throws: `outOfRange` for a number out of its range; `unattainable` for a Poisson sample of
  ///   anything but Gaussian releases.
  public func renyiCurve(
    orders: [Double] = RenyiCurve.defaultOrders
  ) throws(DifferentialPrivacyError) -> RenyiCurve {
    let releases = try releases()
    var curve = try RenyiCurve(orders: orders, values: orders.map { _ in 0 })
    for release in releases {
      let one = try RenyiCurve(orders: orders) { (order) throws(DifferentialPrivacyError) in
        try release.renyiDivergence(order: order)
      }
      curve = try curve.composed(with: one.repeated(release.count))
    }
    return curve
  }
}

extension PrivacyEvent.Release {
  /// D_α of one release of this kind.
  func renyiDivergence(order: Double) throws(DifferentialPrivacyError) -> Double {
    switch base {
    case .gaussian(let noiseMultiplier):
      return try RenyiDivergence.subsampledGaussian(
        order: order, noiseMultiplier: noiseMultiplier, samplingRate: rate)
    case .laplace(let scale) where rate == 1:
      return try RenyiDivergence.laplace(order: order, pureEpsilon: 1 / scale)
    case .table(let table) where rate == 1:
      return try RenyiDivergence.table(order: order, table)
    case .zeroConcentrated(let rho) where rate == 1:
      return rho == 0 ? 0 : order * rho
    case .withoutReplacement(let batch, let population, let noiseMultiplier):
      return try RenyiDivergence.withoutReplacementGaussian(
        order: order, noiseMultiplier: noiseMultiplier,
        samplingRate: Double(batch) / Double(population))
    default:
      throw DifferentialPrivacyError(
        .unattainable, "Rényi accounting knows Poisson samples of Gaussian releases only",
        field: "event")
    }
  }
}

extension RenyiDivergence {
  /// The Gaussian mechanism on a batch drawn without replacement, neighbours replacing one patient
  /// (Wang, Balle and Kasiviswanathan 2019, theorem 27):
  ///
  /// A_α = 1 + C(α,2) q² min(4(e^(ε(2)) − 1), 2e^(ε(2)))
  ///       + Σ_{k=3}^α C(α,k) q^k min(4√(B(2⌊k/2⌋) B(2⌈k/2⌉)), 2 e^((k−1)ε(k))),
  ///
  /// with B(l) = E_Q|P/Q − 1|^l of the unsampled mechanism, an even moment computed by a positive
  /// integral rather than by its alternating sum. Orders between integers interpolate (α − 1)D_α,
  /// which is convex (corollary 10); above 256 the second bound of the minimum is taken.
  ///
  /// - Parameters:
  ///   - order: α ≥ 1.
  ///   - noiseMultiplier: z = σ/Δ ≥ 0 with Δ the sensitivity to a replacement.
  ///   - samplingRate: batch/population.
  /// - Throws: `outOfRange`.
  public static func withoutReplacementGaussian(
    order: Double, noiseMultiplier: Double, samplingRate: Double
  ) throws(DifferentialPrivacyError) -> Double {
    try check(order: order)
    try check(nonNegative: noiseMultiplier, "noise_multiplier")
    try check(samplingRate: samplingRate)
    if samplingRate == 0 || noiseMultiplier == .infinity { return 0 }
    if samplingRate == 1 {
      return try gaussian(order: order, noiseMultiplier: noiseMultiplier)
    }
    if order >= 1e6 || noiseMultiplier == 0 { return .infinity }
    let floor = order.rounded(.down)
    let low = withoutReplacementLogMoment(Int(floor), noiseMultiplier, samplingRate)
    if order == floor {
      // The limit at order 1 is bounded by order 2.
      return order == 1
        ? withoutReplacementLogMoment(2, noiseMultiplier, samplingRate) : low / (order - 1)
    }
    let high = withoutReplacementLogMoment(Int(floor) + 1, noiseMultiplier, samplingRate)
    let share = order - floor
    return ((1 - share) * low + share * high) / (order - 1)
  }

  /// log A_α for an integer α.
  private static func withoutReplacementLogMoment(
    _ order: Int, _ sigma: Double, _ q: Double
  ) -> Double {
    if order <= 1 { return 0 }
    let inverse = 1 / sigma / sigma
    let n = Double(order)
    let logFour = 1.386_294_361_119_890_6
    let logTwo = 0.693_147_180_559_945_3
    let logRate = Portable.log(q)
    var moments: [Int: Double] = [:]
    func moment(_ l: Int) -> Double {
      if let known = moments[l] { return known }
      let value = logChiMoment(l, 1 / sigma)
      moments[l] = value
      return value
    }
    var logBinomial = Portable.log(n)
    var sum = LogSum()
    for index in 2...order {
      let k = Double(index)
      logBinomial += Portable.log((n - k + 1) / k)
      let plain = logTwo + 0.5 * k * (k - 1) * inverse
      var bound = plain
      if index == 2 {
        bound = min(logFour + logExpm1(inverse), plain)
      } else if order <= 256 {
        let low = moment(2 * (index / 2))
        let high = moment(2 * ((index + 1) / 2))
        bound = min(logFour + 0.5 * (low + high), plain)
      }
      sum.add(logBinomial + k * logRate + bound)
    }
    return Portable.softplus(sum.value)
  }

  /// log E|e^(μZ − μ²/2) − 1|^l for even l, by the trapezium rule.
  private static func logChiMoment(_ l: Int, _ mu: Double) -> Double {
    let power = Double(l)
    let step = 0.125
    // Between the peaks of the lowest and of the highest power; far apart, only the latter counts.
    let far = power * mu
    let root = power.squareRoot()
    let low = far > 2000 ? far - 40 : -14 - root
    let high = max(far, root) + (far > 2000 ? 40 : 14)
    var sum = LogSum()
    var index = 0
    let count = Int((high - low) / step) + 1
    while index <= count {
      let z = low + Double(index) * step
      let t = mu * z - 0.5 * mu * mu
      let logBase = t > 30 ? t : Portable.log(Portable.expm1(t).magnitude)
      if logBase > -.infinity {
        sum.add(power * logBase + NormalDistribution.logDensity(z))
      }
      index += 1
    }
    return sum.value + Portable.log(step)
  }
}
