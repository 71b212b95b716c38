/// An integer ≥ 0 of any length: what exact thresholds need and no more.
struct LongInteger: Sendable, Hashable {
  /// Least significant first; no zero at the end.
  private var words: [UInt64]

  init(_ value: UInt64) { words = value == 0 ? [] : [value] }

  private init(_ words: [UInt64]) {
    self.words = words
    while self.words.last == 0 { self.words.removeLast() }
  }

  var isZero: Bool { words.isEmpty }

  static func + (left: LongInteger, right: LongInteger) -> LongInteger {
    let (longer, shorter) =
      left.words.count < right.words.count ? (right.words, left.words) : (left.words, right.words)
    var result = longer
    var carry: UInt64 = 0
    for index in longer.indices {
      let other = index < shorter.count ? shorter[index] : 0
      let first = longer[index].addingReportingOverflow(other)
      let second = first.partialValue.addingReportingOverflow(carry)
      result[index] = second.partialValue
      carry = first.overflow || second.overflow ? 1 : 0
    }
    if carry == 1 { result.append(1) }
    return LongInteger(result)
  }

  /// The difference, or 0 when it would be negative.
  static func - (left: LongInteger, right: LongInteger) -> LongInteger {
    guard !(left < right) else { return LongInteger(0) }
    var result = left.words
    var borrow: UInt64 = 0
    for index in result.indices {
      let other = index < right.words.count ? right.words[index] : 0
      let first = result[index].subtractingReportingOverflow(other)
      let second = first.partialValue.subtractingReportingOverflow(borrow)
      result[index] = second.partialValue
      borrow = first.overflow || second.overflow ? 1 : 0
    }
    return LongInteger(result)
  }

  static func * (left: LongInteger, right: LongInteger) -> LongInteger {
    var result = [UInt64](repeating: 0, count: left.words.count + right.words.count)
    for (offset, one) in left.words.enumerated() {
      var carry: UInt64 = 0
      for (index, other) in right.words.enumerated() {
        let product = one.multipliedFullWidth(by: other)
        let sum =
          UInt128(product.high) << 64 + UInt128(product.low) + UInt128(result[offset + index])
          + UInt128(carry)
        result[offset + index] = UInt64(truncatingIfNeeded: sum)
        carry = UInt64(truncatingIfNeeded: sum >> 64)
      }
      result[offset + right.words.count] = carry
    }
    return LongInteger(result)
  }

  /// Rounded down; `divisor` ≥ 1.
  func divided(by divisor: UInt64) -> LongInteger {
    var result = words
    var remainder: UInt64 = 0
    for index in result.indices.reversed() {
      (result[index], remainder) = divisor.dividingFullWidth((remainder, result[index]))
    }
    return LongInteger(result)
  }

  func shiftedLeft(words count: Int) -> LongInteger {
    isZero ? self : LongInteger([UInt64](repeating: 0, count: count) + words)
  }

  /// Rounded down.
  func shiftedRight(words count: Int) -> LongInteger { LongInteger(Array(words.dropFirst(count))) }

  static func < (left: LongInteger, right: LongInteger) -> Bool {
    if left.words.count != right.words.count { return left.words.count < right.words.count }
    for (one, other) in zip(left.words.reversed(), right.words.reversed()) where one != other {
      return one < other
    }
    return false
  }
}
