/// The Skellam distribution of a given integer variance μ: the difference of two Poisson variables
/// of mean μ/2 (Agarwal, Kairouz and Liu, NeurIPS 2021). Sums of Skellam draws are Skellam, which
/// makes it the alternative to `DiscreteGaussian` on coarse lattices.
///
/// Exact, in two steps. N ~ Poisson(μ): every one of N events belongs to the first or second
/// variable by a fair coin, so that N₁ − N₂ = 2·(heads among N bits) − N. The Poisson draw is by
/// rejection from a hat of blocks of length s = ⌈√μ⌉ on each side of the mode μ, of height 1, 1, q,
/// q², … with q = (μ/(μ + s))^s: with j = u + s·v the distance from the mode, p(μ + j)/p(μ) =
/// Π_{i=1…j} μ/(μ + i) and p(μ − j)/p(μ) = Π_{i=1…j} (μ − i + 1)/μ; divided by the height q^(v−1),
/// which is s·(v − 1) factors μ/(μ + s), set against the factors i = s + 1 … s·v, every quotient is a
/// fraction of integers in [0, 1]: (μ + s)/(μ + i) and (μ − i + 1)(μ + s)/μ². It is kept when each of
/// them holds. Cost: O(√μ) decisions and μ/64 words per draw.
public struct Skellam: Sendable, Hashable {
  /// The largest variance, 2^24 lattice units²: above it the discrete Gaussian is the better choice.
  public static let maximumVariance: UInt64 = 1 << 24

  /// μ, in lattice units². 0 is no noise.
  public let variance: UInt64
  private let blockLength: UInt64

  /// Throws `outOfRange` for a variance above `maximumVariance`.
  public init(variance: UInt64) throws(DifferentialPrivacyError) {
    guard variance <= Self.maximumVariance else {
      throw DifferentialPrivacyError(
        .outOfRange, "a variance of Skellam noise is at most 2^24", field: "variance")
    }
    self.variance = variance
    blockLength = max(1, IntegerRoot.ceiling(variance))
  }

  /// Fills `values` with independent draws from the keystream of `seed` (32 bytes, used for nothing
  /// else). A variance of 0 gives zeros. Throws `malformed` for a seed of another length.
  public func fill(
    into values: inout [Int64], seed: UnsafeRawBufferPointer
  ) throws(DifferentialPrivacyError) {
    var stream = try NoiseStream(seed: seed)
    for index in values.indices {
      values[index] = variance == 0 ? 0 : draw(from: &stream)
    }
  }

  private func draw(from stream: inout NoiseStream) -> Int64 {
    let events = poisson(from: &stream)
    var heads = 0
    var left = events
    while left >= 64 {
      heads += stream.next().nonzeroBitCount
      left -= 64
    }
    if left > 0 { heads += (stream.next() >> (64 - left)).nonzeroBitCount }
    return 2 * Int64(heads) - Int64(events)
  }

  private func poisson(from stream: inout NoiseStream) -> UInt64 {
    while true {
      let down = stream.coin()
      var block: UInt64 = 0
      if stream.coin() {
        block = 1
        while passesBlock(&stream) { block += 1 }
      } else if passesBlock(&stream) {
        // Height 1 for block 0 beside (1 − q)·q^(v−1) for the others.
        continue
      }
      let distance = stream.uniform(below: blockLength) + blockLength * block
      if down && distance == 0 { continue }
      if isKept(distance, down: down, block: block, &stream) {
        return down ? variance - distance : variance + distance
      }
    }
  }

  /// True with probability q.
  private func passesBlock(_ stream: inout NoiseStream) -> Bool {
    for _ in 0..<blockLength where !stream.isBelow(variance, variance + blockLength) {
      return false
    }
    return true
  }

  private func isKept(
    _ distance: UInt64, down: Bool, block: UInt64, _ stream: inout NoiseStream
  ) -> Bool {
    if down && distance > variance { return false }
    var i: UInt64 = 1
    while i <= distance {
      let compared = i > blockLength && i <= blockLength * block
      let held =
        if down {
          compared
            ? stream.isBelow((variance - i + 1) * (variance + blockLength), variance * variance)
            : stream.isBelow(variance - i + 1, variance)
        } else {
          stream.isBelow(compared ? variance + blockLength : variance, variance + i)
        }
      if !held { return false }
      i += 1
    }
    return true
  }
}
