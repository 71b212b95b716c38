/// Builds the canonical byte string of a value: the one binary encoding for everything that is
/// hashed, signed or sent.
///
/// Integers are little-endian and of fixed width; variable-length parts carry a 32-bit length in
/// front. The same value always gives the same bytes, on every machine.
public struct ByteWriter: Sendable {
  /// The bytes written so far.
  public var bytes: [UInt8] { storage }

  // Inlinable throughout: called from another module, the generic functions would otherwise run
  // unspecialised, element by element.
  @usableFromInline var storage: [UInt8] = []

  @inlinable
  public init(reservingCapacity capacity: Int = 0) {
    storage.reserveCapacity(capacity)
  }

  /// Appends a fixed-width integer, least significant byte first.
  @inlinable
  public mutating func integer<T: FixedWidthInteger>(_ value: T) {
    withUnsafeBytes(of: value.littleEndian) { storage.append(contentsOf: $0) }
  }

  /// Appends fixed-width integers one after the other, with no count: the same bytes as `integer` for
  /// each of them, in one copy.
  @inlinable
  public mutating func integers<T: FixedWidthInteger>(_ values: [T]) {
    #if _endian(little)
      values.withUnsafeBytes { storage.append(contentsOf: $0) }
    #else
      for value in values { integer(value) }
    #endif
  }

  /// Appends the IEEE 754 bit pattern of a double. Negative zero and zero stay different.
  @inlinable
  public mutating func double(_ value: Double) {
    integer(value.bitPattern)
  }

  /// Appends one byte: 1 for true, 0 for false.
  @inlinable
  public mutating func boolean(_ value: Bool) {
    integer(UInt8(value ? 1 : 0))
  }

  /// Appends bytes as they are, with no length: for parts whose length the format fixes.
  @inlinable
  public mutating func raw(_ value: some Sequence<UInt8>) {
    storage.append(contentsOf: value)
  }

  /// Appends a 32-bit length and then the bytes.
  ///
  /// The caller keeps the value below 2^32 bytes; the precondition is about our own data, since
  /// nothing longer than the transport's frame limit ever reaches it.
  @inlinable
  public mutating func blob(_ value: some Collection<UInt8>) {
    precondition(value.count <= Int(UInt32.max), "a blob is bounded by the frame limit")
    integer(UInt32(value.count))
    storage.append(contentsOf: value)
  }

  /// Appends a string as a blob of its UTF-8 bytes.
  @inlinable
  public mutating func string(_ value: String) {
    let utf8 = value.utf8
    precondition(utf8.count <= Int(UInt32.max), "a string is bounded by the frame limit")
    integer(UInt32(utf8.count))
    storage.append(contentsOf: utf8)
  }

  /// Appends a 32-bit count and then each element with `body`.
  @inlinable
  public mutating func array<C: Collection>(
    _ values: C, _ body: (inout ByteWriter, C.Element) -> Void
  ) {
    integer(UInt32(values.count))
    for value in values { body(&self, value) }
  }

  /// Appends a presence byte and, when there is a value, the value.
  @inlinable
  public mutating func optional<T>(_ value: T?, _ body: (inout ByteWriter, T) -> Void) {
    boolean(value != nil)
    if let value { body(&self, value) }
  }
}
