/// Finds quantiles of every number at once from summed counts alone.
///
/// Every round asks how many values lie below each of a set of probes and narrows one bracket per
/// quantile: a multi-way bisection.
/// Probes lie half-way between grid points, so the counts do not depend on how a recorded value was
/// rounded to binary, and the result is an exact order statistic at the feature's resolution: the
/// smallest grid value v with count(x ≤ v) ≥ ⌈q·n⌉, each x taken at its nearest grid value. It is a
/// function of the counts alone and so does not depend on how patients are spread over sites.
///
/// Reveals, as sums over sites: the counts below the probes. Needs about log(steps)/log(65) rounds
/// per feature with the default 64 probes and one open bracket.
public struct QuantileSearch: Sendable, Hashable {
  /// What is known of one feature before the search: where its recorded values can lie.
  public struct Grid: Sendable, Hashable {
    /// The largest number of steps.
    public static let maximumStepCount = 1 << 40

    /// Smallest value that can occur, in the feature's unit.
    public let lower: Double
    /// Distance of two grid points, > 0.
    public let step: Double
    /// Number of steps up to the largest value that can occur, 1 … 2^40.
    public let stepCount: Int
    /// 1/step where that is a whole number n and lower · n is one too: grid values are then the
    /// quotients of whole numbers, and so the very doubles that the recorded decimals are read as.
    private let stepsPerUnit: Double?

    /// The grid of a range. Without a resolution the range has 2^20 steps; the step is widened where
    /// there would be more than 2^40 of them. Never traps, whatever the bounds.
    public init(range: ClosedRange<Double>, resolution: Double?) {
      let limit = 1e300
      let low = min(max(range.lowerBound, -limit), limit)
      let high = min(max(range.upperBound, -limit), limit)
      let width = max(high - low, 1e-300)
      let given = resolution.flatMap { $0.isFinite && $0 > 0 ? $0 : nil }
      let step = max(given ?? width / 0x1p20, width / Double(Self.maximumStepCount))
      lower = low
      self.step = step
      stepCount = min(max(1, Int((width / step).rounded(.up))), Self.maximumStepCount)
      let inverse = (1 / step).rounded()
      let scaled = low * inverse
      let isDecimal =
        inverse >= 1 && abs(inverse * step - 1) < 1e-12 && abs(scaled) < 0x1p52
        && scaled == scaled.rounded()
      stepsPerUnit = isDecimal ? inverse : nil
    }

    /// A grid point, 0 … stepCount.
    public func value(_ index: Int) -> Double {
      guard let stepsPerUnit else { return lower + Double(index) * step }
      return (lower * stepsPerUnit + Double(index)) / stepsPerUnit
    }

    /// Half-way between a grid point and the next.
    public func probe(_ index: Int) -> Double {
      guard let stepsPerUnit else { return lower + (Double(index) + 0.5) * step }
      return (lower * stepsPerUnit + (Double(index) + 0.5)) / stepsPerUnit
    }
  }

  /// One quantile of one feature: the answer lies in low … high.
  private struct Bracket: Sendable, Hashable {
    var low: Int
    var high: Int
    /// How many values are known to lie below the bracket, and below its upper end's probe.
    var countBelow: Int64 = 0
    var countUpTo = Int64.max

    static func == (left: Self, right: Self) -> Bool {
      left.low == right.low && left.high == right.high
    }

    func hash(into hasher: inout Hasher) {
      hasher.combine(low)
      hasher.combine(high)
    }
  }

  private let grids: [Grid]
  /// Probabilities sought, each in (0, 1).
  public let probabilities: [Double]
  private var brackets: [[Bracket]]
  private var isEmpty: [Bool]
  private let probeBudget: Int
  private let closingShare: Double

  /// - Parameter probesPerFeature: most probes of one feature in one round, at least one per
  ///   probability.
  /// - Parameter closingShare: a bracket that holds at most this share of the values is not divided
  ///   further, so that no single patient's value is searched for; 0 for exact order statistics.
  public init(
    grids: [Grid], probabilities: [Double], probesPerFeature: Int = 64, closingShare: Double = 0
  ) {
    self.closingShare = closingShare
    self.grids = grids
    self.probabilities = probabilities
    probeBudget = min(max(probesPerFeature, probabilities.count), 1 << 16)
    brackets = grids.map { grid in
      probabilities.map { _ in Bracket(low: 0, high: grid.stepCount) }
    }
    isEmpty = grids.map { _ in false }
  }

