import Cryptography

/// How the noise of one sum is split over the sites so that, whoever stays away, the honest sites
/// that are left still carry all of it (PRIVACY-CORE §4.4; XNoise: Jiang et al., EuroSys 2024).
///
/// Every site of a roster of n adds a *base* share σ²/(n − c) and *layers*, each drawn from a seed of
/// its own. Layer k stays in the sum when the locked set U2 has at most `layers[k].largestSurvivorCount`
/// sites; otherwise every site reveals its seed of that layer and everyone subtracts the noise. Shares
/// are rounded up after they are added up, so for every survivor count m from t to n:
///
///     honestVariance(m) = (m − c) · (variance a site keeps at m) ≥ σ²          exactly, in integers.
///
/// Grid of survivor counts at which shares change: all of n, n − 1 … t for n ≤ 8, otherwise n, ⌊9n/10⌋,
/// ⌊8n/10⌋ and t (at most 3 layers). There are no layers, and every site adds ⌈σ²/(t − c)⌉, when a layer
/// would have less than 16 lattice units², or the vector is longer than 65 536 (removing a layer costs
/// everyone its draws again).
///
/// Assumes at most c of the surviving sites collude with the aggregator. Guarantees: with shares of at
/// least 16 lattice units² an accountant may charge the honest sites' noise as one Gaussian of variance
/// σ² − 4 (PRIVACY-CORE §4.3). A site that vanishes before it reveals its seeds leaves its layers in:
/// more noise, never less.
public struct NoiseSchedule: Sendable, Hashable {
  /// The least variance of a share or layer, in lattice units².
  public static let leastVariance: UInt64 = 16
  /// Vectors longer than this have no layers.
  public static let longestLayeredVector = 65_536
  /// The largest total variance, in lattice units².
  public static let maximumVariance: UInt64 = 1 << 60

  /// One removable part of a site's noise.
  public struct Layer: Sendable, Hashable {
    /// The largest |U2| at which the layer stays in the sum.
    public let largestSurvivorCount: Int
    /// Variance of the layer at each site, in lattice units².
    public let variance: UInt64
  }

  /// n, sites of the roster.
  public let siteCount: Int
  /// c, sites that may collude.
  public let colluderCount: Int
  /// t, the fewest sites whose sum is opened.
  public let threshold: Int
  /// σ², the variance that honest sites must hold together, in lattice units².
  public let variance: UInt64
  /// Variance that every site adds and never removes, in lattice units².
  public let baseVariance: UInt64
  /// The layers, `largestSurvivorCount` strictly descending: the first is needed as soon as a grid step
  /// of sites is missing, the last only near the threshold.
  public let layers: [Layer]

  /// Plans the noise of one sum of `vectorLength` coordinates.
  ///
  /// Throws `outOfRange` unless 0 ≤ c < t ≤ n ≤ 65 535, 1 ≤ σ² ≤ 2^60 and `vectorLength` ≥ 0.
  public init(
    siteCount: Int, colluderCount: Int, threshold: Int, variance: UInt64, vectorLength: Int
  ) throws(DifferentialPrivacyError) {
    guard
      colluderCount >= 0, colluderCount < threshold, threshold <= siteCount,
      siteCount <= Int(UInt16.max), vectorLength >= 0
    else {
      throw DifferentialPrivacyError(
        .outOfRange, "colluders are fewer than the threshold, which is at most all sites",
        field: "sites")
    }
    guard 1...Self.maximumVariance ~= variance else {
      throw DifferentialPrivacyError(
        .outOfRange, "a total variance is an integer from 1 to 2^60", field: "variance")
    }
    self.siteCount = siteCount
    self.colluderCount = colluderCount
    self.threshold = threshold
    self.variance = variance

    func share(_ survivors: Int) -> UInt64 {
      let honest = UInt64(survivors - colluderCount)
      return max(Self.leastVariance, (variance + (honest - 1)) / honest)
    }

    let grid = Self.grid(siteCount: siteCount, threshold: threshold)
    let steps = zip(grid, grid.dropFirst()).map { higher, lower in
      Layer(largestSurvivorCount: higher - 1, variance: share(lower) - share(higher))
    }
    let fine =
      vectorLength <= Self.longestLayeredVector
      && steps.allSatisfy { $0.variance >= Self.leastVariance }
    layers = fine ? steps : []
    baseVariance = share(fine ? siteCount : threshold)
  }

  /// Survivor counts at which the share changes, descending from n to t.
  private static func grid(siteCount: Int, threshold: Int) -> [Int] {
    guard siteCount > 8 else { return Array((threshold...siteCount).reversed()) }
    let inner = [9 * siteCount / 10, 8 * siteCount / 10].filter { $0 > threshold }
    return siteCount == threshold ? [siteCount] : [siteCount] + inner + [threshold]
  }

  /// Positions in `layers` of those that are not needed with `survivorCount` sites in U2: these are
  /// the seeds that every site reveals.
  public func layersToRemove(survivorCount: Int) -> [Int] {
    layers.indices.filter { layers[$0].largestSurvivorCount < survivorCount }
  }

  /// Variance that one site's noise has in the sum after removal, in lattice units².
  public func keptVariance(survivorCount: Int) -> UInt64 {
    layers.reduce(baseVariance) {
      $1.largestSurvivorCount < survivorCount ? $0 : $0 + $1.variance
    }
  }

  /// Variance of the honest sites' noise in the sum when `survivorCount` sites are in U2 and
  /// `colluderCount` of them collude, in lattice units². At least `variance` for every survivor count
  /// from the threshold to all sites; 0 when no honest site is left.
  public func honestVariance(survivorCount: Int) -> UInt64 {
    UInt64(max(0, survivorCount - colluderCount)) * keptVariance(survivorCount: survivorCount)
  }

  /// Variance of all the noise in the sum when everybody is honest and reveals what it should.
  public func totalVariance(survivorCount: Int) -> UInt64 {
    UInt64(max(0, survivorCount)) * keptVariance(survivorCount: survivorCount)
  }

  /// `largestSurvivorCount` of every layer, as the secure sum binds it into its round.
  public var layerLimits: [UInt16] { layers.map { UInt16($0.largestSurvivorCount) } }

  /// The share of a site's noise that never comes off, added to `values` with wrapping arithmetic. The
  /// layers are drawn and added by the secure sum, each from a seed of its own.
  ///
  /// - Parameter seed: 32 bytes, revealed to nobody.
  ///
  /// Throws `malformed` for a seed that is not 32 bytes.
  public func addBase(
    to values: inout [Int64], seed: SecretBytes
  ) throws(DifferentialPrivacyError) {
    let base = try DiscreteGaussian(variance: baseVariance)
    try seed.withUnsafeBytes { (seed) throws(DifferentialPrivacyError) in
      try base.add(to: &values, seed: seed)
    }
  }
}
