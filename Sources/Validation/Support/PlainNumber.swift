/// Numbers in the sentences of a report, without Foundation and the same on every machine.
enum PlainNumber {
  /// A number rounded to some significant digits, 1...15; numbers that are 0 or not finite come back
  /// as they are.
  static func rounded(_ value: Double, significantDigits: Int) -> Double {
    guard value.isFinite, value != 0, value.magnitude > 1e-290, value.magnitude < 1e290 else {
      return value
    }
    let (digits, exponent) = decimal(value.magnitude, significantDigits: significantDigits)
    let magnitude =
      exponent >= 0 ? Double(digits) * power(of: exponent) : Double(digits) / power(of: -exponent)
    return value < 0 ? -magnitude : magnitude
  }

  /// The number in decimal notation with some significant digits and without trailing zeros after
  /// the point.
  static func text(_ value: Double, significantDigits: Int = 3) -> String {
    guard value.isFinite else { return "unknown" }
    guard value.magnitude >= 1e-9, value.magnitude < 1e15 else {
      return value.magnitude < 1 ? "0" : "\(value)"
    }
    let (digits, exponent) = decimal(value.magnitude, significantDigits: significantDigits)
    var body = String(digits)
    if exponent >= 0 {
      body += String(repeating: "0", count: exponent)
    } else {
      if body.count <= -exponent {
        body = String(repeating: "0", count: -exponent - body.count + 1) + body
      }
      let split = body.index(body.endIndex, offsetBy: exponent)
      var fraction = body[split...]
      while fraction.last == "0" { fraction.removeLast() }
      body = String(body[..<split]) + (fraction.isEmpty ? "" : ".\(fraction)")
    }
    return value < 0 ? "-\(body)" : body
  }

  /// A share as a percentage: whole from 10 to 99.5, else with two significant digits.
  static func percent(_ share: Double) -> String {
    let value = share * 100
    return text(value >= 10 ? value.rounded() : value, significantDigits: value >= 10 ? 3 : 2)
      + " %"
  }

  /// digits · 10^exponent nearest to a positive number, with exactly that many digits.
  private static func decimal(_ value: Double, significantDigits: Int) -> (Int, Int) {
    let lowest = power(of: significantDigits - 1)
    var exponent = 0
    func scaled() -> Double {
      exponent >= 0 ? value / power(of: exponent) : value * power(of: -exponent)
    }
    while scaled() >= lowest * 10 { exponent += 1 }
    while scaled() < lowest { exponent -= 1 }
    var digits = scaled().rounded()
    if digits >= lowest * 10 {
      digits /= 10
      exponent += 1
    }
    return (Int(digits), exponent)
  }

  /// 10^exponent by multiplication; exact up to 10^22.
  private static func power(of exponent: Int) -> Double {
    var result = 1.0
    for _ in 0..<exponent { result *= 10 }
    return result
  }
}
