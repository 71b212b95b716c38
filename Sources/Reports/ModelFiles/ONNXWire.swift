/// The few pieces of the protocol buffer encoding that an ONNX model needs (onnx.proto, IR version 8).
struct ONNXWire {
  private(set) var bytes: [UInt8] = []

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  private mutating func key(_ field: Int, _ type: Int) { varint(UInt64(field << 3 | type)) }

  mutating func integer(_ field: Int, _ value: Int) {
    key(field, 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func message(_ field: Int, _ content: [UInt8]) {
    key(field, 2)
    varint(UInt64(content.count))
    bytes += content
  }

  mutating func text(_ field: Int, _ value: String) { message(field, Array(value.utf8)) }

  /// A packed list of 32-bit floats.
  mutating func floats(_ field: Int, _ values: [Float]) {
    var content: [UInt8] = []
    content.reserveCapacity(4 * values.count)
    for value in values {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { content += $0 }
    }
    message(field, content)
  }

  /// A packed list of integers.
  mutating func integers(_ field: Int, _ values: [Int]) {
    var content = ONNXWire()
    for value in values { content.varint(UInt64(bitPattern: Int64(value))) }
    message(field, content.bytes)
  }

  static func make(_ build: (inout ONNXWire) -> Void) -> [UInt8] {
    var wire = ONNXWire()
    build(&wire)
    return wire.bytes
  }
}

/// An attribute of a node (AttributeProto).
enum ONNXAttribute {
  case float(String, Float)
  case integer(String, Int)
  case text(String, String)
  case floats(String, [Float])
  case integers(String, [Int])
  case texts(String, [String])

  var bytes: [UInt8] {
    ONNXWire.make { wire in
      switch self {
      case .float(let name, let value):
        wire.text(1, name)
        // A single float is a fixed 32-bit field, which a packed list of one is not.
        wire.fixed(2, value)
        wire.integer(20, 1)
      case .integer(let name, let value):
        wire.text(1, name)
        wire.integer(3, value)
        wire.integer(20, 2)
      case .text(let name, let value):
        wire.text(1, name)
        wire.text(4, value)
        wire.integer(20, 3)
      case .floats(let name, let values):
        wire.text(1, name)
        wire.floats(7, values)
        wire.integer(20, 6)
      case .integers(let name, let values):
        wire.text(1, name)
        wire.integers(8, values)
        wire.integer(20, 7)
      case .texts(let name, let values):
        wire.text(1, name)
        for value in values { wire.text(9, value) }
        wire.integer(20, 8)
      }
    }
  }
}

extension ONNXWire {
  mutating func fixed(_ field: Int, _ value: Float) {
    key(field, 5)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
  }
}
