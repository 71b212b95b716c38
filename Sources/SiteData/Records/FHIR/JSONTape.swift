/// One JSON text as a flat list of nodes that point into its bytes (RFC 8259): nothing is copied
/// until a value is asked for, and the list is used again for the next text.
///
/// Depth and size are bounded, so that no input can exhaust the stack or the memory.
struct JSONTape {
  static let maximumDepth = 64
  static let maximumNodes = 1 << 20

  enum Kind: UInt8 { case object, array, string, number, word }

  struct Node {
    var kind: Kind
    /// First byte of the value, behind the quote of a string; first byte of a container.
    var start: Int
    var end: Int
    /// Position of the node behind this one and everything in it.
    var next: Int
  }

  /// Where a text stops being JSON, as a byte from 1.
  struct Fault: Error { let column: Int }

  private(set) var nodes: [Node] = []

  /// Reads one text; nothing but blanks may follow it.
  mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) throws(Fault) {
    nodes.removeAll(keepingCapacity: true)
    var at = 0
    try value(bytes, &at, depth: 0)
    Self.skipBlanks(bytes, &at)
    guard at == bytes.count else { throw Fault(column: at + 1) }
  }

  @inline(__always)
  private static func skipBlanks(_ bytes: UnsafeBufferPointer<UInt8>, _ at: inout Int) {
    while at < bytes.count {
      let byte = bytes[at]
      guard byte == 32 || byte == 9 || byte == 10 || byte == 13 else { return }
      at += 1
    }
  }

  private mutating func value(
    _ bytes: UnsafeBufferPointer<UInt8>, _ at: inout Int, depth: Int
  ) throws(Fault) {
    Self.skipBlanks(bytes, &at)
    guard at < bytes.count, depth <= Self.maximumDepth, nodes.count < Self.maximumNodes else {
      throw Fault(column: at + 1)
    }
    switch bytes[at] {
    case UInt8(ascii: "{"): try container(bytes, &at, depth, isObject: true)
    case UInt8(ascii: "["): try container(bytes, &at, depth, isObject: false)
    case UInt8(ascii: "\""): try string(bytes, &at)
    default:
      let start = at
      while at < bytes.count {
        switch bytes[at] {
        case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "."):
          at += 1
          continue
        default: break
        }
        break
      }
      let token = UnsafeBufferPointer(rebasing: bytes[start..<at])
      let isWord = ["true", "false", "null"].contains { $0.utf8.elementsEqual(token) }
      guard isWord || FieldNumber.isJSON(token) else { throw Fault(column: start + 1) }
      nodes.append(
        Node(kind: isWord ? .word : .number, start: start, end: at, next: nodes.count + 1))
    }
  }

  private mutating func container(
    _ bytes: UnsafeBufferPointer<UInt8>, _ at: inout Int, _ depth: Int, isObject: Bool
  ) throws(Fault) {
    let own = nodes.count
    nodes.append(Node(kind: isObject ? .object : .array, start: at, end: at, next: 0))
    let close = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
    at += 1
    Self.skipBlanks(bytes, &at)
    if at < bytes.count, bytes[at] == close {
      at += 1
    } else {
      while true {
        if isObject {
          Self.skipBlanks(bytes, &at)
          guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else {
            throw Fault(column: at + 1)
          }
          try string(bytes, &at)
          Self.skipBlanks(bytes, &at)
          guard at < bytes.count, bytes[at] == UInt8(ascii: ":") else {
            throw Fault(column: at + 1)
          }
          at += 1
        }
        try value(bytes, &at, depth: depth + 1)
        Self.skipBlanks(bytes, &at)
        guard at < bytes.count else { throw Fault(column: at + 1) }
        if bytes[at] == close {
          at += 1
          break
        }
        guard bytes[at] == UInt8(ascii: ",") else { throw Fault(column: at + 1) }
        at += 1
      }
    }
    nodes[own].end = at
    nodes[own].next = nodes.count
  }

  private mutating func string(
    _ bytes: UnsafeBufferPointer<UInt8>, _ at: inout Int
  ) throws(Fault) {
    let start = at + 1
    at = start
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: "\""):
        nodes.append(Node(kind: .string, start: start, end: at, next: nodes.count + 1))
        at += 1
        return
      case UInt8(ascii: "\\"): at += 2
      case 0..<32: throw Fault(column: at + 1)
      default: at += 1
      }
    }
    throw Fault(column: min(at, bytes.count) + 1)
  }
}

