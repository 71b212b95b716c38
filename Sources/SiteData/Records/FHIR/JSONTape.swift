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
