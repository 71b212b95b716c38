import Cryptography

/// The random words behind a batch of noise: the AES-256-CTR keystream of a 32-byte seed, cut into
/// little-endian 64-bit words, and the exact decisions made from them.
///
/// **Exactness.** Nothing here is floating point and no probability is rounded. If the words are
/// independent and uniform, every decision below has exactly the probability its comment states:
///
/// * `isBelow(a, b)` decides U < a/b for a real U uniform in [0, 1) whose binary digits are the
///   words. After a word r, U lies in [r, r + 1) · 2^−64: the answer is certain when
///   (r + 1)·b ≤ a·2^64 or r·b ≥ a·2^64; otherwise U = (r + U′)·2^−64 with a fresh uniform U′, and
///   U < a/b ⟺ U′ < (a·2^64 − r·b)/b, the same question again. It ends with probability 1.
/// * `isBelowExponential(a, b)` is von Neumann's series in the form of Canonne, Kamath and Steinke
///   2020, Algorithm 1: with γ = a/b ≤ 1 the first K at which a Bernoulli(γ/K) fails is odd with
///   probability Σ (−γ)^k/k! = e^−γ. For γ > 1, e^−γ = (e^−1)^⌈γ−1⌉ · e^−(rest).
/// * `uniform(below:)` is Lemire 2019: of the 2^64 values of a word exactly ⌊2^64/n⌋ lead to each
///   result.
///
/// The order in which words are used is normative (`protocol/README.md` §20): another implementation
/// draws the same integers from the same seed, on any machine. The time it takes depends on the
/// values drawn, as with every rejection sampler: draw a batch before anything a peer can time
/// depends on it (Jin et al., IEEE S&P 2022).
struct NoiseStream: ~Copyable {
  private static let bufferedWordCount = 1_024

  private var keystream: AESKeystream
  private let words: UnsafeMutablePointer<UInt64>
  private var used = NoiseStream.bufferedWordCount

  /// Throws `malformed` unless the seed has 32 bytes.
  init(seed: UnsafeRawBufferPointer) throws(DifferentialPrivacyError) {
    do {
      keystream = try AESKeystream(key: seed)
    } catch {
      throw DifferentialPrivacyError(
        .malformed, "a seed of noise has 32 bytes and the cipher must be there", field: "seed")
    }
    words = .allocate(capacity: Self.bufferedWordCount)
    words.initialize(repeating: 0, count: Self.bufferedWordCount)
  }

  deinit {
    wipe(UnsafeMutableRawBufferPointer(start: words, count: Self.bufferedWordCount * 8))
    words.deallocate()
  }

  /// The next 64 bits.
  @inline(__always)
  mutating func next() -> UInt64 {
    if used == Self.bufferedWordCount { refill() }
    let word = UInt64(littleEndian: words[used])
    used &+= 1
    return word
  }

  @inline(never)
  private mutating func refill() {
    keystream.next(
      into: UnsafeMutableRawBufferPointer(start: words, count: Self.bufferedWordCount * 8))
    used = 0
  }

  /// True with probability one half: the top bit of a word.
  @inline(__always)
  mutating func coin() -> Bool { next() >> 63 == 1 }

  /// Uniform in 0 ..< `bound`; `bound` ≥ 1.
  @inline(__always)
  mutating func uniform(below bound: UInt64) -> UInt64 {
    while true {
      let (high, low) = next().multipliedFullWidth(by: bound)
      // 2^64 mod bound < bound: only then can the word be one of the surplus.
      if low >= bound || low >= (0 &- bound) % bound { return high }
    }
  }

  /// True with probability a/b; 0 ≤ a ≤ b, b ≥ 1.
  @inline(__always)
  mutating func isBelow(_ a: UInt64, _ b: UInt64) -> Bool {
    let (high, low) = next().multipliedFullWidth(by: b)
    // high + 1 < a: even (r + 1)·b < (high + 2)·2^64 ≤ a·2^64. high ≥ a: r·b ≥ a·2^64.
    if high &+ 1 != a { return high < a }
    // a·2^64 − r·b = 2^64 − low. It is at least b when U < a/b whatever the next digits are.
    if low == 0 || 0 &- low >= b { return true }
    return isBelowTail(0 &- low, b)
  }

  /// The question that one word left open: once in about 2^64/b times.
  @inline(never)
  private mutating func isBelowTail(_ a: UInt64, _ b: UInt64) -> Bool {
    var a = a
    while true {
      let (high, low) = next().multipliedFullWidth(by: b)
      if high &+ 1 != a { return high < a }
      if low == 0 || 0 &- low >= b { return true }
      a = 0 &- low
    }
  }

  /// `isBelow` for numbers beyond 64 bits; b < 2^127.
  @inline(never)
  mutating func isBelowWide(_ a: UInt128, _ b: UInt128) -> Bool {
    var a = a
    while true {
      let word = next()
      let lower = word.multipliedFullWidth(by: UInt64(truncatingIfNeeded: b))
      let upper = word.multipliedFullWidth(by: UInt64(truncatingIfNeeded: b >> 64))
      // r·b = high · 2^64 + low
      let high = UInt128(upper.high) << 64 + UInt128(upper.low) + UInt128(lower.high)
      if high >= a { return false }
      let difference = a - high
      if difference > b >> 64 + 1 { return true }
      let rest = difference << 64 - UInt128(lower.low)
      if rest >= b { return true }
      a = rest
    }
  }

  /// True with probability e^(−a/b); b ≥ 1.
  @inline(__always)
  mutating func isBelowExponential(_ a: UInt64, _ b: UInt64) -> Bool {
    var a = a
    while a > b {
      if !isBelowExponentialOfUnit(1, 1) { return false }
      a &-= b
    }
    return isBelowExponentialOfUnit(a, b)
  }

  /// True with probability e^(−a/b); 0 ≤ a ≤ b.
  @inline(__always)
  mutating func isBelowExponentialOfUnit(_ a: UInt64, _ b: UInt64) -> Bool {
    // K = 1, 2, …: the answer after a failure at K is "K is odd".
    if !isBelow(a, b) { return true }
    var product = b
    while true {
      var sum = product.addingReportingOverflow(b)
      if sum.overflow { return isBelowExponentialWide(UInt128(a), UInt128(b), from: product / b) }
      if !isBelow(a, sum.partialValue) { return false }
      product = sum.partialValue
      sum = product.addingReportingOverflow(b)
      if sum.overflow { return isBelowExponentialWide(UInt128(a), UInt128(b), from: product / b) }
      if !isBelow(a, sum.partialValue) { return true }
      product = sum.partialValue
    }
  }

  /// The series from K = `done` + 1 on, for products beyond 64 bits.
  @inline(never)
  private mutating func isBelowExponentialWide(
    _ a: UInt128, _ b: UInt128, from done: UInt64
  ) -> Bool {
    var k = UInt128(done) + 1
    while isBelowWide(a, b * k) { k += 1 }
    return k & 1 == 1
  }

  /// `isBelowExponential` for an `a` beyond 64 bits.
  @inline(never)
  mutating func isBelowExponentialWide(_ a: UInt128, _ b: UInt64) -> Bool {
    var a = a
    while a > UInt128(b) {
      if !isBelowExponentialOfUnit(1, 1) { return false }
      a -= UInt128(b)
    }
    return isBelowExponentialOfUnit(UInt64(a), b)
  }
}
