/// A piece of well-formed markup. Literal text is markup; every interpolated string is escaped, so
/// a hospital's name can never become an element.
///
///     let cell: Markup = "<td>\(siteName)</td>"   // siteName is escaped
///
/// What is built from it is at once HTML and well-formed XML: elements are closed, attributes
/// quoted, and no entity is used but the five of XML.
struct Markup: Sendable, Equatable, ExpressibleByStringInterpolation {
  /// The markup as text.
  private(set) var text: String

  init(stringLiteral value: String) { text = value }

  init(stringInterpolation: Interpolation) { text = stringInterpolation.text }

  /// Pieces one after the other.
  init(_ pieces: [Markup]) { text = pieces.map(\.text).joined() }

  /// Text with every special character escaped.
  init(escaping value: String) { text = Self.escaped(value) }

  /// Markup that is known to be sound; the caller answers for it.
  init(unchecked value: String) { text = value }

  /// Nothing.
  static let empty: Markup = ""

  static func + (left: Markup, right: Markup) -> Markup {
    Markup(unchecked: left.text + right.text)
  }

  static func += (left: inout Markup, right: Markup) { left.text += right.text }

  /// Collects literals as they are and strings escaped.
  struct Interpolation: StringInterpolationProtocol {
    var text = ""

    init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity + 16 * interpolationCount)
    }

    mutating func appendLiteral(_ literal: String) { text += literal }
    mutating func appendInterpolation(_ value: String) { text += Markup.escaped(value) }
    mutating func appendInterpolation(_ value: Int) { text += String(value) }
    mutating func appendInterpolation(_ value: Markup) { text += value.text }
    mutating func appendInterpolation(_ value: [Markup]) {
      for piece in value { text += piece.text }
    }
  }

  typealias StringInterpolation = Interpolation

  /// The text with `& < > " '` as entities, and characters that XML forbids, or that change the
  /// direction of the text around them, as U+FFFD.
  static func escaped(_ value: String) -> String {
    var result = ""
    result.reserveCapacity(value.utf8.count)
    for scalar in value.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      default: result.unicodeScalars.append(isHarmless(scalar) ? scalar : "\u{FFFD}")
      }
    }
    return result
  }

  /// Whether a character may stand in XML 1.0 and leaves the reading direction alone.
  static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A, 0x0D: true
    case 0..<0x20, 0x7F..<0xA0: false
    case 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: false
    case 0xFFFE, 0xFFFF: false
    default: true
    }
  }
}
