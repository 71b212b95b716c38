/// How the bytes of one field become a number or a time, without a `String` in between: the inner
/// loop of every reader.
public enum FieldText {
  /// The field without blanks and tabs around it.
  @inlinable
  public static func trimmed(_ field: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
    var low = 0
    var high = field.count
    while low < high, field[low] == 32 || field[low] == 9 { low += 1 }
    while high > low, field[high - 1] == 32 || field[high - 1] == 9 { high -= 1 }
    return UnsafeBufferPointer(rebasing: field[low..<high])
  }

  /// A finite decimal number with a point, as `7`, `.7`, `-1.5e-3`; nil for anything else, also
  /// for hexadecimal, `inf`, `nan`, decimal commas and thousands separators.
  ///
  /// A whole number up to 2^53 over a power of ten up to 19 is exact in one IEEE operation
  /// (Clinger, How to read floating point numbers accurately, PLDI 1990); the rest goes through
  /// the standard library, which rounds correctly too.
  ///
  /// With another `decimal` that byte stands for the point, which is then refused.
  public static func number(
    _ field: UnsafeBufferPointer<UInt8>, decimal: UInt8 = UInt8(ascii: ".")
  ) -> Double? {
    let count = field.count
    guard count > 0, count <= 64 else { return nil }
    let first = field[0]
    let negative = first == UInt8(ascii: "-")
    var position = negative || first == UInt8(ascii: "+") ? 1 : 0
    var mantissa: UInt64 = 0
    let wholeStart = position
    while position < count {
      let digit = field[position] &- 48
      guard digit <= 9 else { break }
      mantissa = mantissa &* 10 &+ UInt64(digit)
      position += 1
    }
    var digitCount = position - wholeStart
    var scale = 0
    if position < count, field[position] == decimal {
      position += 1
      let fractionStart = position
      while position < count {
        let digit = field[position] &- 48
        guard digit <= 9 else { break }
        mantissa = mantissa &* 10 &+ UInt64(digit)
        position += 1
      }
      scale = position - fractionStart
      digitCount += scale
    }
    guard digitCount > 0 else { return nil }
    // 19 digits stay below 2^64: up to there nothing has wrapped around.
    guard position == count, digitCount <= 19, mantissa <= 1 << 53 else {
      return slowNumber(field, decimal)
    }
    let value = scale == 0 ? Double(mantissa) : Double(mantissa) / power(scale)
    return negative ? -value : value
  }

  /// 10^`exponent` for 1 ... 19, each of them a double.
  @inline(__always)
  private static func power(_ exponent: Int) -> Double {
    switch exponent {
    case 1: 1e1
    case 2: 1e2
    case 3: 1e3
    default: powersOfTen[exponent]
    }
  }

  private static func slowNumber(
    _ field: UnsafeBufferPointer<UInt8>, _ decimal: UInt8
  ) -> Double? {
    for byte in field {
      switch byte {
      case 48...57, decimal, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "e"),
        UInt8(ascii: "E"):
        break
      default: return nil
      }
    }
    let plain = field.lazy.map { $0 == decimal ? UInt8(ascii: ".") : $0 }
    guard let value = Double(String(decoding: plain, as: UTF8.self)), value.isFinite else {
      return nil
    }
    return value
  }

  /// Whether a text is a number with a decimal comma, as `-80,5`: nothing but digits around one.
  public static func isDecimalComma(_ text: String) -> Bool {
    withBytes(text) { isDecimalComma($0) }
  }

  /// Whether a field is a number with a decimal comma.
  public static func isDecimalComma(_ field: UnsafeBufferPointer<UInt8>) -> Bool {
    var digits = field[...]
    if digits.first == UInt8(ascii: "-") { digits.removeFirst() }
    let parts = digits.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    return parts.count == 2
      && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { (48...57).contains($0) } }
  }

  private static let powersOfTen: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17,
    1e18, 1e19,
  ]

  /// Runs `body` with the UTF-8 bytes of a text.
  public static func withBytes<Result>(
    _ text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    var text = text
    return text.withUTF8 { body($0) }
  }

  /// `number` of a text.
  public static func number(_ text: String) -> Double? {
    withBytes(text) { number($0) }
  }
}
