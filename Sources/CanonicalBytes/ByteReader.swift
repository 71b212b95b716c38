/// Reads a canonical byte string from a peer or a file. Every read is bounds-checked and throws;
/// nothing a peer sends can trap.
public struct ByteReader: Sendable {
  // Inlinable throughout, like `ByteWriter`.
  @usableFromInline let bytes: [UInt8]
  @usableFromInline var position = 0

  /// How many bytes have been read.
  @inlinable public var offset: Int { position }

  @inlinable
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// How many bytes are left.
  @inlinable public var remaining: Int { bytes.count - position }

  /// Reads a fixed-width integer, least significant byte first.
  @inlinable
  public mutating func integer<T: FixedWidthInteger>(
    _ type: T.Type = T.self
  ) throws(DecodingFault) -> T {
    let width = MemoryLayout<T>.size
    guard remaining >= width else { throw DecodingFault(.truncated, at: offset) }
    // Within bounds: `width` bytes are left.
    let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: T.self) }
    position += width
    return T(littleEndian: value)
  }

  /// Reads a double by its bit pattern; NaN and infinities are returned as they are.
  @inlinable
  public mutating func double() throws(DecodingFault) -> Double {
    Double(bitPattern: try integer(UInt64.self))
  }

  /// Reads one byte that must be 0 or 1.
  @inlinable
  public mutating func boolean() throws(DecodingFault) -> Bool {
    let start = offset
    switch try integer(UInt8.self) {
    case 0: return false
    case 1: return true
    default: throw DecodingFault(.notCanonical, at: start)
    }
  }

  /// Reads exactly `count` bytes.
  @inlinable
  public mutating func raw(_ count: Int) throws(DecodingFault) -> [UInt8] {
    guard count >= 0, remaining >= count else { throw DecodingFault(.truncated, at: offset) }
    defer { position += count }
    return Array(bytes[offset..<(offset + count)])
  }

  /// Reads a 32-bit length, at most `limit`, and that many bytes.
  @inlinable
  public mutating func blob(limit: Int = Int(UInt32.max)) throws(DecodingFault) -> [UInt8] {
    let start = offset
    let count = Int(try integer(UInt32.self))
    guard count <= limit else { throw DecodingFault(.tooLong, at: start) }
    return try raw(count)
  }

  /// Reads a blob that must be well-formed UTF-8.
  @inlinable
  public mutating func string(limit: Int = 1 << 20) throws(DecodingFault) -> String {
    let start = offset
    let utf8 = try blob(limit: limit)
    guard let text = String(validating: utf8, as: UTF8.self) else {
      throw DecodingFault(.notCanonical, at: start)
    }
    return text
  }

  /// Reads a 32-bit count and then that many elements, each of at least `minimumBytes` bytes, so
  /// that a forged count cannot ask for more memory than the message itself has.
  @inlinable
  public mutating func array<T>(
    minimumBytes: Int = 1, _ body: (inout ByteReader) throws(DecodingFault) -> T
  ) throws(DecodingFault) -> [T] {
    let start = offset
    let count = Int(try integer(UInt32.self))
    guard count <= remaining / max(minimumBytes, 1) else {
      throw DecodingFault(.tooLong, at: start)
    }
    var values: [T] = []
    values.reserveCapacity(count)
    for _ in 0..<count { values.append(try body(&self)) }
    return values
  }

  /// Reads a presence byte and, when it is 1, the value.
  @inlinable
  public mutating func optional<T>(
    _ body: (inout ByteReader) throws(DecodingFault) -> T
  ) throws(DecodingFault) -> T? {
    try boolean() ? try body(&self) : nil
  }

  /// Throws when bytes are left: a canonical encoding has no trailing bytes.
  @inlinable
  public func finish() throws(DecodingFault) {
    guard remaining == 0 else { throw DecodingFault(.trailingBytes, at: offset) }
  }
}
