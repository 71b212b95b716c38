/// A decoded JSON document. The target reads no files; the caller decodes them.
public enum JSONValue: Sendable, Equatable, Decodable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// Decodes any JSON value.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// A field of an object; nil for anything else.
  public subscript(_ name: String) -> JSONValue? {
    if case .object(let fields) = self { return fields[name] }
    return nil
  }

  /// A number; the strings "inf" and "-inf" count as ±∞.
  public var number: Double? {
    switch self {
    case .number(let value): value
    case .string("inf"): .infinity
    case .string("-inf"): -.infinity
    default: nil
    }
  }

  /// A string; nil for anything else.
  public var string: String? {
    if case .string(let value) = self { return value }
    return nil
  }

  /// The elements of an array; nil for anything else.
  public var elements: [JSONValue]? {
    if case .array(let values) = self { return values }
    return nil
  }

  /// The fields of an object; nil for anything else.
  public var fields: [String: JSONValue]? {
    if case .object(let values) = self { return values }
    return nil
  }
}
