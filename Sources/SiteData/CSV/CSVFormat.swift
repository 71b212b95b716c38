/// How the bytes of a file become text.
public enum TextEncoding: String, Sendable, Hashable, CaseIterable {
  /// UTF-8, with or without a byte order mark.
  case utf8 = "utf-8"
  /// ISO 8859-1.
  case latin1 = "latin-1"
  /// Windows code page 1252.
  case windows1252 = "windows-1252"

  /// The text of a field; nil when the bytes are not in this encoding.
  func text(_ bytes: ArraySlice<UInt8>) -> String? {
    switch self {
    case .utf8:
      return String(validating: bytes, as: UTF8.self)
    case .latin1:
      var text = String.UnicodeScalarView()
      for byte in bytes { text.append(Unicode.Scalar(byte)) }
      return String(text)
    case .windows1252:
      var text = String.UnicodeScalarView()
      for byte in bytes {
        guard (0x80...0x9F).contains(byte) else {
          text.append(Unicode.Scalar(byte))
          continue
        }
        guard let scalar = Self.windowsScalars[Int(byte) - 0x80] else { return nil }
        text.append(scalar)
      }
      return String(text)
    }
  }

  /// The characters of bytes 0x80 to 0x9F in code page 1252; five are not assigned.
  private static let windowsScalars: [Unicode.Scalar?] = [
    "€", nil, "‚", "ƒ", "„", "…", "†", "‡", "ˆ", "‰", "Š", "‹", "Œ", nil, "Ž", nil, nil, "‘", "’",
    "“", "”", "•", "–", "—", "˜", "™", "š", "›", "œ", nil, "ž", "Ÿ",
  ]
}

/// One record of a CSV file.
public struct CSVRecord: Sendable, Hashable {
  /// What is wrong with one field; the field's text is then a repaired one.
  public struct Fault: Sendable, Hashable {
    public let code: SiteDataError.Code
    /// Column from 1.
    public let column: Int
  }

  /// The fields' texts, without their quotes.
  public var fields: [String]
  /// Line of the file on which the record begins, from 1.
  public let line: Int
  public var faults: [Fault]
}
