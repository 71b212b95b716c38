import PortableNumerics

/// Many independent releases composed: each distribution with the number of its repetitions, all on
/// one grid.
///
/// The sum of losses is convolved by fast Fourier transforms after exponential tilting,
/// p_j ∝ p_j e^(λ ε_j): λ is the Chernoff exponent of the δ asked for, so the window and the
/// precision are spent where that δ is decided and values far below 1e-16 are resolved. What lies
/// beyond the window at the top is bounded by the same exponent and added to δ; what wraps around
/// from below only adds.
struct PrivacyLossComposition {
  let parts: [(distribution: PrivacyLossDistribution, count: Double)]
  let step: Double

  /// The largest transform.
  static let largestLogarithm = 21
  /// Share of the δ asked for that truncation at the top may add.
  static let truncation = 1e-7

  init(_ parts: [(distribution: PrivacyLossDistribution, count: Double)], step: Double) {
    self.parts = parts
    self.step = step
  }

  /// Probability that any of the losses is infinite.
  var infinityMass: Double {
    var sum = 0.0
    for (distribution, count) in parts {
      sum += count * Portable.log1p(-min(distribution.infinityMass, 1))
    }
    return -Portable.expm1(sum)
  }

  /// Σ count · log E[e^(s · loss)] over finite losses.
  func cumulant(_ s: Double) -> Double {
    var sum = 0.0
    for (distribution, count) in parts { sum += count * distribution.logMomentGenerating(s) }
    return sum
  }

  private var highestLoss: Double {
    parts.reduce(0) { $0 + $1.count * Double($1.distribution.last) } * step
  }
  private var lowestLoss: Double {
    parts.reduce(0) { $0 + $1.count * Double($1.distribution.first) } * step
  }

  /// The exponent λ > 0 at which a bound is smallest.
  private func exponent(minimising value: (Double) -> Double) -> Double {
    // Golden section in log λ; to a hundredth is enough, any λ is valid.
    var low = Portable.log(1e-9)
    var high = Portable.log(4 / step)
    let golden = 0.618_033_988_749_894_9
    var first = high - golden * (high - low)
    var second = low + golden * (high - low)
    var atFirst = value(Portable.exp(first))
    var atSecond = value(Portable.exp(second))
    while high - low > 0.02 {
      if atFirst < atSecond {
        (high, second, atSecond) = (second, first, atFirst)
        first = high - golden * (high - low)
        atFirst = value(Portable.exp(first))
      } else {
        (low, first, atFirst) = (first, second, atSecond)
        second = low + golden * (high - low)
        atSecond = value(Portable.exp(second))
      }
    }
    return Portable.exp(0.5 * (low + high))
  }

  /// The convolution seen through a window.
  struct Window {
    /// Tilted probability of grid index `first + i`; untilted it is
    /// `masses[i] · e^(logScale − λ h i)`.
    var first: Double
    var masses: [Double]
    var exponent: Double
    var logScale: Double
  }

  /// What a query needs: the window, or how much coarser the grid has to be.
  enum Convolution {
    case window(Window)
    case tooWide(factor: Double)
  }

