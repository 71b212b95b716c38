/// How one feature's values are put into at most 256 bins, the same at every site.
///
/// Bin 0 holds missing values: NaN, ±∞ and, for a categorical feature, every number that is not the
/// index of a level. A value is first rounded to binary32, so that a model exported to formats that
/// store binary32 thresholds sends every row the same way.
public struct FeatureBins: Sendable, Hashable, Codable {
  /// What the bins mean.
  public enum Kind: Sendable, Hashable {
    /// Bin 1 + k holds the values v with exactly k cuts ≤ v. At most 254 cuts, strictly ascending.
    case numeric(cuts: [Float])
    /// Bin 1 + k holds level k. 1 … 255 levels.
    case categorical(levelCount: Int)
  }

  /// The feature's name.
  public let name: String
  public let kind: Kind

  /// Throws `invalidBins` when the cuts or the number of levels are outside the ranges above.
  public init(name: String, kind: Kind) throws(BoostedTreesError) {
    switch kind {
    case .numeric(let cuts):
      guard cuts.count <= 254 else { throw BoostedTreesError(.invalidBins) }
      for (index, cut) in cuts.enumerated() {
        guard cut.isFinite, index == 0 || cuts[index - 1] < cut else {
          throw BoostedTreesError(.invalidBins, index: index)
        }
      }
    case .categorical(let levelCount):
      guard (1...255).contains(levelCount) else { throw BoostedTreesError(.invalidBins) }
    }
    self.name = name
    self.kind = kind
  }

  /// Cuts from candidate values in any order, such as quantiles: rounded to binary32, sorted,
  /// repeated ones dropped, and thinned evenly to `maximumCutCount`.
  public init(
    name: String, cutsAt values: [Double], maximumCutCount: Int = 254
  ) throws(BoostedTreesError) {
    guard (0...254).contains(maximumCutCount) else { throw BoostedTreesError(.invalidSettings) }
    var cuts: [Float] = []
    for cut in values.map({ Float($0) }).filter({ $0.isFinite }).sorted()
    where cuts.last != cut { cuts.append(cut) }
    if cuts.count > maximumCutCount {
      let all = cuts
      cuts = (0..<maximumCutCount).map { all[($0 * all.count + all.count / 2) / maximumCutCount] }
    }
    try self.init(name: name, kind: .numeric(cuts: cuts))
  }

  /// Bins including the one for missing values, 2 … 256.
  public var binCount: Int {
    switch kind {
    case .numeric(let cuts): cuts.count + 2
    case .categorical(let levelCount): levelCount + 1
    }
  }

  /// The bin of a value.
  public func bin(of value: Double) -> UInt8 {
    let single = Float(value)
    guard single.isFinite else { return 0 }
    switch kind {
    case .numeric(let cuts):
      return cuts.withUnsafeBufferPointer { Self.numericBin(of: single, cuts: $0) }
    case .categorical(let levelCount):
      guard let level = Int(exactly: single), level >= 0, level < levelCount else { return 0 }
      return UInt8(level + 1)
    }
  }

  /// 1 + the number of cuts ≤ value.
  @inline(__always)
  static func numericBin(of value: Float, cuts: UnsafeBufferPointer<Float>) -> UInt8 {
    var low = 0
    var length = cuts.count
    while length > 0 {
      let half = length / 2
      let isAbove = cuts[low + half] <= value
      low = isAbove ? low + half + 1 : low
      length = isAbove ? length - half - 1 : half
    }
    return UInt8(truncatingIfNeeded: low + 1)
  }

  private enum CodingKeys: String, CodingKey { case name, cuts, levelCount }

  /// A feature has either `cuts` or a `levelCount`.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let name = try container.decode(String.self, forKey: .name)
    if let cuts = try container.decodeIfPresent([Float].self, forKey: .cuts) {
      guard !container.contains(.levelCount) else { throw BoostedTreesError(.invalidModel) }
      try self.init(name: name, kind: .numeric(cuts: cuts))
    } else {
      let count = try container.decode(Int.self, forKey: .levelCount)
      try self.init(name: name, kind: .categorical(levelCount: count))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    switch kind {
    case .numeric(let cuts): try container.encode(cuts, forKey: .cuts)
    case .categorical(let levelCount): try container.encode(levelCount, forKey: .levelCount)
    }
  }
}
