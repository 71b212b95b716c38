import PortableNumerics

extension PrivacyLossDistribution {
  /// The largest number of grid points of one release.
  static let largestCount = 1 << 21

  /// Rounds one release to the grid.
  ///
  /// The mass of each interval between grid points, p under P and q under Q, is moved to its two
  /// ends so that both p and q are kept: b = (p − e^(ε_j) q)/(1 − e^(−h)) goes up and p − b down.
  /// δ(ε) of the result is the piecewise linear interpolation in e^ε of the exact, convex δ(ε)
  /// through the grid points. Lower tails are moved up to the first point, upper tails to ∞.
  ///
  /// - Parameters:
  ///   - pair: the release before sampling.
  ///   - rate: Poisson sampling rate in (0, 1].
  ///   - direction: which run outcomes are drawn from.
  ///   - step: h; the caller chooses it so that the range has at most `largestCount` points.
  ///   - tail: mass that may be truncated at each end.
  init(
    _ pair: PrivacyLossPair, rate: Double, direction: Direction, step: Double, tail: Double
  ) {
    let sampled = SampledLoss(rate: rate)
    let sign = direction == .remove ? 1.0 : -1.0
    let logRest = Portable.log1p(-rate)
    let logRate = Portable.log(rate)

    // Atoms after sampling: log masses under the two runs compared, and the loss.
    var atoms: [(logMass: Double, loss: Double)] = []
    var infinite = 0.0
    for atom in pair.atoms {
      let base = atom.loss
      let loss = sign * sampled.loss(base: base)
      var logMass = direction == .remove ? atom.logUpper : atom.logLower
      if direction == .remove, rate < 1 {
        var mixed = LogSum()
        mixed.add(atom.logUpper + logRate)
        mixed.add(atom.logLower + logRest)
        logMass = mixed.value
      }
      if logMass == -.infinity { continue }
      if loss == .infinity {
        infinite += Portable.exp(logMass)
      } else {
        atoms.append((logMass, loss))
      }
    }
    atoms.sort { $0.loss < $1.loss }
    // Atoms of the extreme tails.
    var highest = atoms.count - 1
    var cut = 0.0
    while highest > 0, cut + Portable.exp(atoms[highest].logMass) <= tail {
      cut += Portable.exp(atoms[highest].logMass)
      highest -= 1
    }
    infinite += cut
    var lowest = 0
    cut = 0
    while lowest < highest, cut + Portable.exp(atoms[lowest].logMass) <= tail {
      cut += Portable.exp(atoms[lowest].logMass)
      lowest += 1
    }

    // The grid.
    var lower = Double.infinity
    var upper = -Double.infinity
    if highest >= 0, !atoms.isEmpty {
      lower = atoms[lowest].loss
      upper = atoms[highest].loss
    }
    if let range = pair.continuousRange(tail: tail) {
      let ends = [range.lower, range.upper].map { sign * sampled.loss(base: $0) }.sorted()
      lower = min(lower, ends[0])
      upper = max(upper, ends[1])
    }
    if lower > upper { (lower, upper) = (0, 0) }
    let start = Int((lower / step).rounded(.down))
    let end = max(start, Int((upper / step).rounded(.up)))
    var masses = [Double](repeating: 0, count: end - start + 1)

    if pair.continuousRange(tail: tail) != nil {
      infinite += Self.spread(
        pair, sampled, direction, step: step, start: start, into: &masses)
    }
    let complement = -Portable.expm1(-step)
    for (index, atom) in atoms.enumerated() where index <= highest {
      let mass = Portable.exp(atom.logMass)
      let cell = Int((atom.loss / step).rounded(.down)) - start
      if cell < 0 || index < lowest {
        masses[0] += mass
        continue
      }
      let above = atom.loss - Double(cell + start) * step
      let up = min(mass, max(0, mass * -Portable.expm1(-above) / complement))
      if cell + 1 < masses.count {
        masses[cell + 1] += up
        masses[cell] += mass - up
      } else {
        masses[masses.count - 1] += mass
      }
    }
    // Rounding of a million cells leaves a part in 10^12, which many steps would multiply.
    var sum = 0.0
    for mass in masses { sum += mass }
    let correction = sum > 0 ? (1 - infinite) / sum : 1
    if (correction - 1).magnitude < 1e-9 {
      for index in masses.indices { masses[index] *= correction }
    }
    self.init(step: step, first: start, masses: masses, infinityMass: infinite)
  }

  /// Adds the continuous part to the grid.
  ///
  /// - Returns: the mass above the grid.
  private static func spread(
    _ pair: PrivacyLossPair, _ sampled: SampledLoss, _ direction: Direction, step: Double,
    start: Int, into masses: inout [Double]
  ) -> Double {
    let rate = sampled.rate
    let rest = 1 - rate
    let count = masses.count
    let complement = -Portable.expm1(-step)
    /// Masses of the loss interval given by its ends before sampling.
    func mass(_ lower: Double, _ upper: Double) -> (upper: Double, lower: Double) {
      let (p, q) = pair.continuousMass(lower, upper)
      let mixed = rest * q + rate * p
      return direction == .remove ? (mixed, q) : (q, mixed)
    }
    /// The unsampled loss at a grid point; decreasing in it when a patient is added.
    func base(_ index: Int) -> Double {
      let loss = Double(start + index) * step
      return sampled.base(loss: direction == .remove ? loss : -loss)
    }
    let lowEnd = base(0)
    let highEnd = base(count - 1)
    let below = direction == .remove ? mass(-.infinity, lowEnd) : mass(lowEnd, .infinity)
    let beyond = direction == .remove ? mass(highEnd, .infinity) : mass(-.infinity, highEnd)
    masses[0] += below.upper
    var previous = lowEnd
    // e^(ε_j), renewed now and then so that rounding does not build up.
    let growth = Portable.exp(step)
    var factor = 0.0
    for index in 0..<max(count - 1, 0) {
      let next = base(index + 1)
      if index & 255 == 0 {
        factor = Portable.exp(Double(start + index) * step)
      } else {
        factor *= growth
      }
      let low = min(previous, next)
      let high = max(previous, next)
      previous = next
      if !(high > low) { continue }
      let (p, q) = mass(low, high)
      if p == 0 { continue }
      let up = factor == .infinity ? p : (p - factor * q) / complement
      let bounded = min(p, max(0, up))
      masses[index + 1] += bounded
      masses[index] += p - bounded
    }
    return beyond.upper
  }
}
