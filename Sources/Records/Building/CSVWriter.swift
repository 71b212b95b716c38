/// Writes delimited text as RFC 4180 says.
///
/// It looks at bytes, not at characters: a combining accent joins a quote or a comma into one
/// character that equals neither.
public enum CSVWriter {
  /// A field, quoted when it holds the delimiter, a quote, a line end, a byte order mark or blanks
  /// at its ends. `delimiter` is one ASCII character.
  public static func field(_ text: String, delimiter: UInt8 = UInt8(ascii: ",")) -> String {
    let quote = UInt8(ascii: "\"")
    let bytes = text.utf8
    let mustQuote =
      bytes.contains { $0 == delimiter || $0 == quote || $0 == 10 || $0 == 13 }
      || bytes.first == 32 || bytes.last == 32 || bytes.starts(with: [0xEF, 0xBB, 0xBF])
    guard mustQuote else { return text }
    var quoted = [quote]
    quoted.reserveCapacity(bytes.count + 2)
    for byte in bytes {
      if byte == quote { quoted.append(quote) }
      quoted.append(byte)
    }
    quoted.append(quote)
    return String(decoding: quoted, as: UTF8.self)
  }

  /// One record with its line end. A record of one empty field is written as `""`, since a blank
  /// line means nothing.
  public static func record(
    _ fields: [String], delimiter: UInt8 = UInt8(ascii: ",")
  ) -> String {
    if fields == [""] { return "\"\"\n" }
    let separator = String(decoding: [delimiter], as: UTF8.self)
    return fields.map { field($0, delimiter: delimiter) }.joined(separator: separator) + "\n"
  }
}
