/// Builds the canonical byte string of a value: the one binary encoding for everything that is
/// hashed, signed or sent.
///
/// Integers are little-endian and of fixed width; variable-length parts carry a 32-bit length in
/// front. The same value always gives the same bytes, on every machine.
public struct ByteWriter: Sendable {
  /// The bytes written so far.
  public private(set) var bytes: [UInt8] = []

  public init(reservingCapacity capacity: Int = 0) {
    bytes.reserveCapacity(capacity)
  }

  /// Appends a fixed-width integer, least significant byte first.
  public mutating func integer<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  /// Appends the IEEE 754 bit pattern of a double. Negative zero and zero stay different.
  public mutating func double(_ value: Double) {
    integer(value.bitPattern)
  }

  /// Appends one byte: 1 for true, 0 for false.
  public mutating func boolean(_ value: Bool) {
    integer(UInt8(value ? 1 : 0))
  }

  /// Appends bytes as they are, with no length: for parts whose length the format fixes.
  public mutating func raw(_ value: some Sequence<UInt8>) {
    bytes.append(contentsOf: value)
  }

  /// Appends a 32-bit length and then the bytes.
  ///
  /// The caller keeps the value below 2^32 bytes; the precondition is about our own data, since
  /// nothing longer than the transport's frame limit ever reaches it.
  public mutating func blob(_ value: some Collection<UInt8>) {
    precondition(value.count <= Int(UInt32.max), "a blob is bounded by the frame limit")
    integer(UInt32(value.count))
    bytes.append(contentsOf: value)
  }

  /// Appends a string as a blob of its UTF-8 bytes.
  public mutating func string(_ value: String) {
    blob(Array(value.utf8))
  }

  /// Appends a 32-bit count and then each element with `body`.
  public mutating func array<C: Collection>(
    _ values: C, _ body: (inout ByteWriter, C.Element) -> Void
  ) {
    integer(UInt32(values.count))
    for value in values { body(&self, value) }
  }

  /// Appends a presence byte and, when there is a value, the value.
  public mutating func optional<T>(_ value: T?, _ body: (inout ByteWriter, T) -> Void) {
    boolean(value != nil)
    if let value { body(&self, value) }
  }
}
