import Validation

/// Numbers as the report prints them: the same on every machine, in every locale. A number that is
/// absent or not finite is printed as an en dash, never as a word.
enum NumberText {
  /// What stands for an absent number.
  static let absent = "–"

  /// A number with a fixed count of decimals, 0 … 9, and a true minus sign.
  static func fixed(_ value: Double?, _ places: Int) -> String {
    guard let value, value.isFinite else { return absent }
    guard value.magnitude < 1e9 else { return significant(value) }
    var factor = 1.0
    for _ in 0..<places { factor *= 10 }
    let scaled = (value.magnitude * factor).rounded()
    guard scaled < 1e18 else { return significant(value) }
    var digits = String(Int64(scaled))
    if places > 0 {
      if digits.count <= places {
        digits = String(repeating: "0", count: places + 1 - digits.count) + digits
      }
      digits.insert(".", at: digits.index(digits.endIndex, offsetBy: -places))
    }
    return value < 0 && scaled > 0 ? "−" + digits : digits
  }

  /// A number with some significant digits, without trailing zeros after the point.
  static func significant(_ value: Double?, _ digits: Int = 3) -> String {
    guard let value, value.isFinite else { return absent }
    guard value != 0 else { return "0" }
    let magnitude = value.magnitude
    guard magnitude >= 1e-6, magnitude < 1e9 else {
      return scientific(value, digits)
    }
    var exponent = 0
    var power = 1.0
    while magnitude >= power * 10 {
      power *= 10
      exponent += 1
    }
    while magnitude < power {
      power /= 10
      exponent -= 1
    }
    let places = max(0, digits - 1 - exponent)
    if places == 0, exponent >= digits {
      var step = 1.0
      for _ in 0..<(exponent + 1 - digits) { step *= 10 }
      return fixed((value / step).rounded() * step, 0)
    }
    return trimmed(fixed(value, min(places, 9)))
  }

  private static func scientific(_ value: Double, _ digits: Int) -> String {
    var mantissa = value.magnitude
    var exponent = 0
    while mantissa >= 10 {
      mantissa /= 10
      exponent += 1
    }
    while mantissa < 1, exponent > -400 {
      mantissa *= 10
      exponent -= 1
    }
    let sign = value < 0 ? "−" : ""
    let power = exponent < 0 ? "−\(-exponent)" : "\(exponent)"
    return "\(sign)\(trimmed(fixed(mantissa, digits - 1))) × 10^\(power)"
  }

  private static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    var body = Substring(text)
    while body.last == "0" { body.removeLast() }
    if body.last == "." { body.removeLast() }
    return String(body)
  }

  /// A share as a percentage.
  static func percent(_ share: Double?, _ places: Int = 1) -> String {
    guard let share, share.isFinite else { return absent }
    return fixed(share * 100, places) + " %"
  }

  /// A count with commas between thousands.
  static func count(_ value: Int?) -> String {
    guard let value else { return absent }
    let digits = Array(String(value.magnitude))
    var text = value < 0 ? "−" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  /// "0.79 to 0.84".
  static func interval(_ interval: Interval?, _ places: Int) -> String {
    guard let interval else { return absent }
    return "\(fixed(interval.lower, places)) to \(fixed(interval.upper, places))"
  }

  /// "0.82 (0.79 to 0.84)"; without an interval the value alone.
  static func estimate(_ value: Double?, _ range: Interval?, _ places: Int) -> String {
    guard let range else { return fixed(value, places) }
    return "\(fixed(value, places)) (\(interval(range, places)))"
  }

  /// A p-value: "< 0.001" below that, else with three decimals.
  static func pValue(_ value: Double?) -> String {
    guard let value, value.isFinite else { return absent }
    return value < 0.001 ? "< 0.001" : fixed(value, 3)
  }

  /// A noun with its count: "1 hospital", "5 hospitals".
  static func quantity(_ value: Int, _ one: String, _ many: String? = nil) -> String {
    "\(count(value)) \(value == 1 ? one : many ?? one + "s")"
  }

  /// "a, b and c".
  static func list(_ items: [String]) -> String {
    guard let last = items.last else { return "" }
    guard items.count > 1 else { return last }
    return items.dropLast().joined(separator: ", ") + " and " + last
  }
}
