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

  /// Whether this is the word `null`.
  var isNull: Bool { node.kind == .word && bytes[node.start] == UInt8(ascii: "n") }

  /// Whether this is the word `true`.
  var isTrue: Bool { node.kind == .word && bytes[node.start] == UInt8(ascii: "t") }
}
