extension RingVector {
  /// The elements one after the other, least significant byte first.
  public var bytes: [UInt8] {
    withUnsafeLittleEndianBytes { Array($0) }
  }

  /// Reads `count` elements from exactly as many bytes as they take; nil for any other length.
  public init?(_ bytes: UnsafeRawBufferPointer, width: RingWidth) {
    guard bytes.count % width.byteCount == 0 else { return nil }
    let count = bytes.count / width.byteCount
    switch width {
    case .bits32:
      self = .bits32(
        [UInt32](unsafeUninitializedCapacity: count) { target, initialized in
          UnsafeMutableRawBufferPointer(target).copyMemory(from: bytes)
          initialized = count
        })
    case .bits64:
      self = .bits64(
        [UInt64](unsafeUninitializedCapacity: count) { target, initialized in
          UnsafeMutableRawBufferPointer(target).copyMemory(from: bytes)
          initialized = count
        })
    }
    convertFromLittleEndian()
  }

  /// Reads elements from an array of bytes; nil when the length is not a multiple of the width.
  public init?(_ bytes: [UInt8], width: RingWidth) {
    guard let vector = bytes.withUnsafeBytes({ RingVector($0, width: width) }) else { return nil }
    self = vector
  }

  /// Lends the wire bytes of the elements without copying them where the machine is little-endian.
  public func withUnsafeLittleEndianBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    #if _endian(little)
      switch self {
      case .bits32(let elements): return try elements.withUnsafeBytes(body)
      case .bits64(let elements): return try elements.withUnsafeBytes(body)
      }
    #else
      switch self {
      case .bits32(let elements): return try elements.map(\.littleEndian).withUnsafeBytes(body)
      case .bits64(let elements): return try elements.map(\.littleEndian).withUnsafeBytes(body)
      }
    #endif
  }

  /// Adds wire bytes element by element modulo 2^w, in place and without a copy of them. Returns
  /// false, and changes nothing, when they are not exactly as long as the vector.
  public mutating func add(littleEndian bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count == count * width.byteCount else { return false }
    switch self {
    case .bits32(var words):
      self = .bits32([])  // keeps `words` uniquely referenced, so that it is changed in place
      words.withUnsafeMutableBufferPointer { target in
        for index in 0..<target.count {
          let word = bytes.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)
          target[index] &+= UInt32(littleEndian: word)
        }
      }
      self = .bits32(words)
    case .bits64(var words):
      self = .bits64([])
      words.withUnsafeMutableBufferPointer { target in
        for index in 0..<target.count {
          let word = bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)
          target[index] &+= UInt64(littleEndian: word)
        }
      }
      self = .bits64(words)
    }
    return true
  }

  private mutating func convertFromLittleEndian() {
    #if !_endian(little)
      switch self {
      case .bits32(let elements): self = .bits32(elements.map { UInt32(littleEndian: $0) })
      case .bits64(let elements): self = .bits64(elements.map { UInt64(littleEndian: $0) })
      }
    #endif
  }
}
