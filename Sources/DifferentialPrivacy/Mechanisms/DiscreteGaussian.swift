import Cryptography

/// The discrete Gaussian distribution N_Z(0, σ²): P(y) ∝ e^(−y²/2σ²) over the integers, with an
/// integer σ² in lattice units².
///
/// Rejection in the manner of Canonne, Kamath and Steinke, NeurIPS 2020, with a closer proposal: the
/// magnitudes in blocks of s = max(1, ⌊σ/16⌋), block b with probability ∝ w_b = e^(−(s·b)²/2σ²)
/// (`GaussianBlocks`), u uniform inside it, kept with probability e^(−u·(2sb + u)/2σ²). Since
///
///     (s·b)² + u·(2sb + u) = (s·b + u)²
///
/// the magnitude y = s·b + u comes out ∝ e^(−y²/2σ²), for every s; a sign follows, and −0 starts again.
/// About 97 of 100 proposals are kept. Every decision is exact (`NoiseStream`, `GaussianBlocks`): no
/// floating point, no rounded probability, no bound on y. What is assumed is that AES-256-CTR under a
/// secret seed cannot be told from random words.
///
/// Guarantees: the same integers from the same seed on every machine (`protocol/vectors/noise`); an
/// accountant may charge n honest shares as one continuous Gaussian of variance Σσ² − 4 when each
/// share has at least 16 (`NoiseSchedule`). Reveals: nothing but through the time a batch takes.
public struct DiscreteGaussian: Sendable, Hashable {
  /// The largest variance, 2^62 lattice units² (a standard deviation of 2^31).
  public static let maximumVariance: UInt64 = 1 << 62

  /// σ², in lattice units². 0 is no noise.
  public let variance: UInt64
  private let blocks: GaussianBlocks

  /// Throws `outOfRange` for a variance above `maximumVariance`.
  public init(variance: UInt64) throws(DifferentialPrivacyError) {
    guard variance <= Self.maximumVariance else {
      throw DifferentialPrivacyError(
        .outOfRange, "a variance of discrete noise is at most 2^62", field: "variance")
    }
    self.variance = variance
    blocks = GaussianBlocks(variance: max(1, variance))
  }

  /// Fills `values` with independent draws from the keystream of `seed` (32 bytes, used for nothing
  /// else). A variance of 0 gives zeros.
  ///
  /// The same seed gives the same integers on every machine; a shorter batch is a prefix of a longer
  /// one. Throws `malformed` for a seed of another length.
  public func fill(
    into values: inout [Int64], seed: UnsafeRawBufferPointer
  ) throws(DifferentialPrivacyError) {
    for index in values.indices { values[index] = 0 }
    try add(to: &values, seed: seed)
  }

  /// Adds independent draws from the keystream of `seed` to `values`, wrapping modulo 2^64: what `fill`
  /// would give, added.
  public func add(
    to values: inout [Int64], seed: UnsafeRawBufferPointer
  ) throws(DifferentialPrivacyError) {
    var stream = try NoiseStream(seed: seed)
    guard variance > 0 else { return }
    values.withUnsafeMutableBufferPointer { values in
      blocks.withTables { tables in
        for index in values.indices { values[index] &+= draw(from: &stream, tables) }
      }
    }
  }

  /// `fill` for a seed in an array.
  public func draws(count: Int, seed: [UInt8]) throws(DifferentialPrivacyError) -> [Int64] {
    var values = [Int64](repeating: 0, count: max(0, count))
    var failure: DifferentialPrivacyError?
    seed.withUnsafeBytes { seed in
      do throws(DifferentialPrivacyError) {
        try fill(into: &values, seed: seed)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return values
  }

  @inline(__always)
  private func draw(from stream: inout NoiseStream, _ tables: GaussianBlocks.Tables) -> Int64 {
    while true {
      let start = blocks.length &* blocks.next(from: &stream, tables)
      var y = start
      if blocks.length > 1 {
        let u = stream.uniform(below: blocks.length)
        y = start &+ u
        let product = u.multipliedReportingOverflow(by: start &+ y)
        let kept =
          product.overflow
          ? stream.isBelowExponentialWide(
            UInt128(u) * UInt128(start &+ y), blocks.doubledVariance)
          : stream.isBelowExponential(product.partialValue, blocks.doubledVariance)
        guard kept else { continue }
      }
      let negative = stream.coin()
      if negative && y == 0 { continue }
      return negative ? 0 &- Int64(bitPattern: y) : Int64(bitPattern: y)
    }
  }
}

extension DiscreteGaussian {
  /// The sum, coordinate by coordinate, of `count` draws of every variance from its 32-byte seed in the
  /// table `seeds`: what the secure sum adds and takes off. Wraps modulo 2^64, like the ring it is for.
  ///
  /// Cost: `variances.count` · `count` draws. Throws `lengthMismatch` unless there is one seed per
  /// variance, and what `init` throws.
  public static func sum(
    seeds: SecretBytes, variances: [UInt64], count: Int
  ) throws(DifferentialPrivacyError) -> [Int64] {
    guard seeds.count == 32 * variances.count else {
      throw DifferentialPrivacyError(
        .lengthMismatch, "there is one seed of 32 bytes per variance", field: "seeds")
    }
    var total = [Int64](repeating: 0, count: max(0, count))
    var samplers: [UInt64: DiscreteGaussian] = [:]
    for (position, variance) in variances.enumerated() {
      var known = samplers[variance]
      if known == nil { known = try DiscreteGaussian(variance: variance) }
      samplers[variance] = known
      guard let known else { continue }
      try seeds.slot(position) { (seed) throws(DifferentialPrivacyError) in
        try known.add(to: &total, seed: seed)
      }
    }
    return total
  }
}
