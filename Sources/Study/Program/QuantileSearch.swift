/// Finds quantiles of every numeric feature at once from summed counts alone.
///
/// Every round asks how many values lie below each of a set of probes and narrows one bracket per
/// quantile (a multi-way bisection, CLINICAL §4.1). Probes lie half-way between grid points, so the
/// counts do not depend on how a recorded value was rounded to binary, and the result is an exact
/// order statistic at the feature's resolution: the smallest grid value v with
/// count(x ≤ v) ≥ ⌈q·n⌉, equal to the pooled computation.
public struct QuantileSearch: Sendable {
  /// What is known of one feature before the search.
  public struct Grid: Sendable, Hashable {
    /// Smallest value that can occur, in the feature's unit.
    public var lower: Double
    /// Distance of two grid points, > 0.
    public var step: Double
    /// Number of steps up to the largest value that can occur, 1 … 2^40.
    public var stepCount: Int

    /// The grid of a range; the step is widened where there would be more than 2^40 of them.
    public init(range: ClosedRange<Double>, resolution: Double?) {
      let width = max(range.upperBound - range.lowerBound, .leastNormalMagnitude)
      let finest = width / 1_099_511_627_776
      lower = range.lowerBound
      step = max(resolution ?? width / 1_048_576, finest)
      stepCount = max(1, Int((width / step).rounded(.up)))
    }

    func value(_ index: Int) -> Double { lower + Double(index) * step }
    func probe(_ index: Int) -> Double { lower + (Double(index) + 0.5) * step }
  }

  /// One quantile of one feature: the answer lies in low … high.
  private struct Bracket: Sendable {
    var low: Int
    var high: Int
  }

  private let grids: [Grid]
  /// Probabilities sought, ascending, each in (0, 1).
  public let probabilities: [Double]
  private var brackets: [[Bracket]]
  private let probeBudget: Int

  public init(grids: [Grid], probabilities: [Double], probesPerFeature: Int = 64) {
    self.grids = grids
    self.probabilities = probabilities
    probeBudget = max(probesPerFeature, probabilities.count)
    brackets = grids.map { grid in
      probabilities.map { _ in Bracket(low: 0, high: grid.stepCount) }
    }
  }

  /// Whether every bracket has closed on one grid point.
  public var isFinished: Bool {
    brackets.allSatisfy { $0.allSatisfy { $0.low == $0.high } }
  }

  /// Grid indices whose lower counts are asked next, ascending and distinct, per feature.
  private func probeIndices(_ feature: Int) -> [Int] {
    var open: [Bracket] = []
    for bracket in brackets[feature] where bracket.low < bracket.high {
      if let last = open.last, last.low == bracket.low, last.high == bracket.high { continue }
      open.append(bracket)
    }
    guard !open.isEmpty else { return [] }
    let each = max(1, probeBudget / open.count)
    var indices: Set<Int> = []
    for bracket in open {
      let width = bracket.high - bracket.low
      let count = min(each, width)
      for part in 1...count {
        // Probe k tells whether the answer is ≤ k; k runs over low … high − 1.
        indices.insert(bracket.low + (width * part) / (count + 1))
      }
    }
    return indices.filter { $0 < grids[feature].stepCount }.sorted()
  }

  /// The probes of the next round, per feature; empty for a feature that is finished.
  public var probes: [[Double]] {
    grids.indices.map { feature in probeIndices(feature).map { grids[feature].probe($0) } }
  }

  /// Narrows the brackets with the summed counts below each probe and the number of values, per
  /// feature and in the order of `probes`.
  public mutating func narrow(below counts: [[Int64]], present: [Int64]) {
    for feature in grids.indices {
      let indices = probeIndices(feature)
      for quantile in probabilities.indices {
        let rank = max(1, Int64((probabilities[quantile] * Double(present[feature])).rounded(.up)))
        var bracket = brackets[feature][quantile]
        for (index, count) in zip(indices, counts[feature]) {
          if count >= rank {
            bracket.high = min(bracket.high, index)
            break
          }
          bracket.low = max(bracket.low, index + 1)
        }
        // Counts of a changed set of sites may contradict earlier ones: stay on a point.
        if bracket.low > bracket.high { bracket.low = bracket.high }
        brackets[feature][quantile] = bracket
      }
    }
  }

  /// The quantiles found so far (the lower end of each bracket), per feature and probability.
  public var quantiles: [[Double]] {
    grids.indices.map { feature in brackets[feature].map { grids[feature].value($0.low) } }
  }
}
