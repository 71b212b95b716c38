/// The xoshiro256** 1.0 generator (Blackman and Vigna 2021): period 2^256 − 1.
///
/// Not cryptographic: for shuffles, initial weights, bootstraps and synthetic data.
@frozen
public struct Xoshiro256StarStar: RandomNumberGenerator, Sendable, Hashable {
  @usableFromInline var s0: UInt64
  @usableFromInline var s1: UInt64
  @usableFromInline var s2: UInt64
  @usableFromInline var s3: UInt64

  /// State from four outputs of SplitMix64, as the authors advise; never all zero.
  public init(seed: UInt64) {
    var mixer = SplitMix64(seed: seed)
    s0 = mixer.next()
    s1 = mixer.next()
    s2 = mixer.next()
    s3 = mixer.next()
  }

  /// Keyed randomness: an independent stream for each row (or tree, or fold) of one seed, which
  /// does not depend on the order in which rows are visited.
  public init(seed: UInt64, stream: UInt64) {
    self.init(seed: SplitMix64.seed(seed, stream))
  }

  /// The raw state, for known answers of the reference implementation.
  init(state: (UInt64, UInt64, UInt64, UInt64)) {
    (s0, s1, s2, s3) = state
  }

  @inlinable
  public mutating func next() -> UInt64 {
    let product = s1 &* 5
    let result = ((product << 7) | (product >> 57)) &* 9
    let t = s1 << 17
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= t
    s3 = (s3 << 45) | (s3 >> 19)
    return result
  }
}
