/// Why a byte string is not the canonical encoding of a value. Equality is on the code.
public struct DecodingFault: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// The bytes end before the value does.
    case truncated
    /// A length or count is beyond its limit or beyond what the message can hold.
    case tooLong = "too-long"
    /// Bytes are left after the value.
    case trailingBytes = "trailing-bytes"
    /// A byte pattern that the encoder never writes.
    case notCanonical = "not-canonical"
  }

  public let code: Code
  /// Offset of the field at fault, in bytes from the start.
  public let offset: Int

  public init(_ code: Code, at offset: Int) {
    self.code = code
    self.offset = offset
  }

  public static func == (left: Self, right: Self) -> Bool { left.code == right.code }

  public var description: String { "\(code.rawValue) at byte \(offset)" }
}