  private func convolution(_ plan: Plan) -> Convolution {
    let s = plan.exponent
    let first = (max(plan.low, lowestLoss) / step).rounded(.down)
    let last = max(first, (plan.high / step).rounded(.up))
    let width = last - first + 1
    guard width.isFinite, first.magnitude < 0x1p60 else { return .tooWide(factor: 0x1p20) }
    var logarithm = 3
    while Double(1 << logarithm) < width {
      logarithm += 1
      if logarithm > Self.largestLogarithm {
        return .tooWide(factor: width / Double(1 << (Self.largestLogarithm - 1)))
      }
    }
    let transform = FourierTransform(logarithm: logarithm)
    let n = transform.count
    var productReal: [Double] = []
    var productImaginary: [Double] = []
    var logScale = 0.0
    var offset = 0.0
    for (distribution, count) in parts {
      let norm = distribution.logMomentGenerating(s)
      logScale += count * norm
      offset += count * Double(distribution.first)
      var real = [Double](repeating: 0, count: n)
      var imaginary = [Double](repeating: 0, count: n)
      let growth = Portable.exp(s * step)
      var factor = 0.0
      for (index, mass) in distribution.masses.enumerated() {
        if index & 63 == 0 || !(factor > 0 && factor < .infinity) {
          factor = Portable.exp(s * step * Double(distribution.first + index) - norm)
        } else {
          factor *= growth
        }
        if mass > 0 {
          let weight =
            factor > 0 && factor < .infinity
            ? mass * factor
            : Portable.exp(
              Portable.log(mass) + s * step * Double(distribution.first + index) - norm)
          real[index & (n - 1)] += weight
        }
      }
      transform.forward(&real, &imaginary)
      Self.power(&real, &imaginary, count)
      if productReal.isEmpty {
        (productReal, productImaginary) = (real, imaginary)
      } else {
        for index in 0..<n {
          let (a, b) = (productReal[index], productImaginary[index])
          let (c, d) = (real[index], imaginary[index])
          productReal[index] = a * c - b * d
          productImaginary[index] = a * d + b * c
        }
      }
    }
    transform.inverse(&productReal, &productImaginary)
    guard (first - offset).isFinite else { return .tooWide(factor: 0x1p20) }
    // Slot k holds the indices ≡ offset + k (mod n).
    var slot = Int((first - offset).truncatingRemainder(dividingBy: Double(n)))
    if slot < 0 { slot += n }
    let rotated = productReal[slot...] + productReal[..<slot]
    return .window(
      Window(
        first: first, masses: Array(rotated), exponent: s,
        logScale: logScale - s * step * first))
  }

  /// z^count for every element, by repeated squaring; |z| ≤ 1.
  private static func power(
    _ real: inout [Double], _ imaginary: inout [Double], _ count: Double
  ) {
    if count == 1 { return }
    let repetitions = UInt64(count)
    real.withUnsafeMutableBufferPointer { x in
      imaginary.withUnsafeMutableBufferPointer { y in
        for index in 0..<x.count {
          var (a, b) = (x[index], y[index])
          var (r, i) = (1.0, 0.0)
          var rest = repetitions
          while true {
            if rest & 1 == 1 { (r, i) = (r * a - i * b, r * b + i * a) }
            rest >>= 1
            // Below the smallest number nothing is left to multiply.
            if rest == 0 || (a == 0 && b == 0) { break }
            (a, b) = ((a - b) * (a + b), 2 * a * b)
          }
          x[index] = r
          y[index] = i
        }
      }
    }
  }

  /// An exponent and the losses between which the convolution is needed.
  private struct Plan {
    var exponent: Double
    var cumulant: Double
    var low: Double
    var high: Double
  }

  /// The window of an exponent: below `low` and above `high` there is less than e^−34 of the tilted
  /// mass (Chernoff at a few exponents), so what wraps around is nothing, and `high` is at least
  /// `needed`.
  private func plan(exponent s: Double, needed: (Double, Double) -> Double) -> Plan {
    let cumulant = self.cumulant(s)
    var low = -Double.infinity
    for ratio in [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 9, 17] {
      let down = s * ratio
      low = max(low, (cumulant - self.cumulant(s - down) - 34) / down)
    }
    var high = Double.infinity
    for ratio in [0.06, 0.15, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 9] where s * (1 + ratio) * step < 4 {
      let up = s * ratio
      high = min(high, (self.cumulant(s + up) - cumulant + 34) / up)
    }
    return Plan(
      exponent: s, cumulant: cumulant, low: max(low, lowestLoss),
      high: min(highestLoss, max(high, needed(s, cumulant))))
  }

  /// The plan of the optimal exponent or, where rare large losses make its window wide, of a
  /// smaller one.
  private func plan(
    minimising bound: (Double) -> Double, needed: (Double, Double) -> Double
  ) -> Plan {
    var best = plan(exponent: exponent(minimising: bound), needed: needed)
    var s = best.exponent
    for _ in 0..<24 where best.high - best.low > 0x1p17 * step {
      s *= 0.85
      let next = plan(exponent: s, needed: needed)
      if next.high - next.low > best.high - best.low { break }
      best = next
    }
    return best
  }

