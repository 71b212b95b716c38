/// Multi-way search for the quantiles of many features from counts below probes.
///
/// Every site and the aggregator run the same search from the same totals. Each round asks, for
/// every feature and quantile still open, for the counts below up to `probesPerTarget` borders between
/// grid points that cut the remaining interval evenly; 64 probes shrink it 65-fold, so a variable
/// with 4 digits is done in 3 rounds. The result is a grid point: with the recording precision as
/// the grid's step, the exact quantile.
///
/// Reveals the totals of the asked counts over all sites and nothing else.
public struct QuantileSearch: Sendable, Hashable {
  /// One quantile of one feature.
  private struct Target: Sendable, Hashable {
    let feature: Int
    /// The smallest grid point with at least this many values at or below it is sought.
    let rank: Int64
    /// The answer lies in low…high, in grid steps from the origin.
    var low: Int64
    var high: Int64
  }

  /// The grid of one feature: the multiples of a step that cover a range.
  public struct Grid: Sendable, Hashable {
    public let step: Double
    /// Index of the last point; the first has index 0.
    public let last: Int64
    private let first: Double
    /// 1 / step where that is a whole number, so that 0.1 · 12 is 1.2 and not its neighbour.
    private let perUnit: Double?

    /// A grid over a finite range; a step that is not above zero becomes 2^−16 of the width, and
    /// one that would give more than 2^40 points, or points beyond 2^52 steps from zero, becomes
    /// coarser.
    public init(range: ClosedRange<Double>, step wished: Double) {
      let bound = 0x1p900
      let low = min(max(range.lowerBound, -bound), bound)
      let high = min(max(range.upperBound, -bound), bound)
      let width = high - low
      let magnitude = max(abs(low), abs(high))
      let floor = max(width / 0x1p40, magnitude / 0x1p50, 0x1p-900)
      step = max(wished.isFinite && wished > 0 ? wished : width / 65_536, floor)
      let inverse = (1 / step).rounded()
      let isWhole = inverse >= 1 && inverse < 0x1p50 && abs(inverse * step - 1) < 1e-12
      perUnit = isWhole ? inverse : nil
      first = (low / step).rounded(.down)
      last = max(Int64((high / step).rounded(.up) - first), 0)
    }

    /// The value of a grid point.
    public func value(_ index: Int64) -> Double {
      let multiple = first + Double(index)
      if let perUnit { return multiple / perUnit }
      return multiple * step
    }

    /// The border below a grid point: values above it are nearer to this point than to the one
    /// before, whatever their last bits.
    func border(_ index: Int64) -> Double {
      value(index) - step / 2
    }
  }

  private let grids: [Grid?]
  private let probesPerTarget: Int
  private var targets: [Target]

  /// - Parameters:
  ///   - grids: one per feature; nil for features without quantiles.
  ///   - presentCounts: how many values are present, per feature, over all sites.
  ///   - quantiles: the wanted levels, each in 0…1; the q-quantile is the smallest grid point with
  ///     at least max(1, ⌈q·n⌉) values at or below it (the lower, inverse-distribution quantile).
  ///   - probesPerTarget: 64 unless told.
  public init(
    grids: [Grid?], presentCounts: [Int64], quantiles: [Double], probesPerTarget: Int = 64
  ) throws(CohortError) {
    guard grids.count == presentCounts.count, probesPerTarget > 0,
      quantiles.allSatisfy({ $0 >= 0 && $0 <= 1 }), presentCounts.allSatisfy({ $0 < 1 << 52 })
    else { throw CohortError(.shapeMismatch) }
    self.grids = grids
    self.probesPerTarget = probesPerTarget
    targets = []
    for (feature, grid) in grids.enumerated() {
      guard let grid, presentCounts[feature] > 0 else { continue }
      for quantile in quantiles {
        let rank = Int64((quantile * Double(presentCounts[feature])).rounded(.up))
        targets.append(
          Target(
            feature: feature, rank: min(max(rank, 1), presentCounts[feature]), low: 0,
            high: grid.last))
      }
    }
  }

  /// Whether every quantile is found.
  public var isFinished: Bool { targets.allSatisfy { $0.low >= $0.high } }

  /// The grid points whose borders are asked next, per target.
  private func points(_ target: Target) -> [Int64] {
    let span = target.high - target.low
    guard span > 0 else { return [] }
    let count = min(Int64(probesPerTarget), span)
    // Probes at low < p₁ < … < p_count ≤ high; the answer is p−1 or below when the count below p
    // reaches the rank.
    return (1...count).map { target.low + (span * $0 + count) / (count + 1) }
  }

  /// The probes of the next round, one ascending list per feature without repeats: the argument of
  /// `CohortTable.countsBelow`.
  public var probes: [[Double]] {
    plan.map { feature, points in
      points.compactMap { grids[feature]?.border($0) }
    }
  }

  private var plan: [(Int, [Int64])] {
    var lists = [Set<Int64>](repeating: [], count: grids.count)
    for target in targets { lists[target.feature].formUnion(points(target)) }
    return lists.enumerated().map { ($0, $1.sorted()) }
  }

  /// Narrows every interval by the round's totals, which are in the order of `probes`.
  /// Throws `shapeMismatch` when their number differs.
  public mutating func update(_ totals: [Int64]) throws(CohortError) {
    let plan = plan
    guard totals.count == plan.reduce(0, { $0 + $1.1.count }) else {
      throw CohortError(.shapeMismatch)
    }
    var offset = 0
    for (feature, points) in plan {
      for index in targets.indices where targets[index].feature == feature {
        for (position, point) in points.enumerated() {
          let below = totals[offset + position]
          if below >= targets[index].rank {
            targets[index].high = min(targets[index].high, point - 1)
          } else {
            targets[index].low = max(targets[index].low, point)
          }
        }
        // Noise can make the counts contradict each other; the interval stays an interval.
        targets[index].high = max(targets[index].high, targets[index].low)
      }
      offset += points.count
    }
  }

  /// The quantiles found, `[feature][quantile]`, in the order asked; empty for a feature without
  /// a grid or without values.
  public var quantiles: [[Double]] {
    var found = [[Double]](repeating: [], count: grids.count)
    for target in targets {
      guard let grid = grids[target.feature] else { continue }
      found[target.feature].append(grid.value(target.low))
    }
    return found
  }
}
