/// How the text of a cell is read, the same at every site.
public enum CellText {
  /// The text without blanks around it, and a whole number without its sign `+`, leading zeros
  /// or empty decimals: `" 1.0"`, `"+1"`, `"01"` and `"1"` all become `"1"`. Hospitals that write
  /// the same code in different number formats then mean the same level.
  ///
  /// Only texts of at most 15 digits are treated as numbers. Identifiers must not pass through
  /// here: `007` and `7` may be two patients.
  public static func canonical(_ text: String) -> String {
    let trimmed = trim(text)
    var digits = Array(trimmed.utf8)
    guard !digits.isEmpty, digits.count <= 24 else { return trimmed }
    var negative = false
    if digits[0] == UInt8(ascii: "-") || digits[0] == UInt8(ascii: "+") {
      negative = digits[0] == UInt8(ascii: "-")
      digits.removeFirst()
    }
    if let point = digits.firstIndex(of: UInt8(ascii: ".")) {
      guard digits[(point + 1)...].allSatisfy({ $0 == UInt8(ascii: "0") }) else { return trimmed }
      digits.removeSubrange(point...)
    }
    guard !digits.isEmpty, digits.count <= 15,
      digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { return trimmed }
    let kept = digits.drop { $0 == UInt8(ascii: "0") }
    if kept.isEmpty { return "0" }
    return (negative ? "-" : "") + String(decoding: kept, as: UTF8.self)
  }

  /// The text without blanks, tabs and line ends around it.
  public static func trim(_ text: String) -> String {
    func isBlank(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }
    let bytes = text.utf8
    guard let first = bytes.first, let last = bytes.last else { return "" }
    if !isBlank(first), !isBlank(last) { return text }
    let kept = bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
    return String(decoding: Array(kept), as: UTF8.self)
  }

  /// A finite decimal number with a point, as `7`, `.7`, `-1.5e-3`; nil for anything else, also
  /// for hexadecimal, `inf`, `nan`, decimal commas and thousands separators.
  public static func number(_ text: String) -> Double? {
    guard text.utf8.count <= 64 else { return nil }
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"),
        UInt8(ascii: "+"), UInt8(ascii: "e"), UInt8(ascii: "E"):
        break
      default: return nil
      }
    }
    guard let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// Yes or no: 1/0, true/false, yes/no, y/n, t/f, in any case; nil for anything else.
  public static func flag(_ canonical: String) -> Double? {
    switch canonical {
    case "1": return 1
    case "0": return 0
    default: break
    }
    switch canonical.lowercased() {
    case "true", "yes", "y", "t": return 1
    case "false", "no", "n", "f": return 0
    default: return nil
    }
  }

  /// Whether two texts mean the same value: equal numbers, or equal canonical texts.
  static func areEqual(_ left: String, _ right: String) -> Bool {
    if let a = number(left), let b = number(canonical(right)) { return a == b }
    return canonical(left) == canonical(right)
  }

  /// Negative, zero or positive as `left` stands before, at or after `right`; nil when the two
  /// are neither both numbers nor both ISO 8601 dates.
  static func order(_ left: String, _ right: String) -> Int? {
    if let a = number(left), let b = number(right) { return a < b ? -1 : (a > b ? 1 : 0) }
    guard isDate(left), isDate(right) else { return nil }
    let a = normalisedDate(left)
    let b = normalisedDate(right)
    return a == b ? 0 : (a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1)
  }

  /// Whether the text begins as an ISO 8601 calendar date, `YYYY-MM-DD`.
  public static func isDate(_ text: String) -> Bool {
    let head = Array(text.utf8.prefix(10))
    guard head.count == 10, text.utf8.count <= 40 else { return false }
    for (index, byte) in head.enumerated() {
      if index == 4 || index == 7 {
        guard byte == UInt8(ascii: "-") else { return false }
      } else {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return false }
      }
    }
    let month = Int(head[5] - 48) * 10 + Int(head[6] - 48)
    let day = Int(head[8] - 48) * 10 + Int(head[9] - 48)
    return (1...12).contains(month) && (1...31).contains(day)
  }

  /// `T` and a blank between date and time are the same.
  private static func normalisedDate(_ text: String) -> String {
    String(text.map { $0 == "T" ? " " : $0 })
  }

  /// Texts that every column reads as missing, compared without regard to case.
  public static let standardMissingCodes: Set<String> = ["", "na", "n/a", "nan", "null", "?", "."]

  /// Whether a canonical text is one of the standard missing codes.
  public static func isStandardMissing(_ canonical: String) -> Bool {
    guard canonical.utf8.count <= 4 else { return false }
    return standardMissingCodes.contains(canonical.lowercased())
  }
}
