/// The SplitMix64 generator (Steele, Lea and Flood 2014): a counter and a mixing function.
///
/// Not cryptographic: for shuffles, initial weights and synthetic data. Masks and noise come from
/// the cryptographic library.
@frozen
public struct SplitMix64: RandomNumberGenerator, Sendable, Hashable {
  @usableFromInline var state: UInt64

  @inlinable
  public init(seed: UInt64) {
    state = seed
  }

  @inlinable
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  /// The output function: a bijection of 64 bits.
  @inlinable
  public static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A seed made from several words, such as (study seed, round, site): changing any word, or
  /// their order, gives an unrelated seed.
  public static func seed(_ words: UInt64...) -> UInt64 {
    seed(words: words)
  }

  /// The same for a sequence of words; also a quick fingerprint, without any security.
  public static func seed(words: some Sequence<UInt64>) -> UInt64 {
    var state: UInt64 = 0x243F_6A88_85A3_08D3
    for word in words {
      state = mix((state ^ mix(word &+ 0x9E37_79B9_7F4A_7C15)) &+ 0x9E37_79B9_7F4A_7C15)
    }
    return state
  }
}