  /// The smallest ε ≥ 0 with δ(ε) ≤ δ, or how much coarser the grid has to be.
  func epsilon(delta: Double) -> Answer {
    let extra = infinityMass
    if !(extra < delta) { return .value(.infinity) }
    let logDelta = Portable.log(delta)
    // The bound on ε of Canonne, Kamath and Steinke (2020) at α = s + 1, near which δ is decided;
    // P[loss > high] ≤ e^(cumulant − s·high) is the truncated share of δ.
    var plan = plan { s in
      (self.cumulant(s) - logDelta - Portable.log1p(s)) / s - Portable.log1p(1 / s)
    } needed: { s, cumulant in
      (cumulant - logDelta - Portable.log(Self.truncation)) / s
    }
    if plan.high <= 0 { return .value(0) }
    let truncated = plan.high < highestLoss ? delta * Self.truncation : 0
    let budget = delta - extra - truncated
    if budget <= 0 { return .value(.infinity) }
    while true {
      switch convolution(plan) {
      case .tooWide(let factor): return .tooWide(factor: factor)
      case .window(let window):
        if let epsilon = Self.solve(window, step, budget: budget) {
          return .value(max(0, epsilon))
        }
      }
      // δ is within the budget over the whole window: look further down.
      if plan.low <= 0 || plan.low <= lowestLoss { return .value(0) }
      plan.low -= max(2 * (plan.high - plan.low), step)
    }
  }

  /// δ(ε) for ε ≥ 0, or how much coarser the grid has to be.
  func delta(epsilon: Double) -> Answer {
    let extra = infinityMass
    if epsilon >= highestLoss { return .value(extra) }
    func bound(_ s: Double) -> Double {
      self.cumulant(s) - s * epsilon - Portable.log1p(s) - s * Portable.log1p(1 / s)
    }
    let target = bound(exponent(minimising: bound)) + Portable.log(Self.truncation)
    var plan = plan(minimising: bound) { s, cumulant in max(epsilon, (cumulant - target) / s) }
    plan.low = min(plan.low, epsilon - 2 * step)
    switch convolution(plan) {
    case .tooWide(let factor): return .tooWide(factor: factor)
    case .window(let window):
      let truncated =
        plan.high < highestLoss
        ? Portable.exp(min(0, plan.cumulant - plan.exponent * plan.high)) : 0
      let inside = Self.hockeyStick(window, step, epsilon: epsilon)
      return .value(min(1, inside + truncated + extra))
    }
  }

  enum Answer {
    case value(Double)
    case tooWide(factor: Double)
  }

  /// Walks down from the top until Σ_{ε_j > ε} p_j (1 − e^(ε − ε_j)) passes the budget, then solves
  /// the linear piece for e^ε; nil when it is not passed within the window.
  ///
  /// All sums are kept in units of the untilting weight of the current point, so that nothing
  /// overflows however far the window reaches.
  private static func solve(_ window: Window, _ step: Double, budget: Double) -> Double? {
    let logBudget = Portable.log(budget) - window.logScale
    let tilt = window.exponent * step
    let fade = Portable.exp(-tilt)
    let fadeLower = Portable.exp(-tilt - step)
    // Σ p and Σ p e^(ε_index − ε_j) of the points above `index`.
    var upper = 0.0
    var lower = 0.0
    for index in stride(from: window.masses.count - 1, through: 0, by: -1) {
      upper *= fade
      lower *= fadeLower
      let logTarget = logBudget + tilt * Double(index)
      if logTarget < 700 {
        let target = Portable.exp(logTarget)
        if upper - lower > target {
          let loss = (window.first + Double(index)) * step
          return loss + Portable.log((upper - target) / lower)
        }
      }
      let mass = window.masses[index]
      // Rounding noise below zero counts as nothing; what is no number is no privacy.
      guard mass == mass else { return .infinity }
      if mass > 0 {
        upper += mass
        lower += mass
      }
    }
    return nil
  }

  /// Σ_{ε_j > ε} p_j (1 − e^(ε − ε_j)) over the window.
  private static func hockeyStick(_ window: Window, _ step: Double, epsilon: Double) -> Double {
    var sum = LogSum()
    let count = window.masses.count
    for index in stride(from: count - 1, through: 0, by: -1) {
      let excess = (window.first + Double(index)) * step - epsilon
      if excess <= 0 { break }
      let mass = window.masses[index]
      if mass <= 0 { continue }
      sum.add(
        Portable.log(mass * -Portable.expm1(-excess)) + window.logScale
          - window.exponent * step * Double(index))
    }
    return Portable.exp(sum.value)
  }
}
