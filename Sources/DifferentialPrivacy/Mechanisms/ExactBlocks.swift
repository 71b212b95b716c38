/// F_b to as many binary digits as are asked for, in integers of any length.
struct ExactBlocks {
  private let square: UInt64
  private let doubledVariance: UInt64
  /// Fixed point with 64·`wordCount` digits.
  private var wordCount = 0
  private var sums: [LongInteger] = []
  private var margin = LongInteger(0)

  init(square: UInt64, doubledVariance: UInt64) {
    self.square = square
    self.doubledVariance = doubledVariance
  }

  /// ⌊2^64·F_b⌋, at most 2^64 − 1.
  mutating func threshold(_ block: Int) -> UInt64 {
    // The largest word r with r·2^−64 < F_b, one binary digit after the other.
    var found: UInt64 = 0
    for shift in (0..<64).reversed() {
      let candidate = found | 1 << UInt64(shift)
      if isBelow(LongInteger(candidate), digits: 1, block: block) { found = candidate }
    }
    return found
  }

  /// The smallest block b ≥ `start` with U < F_b, for the U that begins with a word; U ≥ F_{start−1} is
  /// known. Takes words until the block is certain.
  mutating func block(
    from start: Int, firstWord: UInt64, next: () -> UInt64
  ) -> UInt64 {
    var digits = 1
    var value = LongInteger(firstWord)
    var block = start
    while true {
      if !isBelow(value, digits: digits, block: block) {
        block += 1
      } else if isBelow(value + LongInteger(1), digits: digits, block: block) {
        return UInt64(block)
      } else {
        value = value.shiftedLeft(words: 1) + LongInteger(next())
        digits += 1
      }
    }
  }

  /// Whether value·2^(−64·digits) < F_b. F_b is irrational, so that some precision decides.
  private mutating func isBelow(_ value: LongInteger, digits: Int, block: Int) -> Bool {
    var words = max(wordCount, digits + 2)
    while true {
      if words > wordCount || block >= sums.count { prepare(words: words) }
      if block < sums.count, let total = sums.last {
        // value·S < S_b·2^(64·digits)?
        let sum = sums[block]
        if value * (total + margin) < (sum - margin).shiftedLeft(words: digits) { return true }
        if !(value * (total - margin) < (sum + margin).shiftedLeft(words: digits)) { return false }
      }
      words += 2
    }
  }

  /// The sums with a given precision; see `GaussianBlocks` for the bound of rounding.
  private mutating func prepare(words: Int) {
    wordCount = words
    let one = LongInteger(1).shiftedLeft(words: words)
    var base = one
    var term = one
    var k: UInt64 = 1
    while !term.isZero {
      term = (term * LongInteger(square)).divided(by: doubledVariance).divided(by: k)
      base = k & 1 == 1 ? base - term : base + term
      k += 1
    }
    let baseSquare = (base * base).shiftedRight(words: words)
    var ratio = base
    var weight = one
    sums = [one]
    while LongInteger(UInt64(sums.count) << 24) < weight {
      weight = (weight * ratio).shiftedRight(words: words)
      ratio = (ratio * baseSquare).shiftedRight(words: words)
      sums.append(sums[sums.count - 1] + weight)
    }
    let count = UInt64(sums.count + 4)
    margin = LongInteger(32 * count) * LongInteger(count * count)
  }
}
