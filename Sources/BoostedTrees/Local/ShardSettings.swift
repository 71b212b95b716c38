/// What a site must know to answer, besides its rows; the same at every site.
public struct ShardSettings: Sendable {
  public var objective: any BoostingObjective
  public var scale: DerivativeScale
  /// Most leaves of a tree, 1 … 65,536.
  public var maximumLeafCount: Int
  /// Share of the training patients that a tree is grown on, in (0, 1].
  public var rowRate: Double
  /// Whether histograms count patients beside the derivatives.
  public var countsPatients: Bool

  public init(
    objective: any BoostingObjective, scale: DerivativeScale, maximumLeafCount: Int,
    rowRate: Double = 1, countsPatients: Bool = false
  ) {
    self.objective = objective
    self.scale = scale
    self.maximumLeafCount = maximumLeafCount
    self.rowRate = rowRate
    self.countsPatients = countsPatients
  }

  /// A patient is in a tree's sample when a keyed hash of both is below this.
  var rowThreshold: UInt64 {
    rowRate >= 1 ? .max : UInt64(max(rowRate, 0) * 0x1p63) &* 2
  }
}

/// Unit of summed losses and of the terms of the first margins.
enum FixedUnit {
  /// 2^20 units to 1.
  static let factor = 0x1p20
  /// Largest loss of one patient.
  static let lossLimit = 1024.0

  /// A term of the first margins in units: at least 0, at most 1, 0 for what is not a number.
  static func units(ofTerm term: Double) -> Int64 {
    let bounded = term > 0 ? (term < 1 ? term : 1) : 0
    return Int64((bounded * factor).rounded(.toNearestOrEven))
  }
}
