/// The integers 0, 1, 2, … in blocks of s, with the probabilities of the blocks' left ends under a
/// Gaussian: what the discrete Gaussian sampler proposes from.
///
/// With w_b = e^(−(s·b)²/2σ²) and F_b = Σ_{j ≤ b} w_j / Σ_j w_j, a uniform real U falls in block b when
/// F_{b−1} ≤ U < F_b. `thresholds[b]` is ⌊2^64·F_b⌋ exactly: a word r below it decides U < F_b, a word
/// above it U ≥ F_b, and only r = `thresholds[b]` leaves the question to more words and digits
/// (`ExactBlocks`). The list ends with 2^64 − 1, which F_b reaches at about 9.4 σ.
///
/// The sums are formed in fixed point with 120 binary digits; `margin` bounds what rounding can do to
/// them, and where a threshold is not certain it is taken from `ExactBlocks`.
///
/// | symbol | in code |
/// |---|---|
/// | q = e^(−s²/2σ²) | `base` |
/// | q^(2j−1) = w_j / w_{j−1} | `ratio` |
struct GaussianBlocks: Sendable, Hashable {
  /// s.
  let length: UInt64
  /// Numerator s² and denominator 2σ² of the exponent of q; their quotient is at most 1/2.
  let square: UInt64
  let doubledVariance: UInt64
  /// ⌊2^64·F_b⌋ for b = 0, 1, …
  let thresholds: [UInt64]
  /// For each value of a word's highest byte, the first block that words with it can fall in.
  let starts: [UInt16]

  private static let scaleBits = 120

  /// - Parameter exactly: takes every threshold from `ExactBlocks`; for tests.
  init(variance: UInt64, exactly: Bool = false) {
    length = max(1, IntegerRoot.floor(variance) / 16)
    square = length * length
    doubledVariance = 2 * variance
    let sums = Self.sums(square: square, doubledVariance: doubledVariance)
    let total = sums.last ?? 0
    // Rounding: q is off by at most 64 units, q² by 130, the j-th ratio by 130·j + 64, w_j by
    // 65·j² + 130·j, a sum of them by less than 32·(j + 4)³, and w_j at the end is below its own error,
    // as is all that follows.
    let count = UInt128(sums.count + 4)
    let margin = 32 * count * count * count
    var exact = ExactBlocks(square: square, doubledVariance: doubledVariance)
    var found: [UInt64] = []
    for (block, sum) in sums.enumerated() {
      if total - sum + 2 * margin < total >> 64 {
        // F_b is less than 2^−64 from 1, and less than 1.
        found.append(.max)
        break
      }
      let (quotient, remainder) = total.dividingFullWidth((sum >> 64, sum << 64))
      // 2^64·S_b − T·S is known but for 2^64·(margin of S_b) + T·(margin of S).
      let doubt = 2 * margin << 64
      if !exactly, remainder >= doubt, remainder < total - doubt {
        found.append(UInt64(quotient))
      } else {
        found.append(exact.threshold(block))
      }
    }
    thresholds = found
    var starts: [UInt16] = []
    var block = 0
    for byte in 0..<256 {
      while found[block] < UInt64(byte) << 56 { block += 1 }
      starts.append(UInt16(block))
    }
    self.starts = starts
  }

  /// S_b = Σ_{j ≤ b} w_j in units of 2^−120, until w_j is nothing but rounding.
  private static func sums(square: UInt64, doubledVariance: UInt64) -> [UInt128] {
    let one = UInt128(1) << UInt128(scaleBits)
    func multiply(_ left: UInt128, _ right: UInt128) -> UInt128 {
      let product = left.multipliedFullWidth(by: right)
      return product.high << UInt128(128 - scaleBits) | product.low >> UInt128(scaleBits)
    }
    // e^−x = 1 − x + x²/2! − …, alternating, every term rounded down.
    var base = one
    var term = one
    var k: UInt64 = 1
    while term > 0 {
      let (quotient, _) = UInt128(doubledVariance).dividingFullWidth(
        term.multipliedFullWidth(by: UInt128(square)))
      term = quotient / UInt128(k)
      base = k & 1 == 1 ? base - term : base + term
      k += 1
    }
    let baseSquare = multiply(base, base)
    var ratio = base
    var weight = one
    var sums = [one]
    while weight > UInt128(sums.count) << 24 {
      weight = multiply(weight, ratio)
      ratio = multiply(ratio, baseSquare)
      sums.append((sums.last ?? 0) + weight)
    }
    return sums
  }

  /// The tables without the reference counts of their arrays.
  struct Tables {
    let thresholds: UnsafeBufferPointer<UInt64>
    let starts: UnsafeBufferPointer<UInt16>
  }

  /// Lends the tables for the length of a batch.
  @inline(__always)
  func withTables(_ body: (Tables) -> Void) {
    thresholds.withUnsafeBufferPointer { thresholds in
      starts.withUnsafeBufferPointer { starts in
        body(Tables(thresholds: thresholds, starts: starts))
      }
    }
  }

  /// The block that the next words fall in.
  @inline(__always)
  func next(from stream: inout NoiseStream, _ tables: Tables) -> UInt64 {
    let word = stream.next()
    var block = Int(tables.starts[Int(truncatingIfNeeded: word >> 56)])
    // Ends at the last threshold, 2^64 − 1.
    while word > tables.thresholds[block] { block &+= 1 }
    if word < tables.thresholds[block] { return UInt64(block) }
    return settle(word, at: block, &stream)
  }

  /// More digits for a word that equals a threshold: once in 2^56 draws.
  @inline(never)
  private func settle(_ word: UInt64, at block: Int, _ stream: inout NoiseStream) -> UInt64 {
    var exact = ExactBlocks(square: square, doubledVariance: doubledVariance)
    return exact.block(from: block, firstWord: word) { stream.next() }
  }
}