/// Whether a token is a JSON number.
enum FieldNumber {
  static func isJSON(_ token: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let first = token.first else { return false }
    guard first == UInt8(ascii: "-") || (48...57).contains(first) else { return false }
    return token.allSatisfy { byte in
      (48...57).contains(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
        || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "e") || byte == UInt8(ascii: "E")
    }
  }
}

/// A value of a tape with its bytes.
struct JSONValue {
  let tape: JSONTape
  let bytes: UnsafeBufferPointer<UInt8>
  let position: Int

  private var node: JSONTape.Node { tape.nodes[position] }

  /// The value of an object's key; nil when this is no object or has no such key.
  subscript(key: StaticString) -> JSONValue? {
    guard node.kind == .object else { return nil }
    var at = position + 1
    while at < node.next {
      let name = tape.nodes[at]
      let isSame =
        name.end - name.start == key.utf8CodeUnitCount
        && bytes[name.start..<name.end].elementsEqual(
          UnsafeBufferPointer(start: key.utf8Start, count: key.utf8CodeUnitCount))
      if isSame { return JSONValue(tape: tape, bytes: bytes, position: at + 1) }
      at = tape.nodes[at + 1].next
    }
    return nil
  }

  /// The elements of an array; empty for anything else.
  var elements: [JSONValue] {
    guard node.kind == .array else { return [] }
    var found: [JSONValue] = []
    var at = position + 1
    while at < node.next {
      found.append(JSONValue(tape: tape, bytes: bytes, position: at))
      at = tape.nodes[at].next
    }
    return found
  }

  /// The text of a string with its escapes resolved; nil for anything else and for bytes that are
  /// not UTF-8.
  var text: String? {
    guard node.kind == .string else { return nil }
    let raw = bytes[node.start..<node.end]
    guard raw.contains(UInt8(ascii: "\\")) else { return String(validating: raw, as: UTF8.self) }
    return Self.unescaped(UnsafeBufferPointer(rebasing: raw))
  }

  private static func unescaped(_ raw: UnsafeBufferPointer<UInt8>) -> String? {
    var units: [UInt16] = []
    var plain: [UInt8] = []
    func flush() -> Bool {
      guard let text = String(validating: plain, as: UTF8.self) else { return false }
      units += Array(text.utf16)
      plain = []
      return true
    }
    var at = 0
    while at < raw.count {
      guard raw[at] == UInt8(ascii: "\\") else {
        plain.append(raw[at])
        at += 1
        continue
      }
      guard at + 1 < raw.count, flush() else { return nil }
      switch raw[at + 1] {
      case UInt8(ascii: "n"): plain.append(10)
      case UInt8(ascii: "t"): plain.append(9)
      case UInt8(ascii: "r"): plain.append(13)
      case UInt8(ascii: "b"): plain.append(8)
      case UInt8(ascii: "f"): plain.append(12)
      case UInt8(ascii: "u"):
        guard at + 6 <= raw.count,
          let unit = UInt16(String(decoding: raw[(at + 2)..<(at + 6)], as: UTF8.self), radix: 16)
        else { return nil }
        units.append(unit)
        at += 4
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): plain.append(raw[at + 1])
      default: return nil
      }
      at += 2
    }
    guard flush() else { return nil }
    return String(validating: units, as: UTF16.self)
  }

  /// The bytes of a number or of a string without escapes.
  var raw: UnsafeBufferPointer<UInt8>? {
    guard node.kind == .number || node.kind == .string else { return nil }
    return UnsafeBufferPointer(rebasing: bytes[node.start..<node.end])
  }
}
