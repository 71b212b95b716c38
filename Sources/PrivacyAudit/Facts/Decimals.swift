/// Numbers in text with a fixed number of decimals, without Foundation.
enum Decimals {
  /// `value` rounded to `places` decimals, 0 … 9; "inf" and "nan" for what is not finite.
  static func text(_ value: Double, _ places: Int) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = (value.magnitude * scale).rounded()
    guard scaled < 0x1p62 else { return "\(value)" }
    let sign = value < 0 && scaled > 0 ? "-" : ""
    let digits = String(Int64(scaled))
    guard places > 0 else { return sign + digits }
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    return sign + padded.dropLast(places) + "." + padded.suffix(places)
  }

  /// A share as a percentage with one decimal.
  static func percent(_ share: Double) -> String { text(100 * share, 1) + " %" }
}
