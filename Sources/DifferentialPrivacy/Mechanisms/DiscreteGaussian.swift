/// The discrete Gaussian distribution N_Z(0, σ²): P(y) ∝ e^(−y²/2σ²) over the integers, with an
/// integer σ² in lattice units².
///
/// Canonne, Kamath and Steinke, NeurIPS 2020, Algorithm 3, with one deviation: the centre of the
/// acceptance step is the integer m = max(1, ⌊√σ²⌋) and the proposal the discrete Laplace of the
/// rational scale σ²/m, where the paper takes an integer scale and a rational centre. For every m,
///
///     e^(−|y|·m/σ²) · e^(−(|y| − m)²/2σ²) = e^(−(y² + m²)/2σ²) ∝ e^(−y²/2σ²)
///
/// so that the result is the same distribution, and all fractions have σ² or 2σ² as denominator:
/// 64-bit arithmetic for every useful σ². Every decision is exact (`NoiseStream`); what is assumed
/// is that AES-256-CTR under a secret seed cannot be told from random words.
///
/// Guarantees: the same integers from the same seed on every machine (`protocol/vectors/noise`); an
/// accountant may charge n honest shares as one continuous Gaussian of variance Σσ² − 4 when each
/// share has at least 16 (`NoiseSchedule`). Reveals: nothing but through the time a batch takes.
public struct DiscreteGaussian: Sendable, Hashable {
  /// The largest variance, 2^62 lattice units² (a standard deviation of 2^31).
  public static let maximumVariance: UInt64 = 1 << 62

  /// σ², in lattice units². 0 is no noise.
  public let variance: UInt64
  private let proposal: DiscreteLaplace
  private let centre: UInt64

  /// Throws `outOfRange` for a variance above `maximumVariance`.
  public init(variance: UInt64) throws(DifferentialPrivacyError) {
    guard variance <= Self.maximumVariance else {
      throw DifferentialPrivacyError(
        .outOfRange, "a variance of discrete noise is at most 2^62", field: "variance")
    }
    self.variance = variance
    centre = max(1, IntegerRoot.floor(variance))
    proposal = DiscreteLaplace(unchecked: max(1, variance), centre)
  }

  /// Fills `values` with independent draws from the keystream of `seed` (32 bytes, used for nothing
  /// else). A variance of 0 gives zeros.
  ///
  /// The same seed gives the same integers on every machine; a shorter batch is a prefix of a longer
  /// one. Throws `malformed` for a seed of another length.
  public func fill(
    into values: inout [Int64], seed: UnsafeRawBufferPointer
  ) throws(DifferentialPrivacyError) {
    var stream = try NoiseStream(seed: seed)
    values.withUnsafeMutableBufferPointer { values in
      for index in values.indices {
        values[index] = variance == 0 ? 0 : draw(from: &stream)
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
  private func draw(from stream: inout NoiseStream) -> Int64 {
    while true {
      let y = proposal.magnitude(from: &stream)
      let distance = y > centre ? y &- centre : centre &- y
      let square = distance.multipliedReportingOverflow(by: distance)
      let kept =
        square.overflow
        ? stream.isBelowExponentialWide(UInt128(distance) * UInt128(distance), 2 &* variance)
        : stream.isBelowExponential(square.partialValue, 2 &* variance)
      guard kept else { continue }
      let negative = stream.coin()
      if negative && y == 0 { continue }
      return negative ? 0 &- Int64(bitPattern: y) : Int64(bitPattern: y)
    }
  }
}

extension DiscreteGaussian {
  /// The sum, coordinate by coordinate, of `count` draws of every seed with its variance: the noise to
  /// take off a sum when these seeds were revealed. Wraps modulo 2^64, like the ring it is for.
  ///
  /// Cost: `seeds.count` · `count` draws. Throws what `init` and `fill` throw.
  public static func sum(
    of seeds: [(bytes: [UInt8], variance: UInt64)], count: Int
  ) throws(DifferentialPrivacyError) -> [Int64] {
    var total = [Int64](repeating: 0, count: max(0, count))
    for seed in seeds {
      let noise = try DiscreteGaussian(variance: seed.variance)
        .draws(count: total.count, seed: seed.bytes)
      for index in total.indices { total[index] &+= noise[index] }
    }
    return total
  }
}
