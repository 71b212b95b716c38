/// The name of a network or of a member: `[a-z0-9][a-z0-9-]{0,62}`.
///
/// One DNS label, lower case, so that it is safe in a URI, a file name and a log line, and two
/// names that look alike to a person are the same bytes.
public struct MemberName: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
  /// The name as written.
  public let text: String

  /// - Throws: `malformed-name`.
  public init(_ text: String) throws(IdentityError) {
    guard Self.accepts(text) else { throw IdentityError(.malformedName) }
    self.text = text
  }

  /// Reads a string, with the same check.
  public init(from decoder: any Decoder) throws {
    try self.init(decoder.singleValueContainer().decode(String.self))
  }

  /// Writes the string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }

  public var description: String { text }

  public static func < (left: Self, right: Self) -> Bool { left.text < right.text }

  private static func accepts(_ text: String) -> Bool {
    guard (1...63).contains(text.utf8.count), text.utf8.first != UInt8(ascii: "-") else {
      return false
    }
    return text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "-"):
        true
      default: false
      }
    }
  }
}