  /// Whether every bracket has closed on one grid point.
  public var isFinished: Bool {
    brackets.allSatisfy { $0.allSatisfy { $0.low == $0.high } }
  }

  /// Grid indices whose probes are asked next, ascending and distinct, for one feature.
  private func probeIndices(_ feature: Int) -> [Int] {
    let open = Set(brackets[feature].filter { $0.low < $0.high })
    guard !open.isEmpty else { return [] }
    let each = max(1, probeBudget / open.count)
    var indices: Set<Int> = []
    for bracket in open {
      let width = bracket.high - bracket.low
      let count = min(each, width)
      // Probe k tells whether the answer is ≤ k, so k runs over low … high − 1.
      for part in 1...count { indices.insert(bracket.low + width * part / (count + 1)) }
    }
    return indices.sorted()
  }

  /// The probes of the next round, per feature; empty for a feature that is finished.
  public var probes: [[Double]] {
    grids.indices.map { feature in probeIndices(feature).map { grids[feature].probe($0) } }
  }

  /// Narrows the brackets with the summed counts of the round.
  ///
  /// Counts that contradict earlier ones, as when a site left between two rounds, close a bracket
  /// on one of its points; the search always ends.
  ///
  /// - Parameters:
  ///   - counts: per feature and in the order of `probes`, how many values lie below.
  ///   - present: per feature, how many values there are.
  /// - Throws: `shapeMismatch` for other lengths.
  public mutating func narrow(below counts: [[Int64]], present: [Int64]) throws(CohortError) {
    let asked = grids.indices.map { probeIndices($0) }
    guard counts.map(\.count) == asked.map(\.count), present.count == grids.count else {
      throw CohortError(.shapeMismatch)
    }
    for feature in grids.indices where !asked[feature].isEmpty {
      if present[feature] <= 0 {
        isEmpty[feature] = true
        brackets[feature] = brackets[feature].map { Bracket(low: $0.low, high: $0.low) }
        continue
      }
      for quantile in probabilities.indices {
        var bracket = brackets[feature][quantile]
        guard bracket.low < bracket.high else { continue }
        let rank = Self.rank(probabilities[quantile], of: present[feature])
        for (index, count) in zip(asked[feature], counts[feature]) {
          if count >= rank {
            bracket.high = min(bracket.high, max(index, bracket.low))
            bracket.countUpTo = count
            break
          }
          bracket.low = max(bracket.low, min(index + 1, bracket.high))
          bracket.countBelow = count
        }
        let inside = min(bracket.countUpTo, present[feature]) - bracket.countBelow
        if closingShare > 0, Double(inside) <= closingShare * Double(present[feature]) {
          bracket.low = bracket.high
        }
        brackets[feature][quantile] = bracket
      }
    }
  }

  /// ⌈q·n⌉, at least 1 and at most n. The product is taken in whole thousandths of q where q has at
  /// most three decimals, so that 0.1 · 30 is 3 and not the next double above it.
  static func rank(_ probability: Double, of count: Int64) -> Int64 {
    let thousandths = (probability * 1000).rounded()
    let rank: Int64
    if abs(thousandths / 1000 - probability) < 1e-15, count < 1 << 50 {
      rank = (Int64(thousandths) * count + 999) / 1000
    } else {
      rank = Int64((probability * Double(count)).rounded(.up))
    }
    return min(max(rank, 1), max(count, 1))
  }

  /// Cut points at the quantiles, ascending and distinct, per feature: the probes at the upper ends of
  /// the brackets, so that no value lies on one; none for a feature without a single value.
  public var cuts: [[Double]] {
    grids.indices.map { feature in
      guard !isEmpty[feature] else { return [] }
      let ends = Set(brackets[feature].map(\.high)).subtracting([grids[feature].stepCount])
      return ends.sorted().map { grids[feature].probe($0) }
    }
  }

  /// The quantiles found so far (the lower end of each bracket), per feature and probability; nil
  /// for a feature without a single value.
  public var quantiles: [[Double]?] {
    grids.indices.map { feature in
      isEmpty[feature] ? nil : brackets[feature].map { grids[feature].value($0.low) }
    }
  }
}
