import COpenSSL

/// A set of keystreams that are added to, or subtracted from, one vector of ring elements.
///
/// `apply` goes block by block over the vector and, within a block, over the keys, so that the
/// vector passes the cache once per batch of keys and nothing but one block of keystream is ever
/// stored: memory does not grow with the number of keys beyond their contexts.
///
/// A mask set is used once: `apply` consumes it, since a second use of a keystream would reveal
/// the difference of two vectors.
public struct MaskSet: ~Copyable {
  /// Keys per pass over the vector: their key schedules stay in the second-level cache.
  private static let batchSize = 64

  private var added: [OpaquePointer] = []
  private var subtracted: [OpaquePointer] = []

  public init() {}

  deinit {
    for context in added { EVP_CIPHER_CTX_free(context) }
    for context in subtracted { EVP_CIPHER_CTX_free(context) }
  }

  /// How many keys the set has.
  public var count: Int { added.count + subtracted.count }

  /// Takes a key whose keystream is to be added. Throws `wrongLength` unless it has 32 bytes.
  public mutating func add(key: SecretBytes) throws(CryptographyError) {
    let keystream = try key.withUnsafeBytes { (key) throws(CryptographyError) in
      try AESKeystream(key: key)
    }
    added.append(keystream.release())
  }

  /// Takes a key from scratch memory that its owner wipes.
  package mutating func add(key: UnsafeRawBufferPointer) throws(CryptographyError) {
    let keystream = try AESKeystream(key: key)
    added.append(keystream.release())
  }

  /// Takes a key whose keystream is to be subtracted. Throws `wrongLength` unless it has 32 bytes.
  public mutating func subtract(key: SecretBytes) throws(CryptographyError) {
    let keystream = try key.withUnsafeBytes { (key) throws(CryptographyError) in
      try AESKeystream(key: key)
    }
    subtracted.append(keystream.release())
  }

  /// Takes a key from scratch memory that its owner wipes.
  package mutating func subtract(key: UnsafeRawBufferPointer) throws(CryptographyError) {
    let keystream = try AESKeystream(key: key)
    subtracted.append(keystream.release())
  }

  /// Adds and subtracts all keystreams, as little-endian 32-bit words, modulo 2^32.
  public consuming func apply(to vector: inout [UInt32]) {
    vector.withUnsafeMutableBufferPointer { mask($0) }
  }

  /// Adds and subtracts all keystreams, as little-endian 64-bit words, modulo 2^64.
  public consuming func apply(to vector: inout [UInt64]) {
    vector.withUnsafeMutableBufferPointer { mask($0) }
  }

  private borrowing func mask(_ vector: UnsafeMutableBufferPointer<UInt32>) {
    Self.forEachBlock(
      added: added, subtracted: subtracted, count: vector.count, width: 4
    ) { keystream, range, isAdded in
      guard let words = keystream.baseAddress?.assumingMemoryBound(to: UInt32.self),
        let target = vector.baseAddress.map({ $0 + range.lowerBound })
      else { return }
      if isAdded {
        for index in 0..<range.count { target[index] &+= UInt32(littleEndian: words[index]) }
      } else {
        for index in 0..<range.count { target[index] &-= UInt32(littleEndian: words[index]) }
      }
    }
  }

  private borrowing func mask(_ vector: UnsafeMutableBufferPointer<UInt64>) {
    Self.forEachBlock(
      added: added, subtracted: subtracted, count: vector.count, width: 8
    ) { keystream, range, isAdded in
      guard let words = keystream.baseAddress?.assumingMemoryBound(to: UInt64.self),
        let target = vector.baseAddress.map({ $0 + range.lowerBound })
      else { return }
      if isAdded {
        for index in 0..<range.count { target[index] &+= UInt64(littleEndian: words[index]) }
      } else {
        for index in 0..<range.count { target[index] &-= UInt64(littleEndian: words[index]) }
      }
    }
  }

  /// Produces every key's keystream for every block of the vector and hands it to `body`.
  @inline(__always)
  private static func forEachBlock(
    added: [OpaquePointer], subtracted: [OpaquePointer], count: Int, width: Int,
    _ body: (UnsafeMutableRawBufferPointer, Range<Int>, Bool) -> Void
  ) {
    let blockByteCount = AESKeystream.blockByteCount
    let scratch = UnsafeMutableRawBufferPointer.allocate(
      byteCount: 2 * blockByteCount, alignment: 64)
    wipe(scratch)
    let zeros = UnsafeRawBufferPointer(rebasing: scratch[..<blockByteCount])
    let keystream = UnsafeMutableRawBufferPointer(rebasing: scratch[blockByteCount...])
    defer {
      wipe(scratch)
      scratch.deallocate()
    }
    let blockLength = blockByteCount / width
    let keyCount = added.count + subtracted.count
    var firstKey = 0
    while firstKey < keyCount {
      let lastKey = min(firstKey + batchSize, keyCount)
      var start = 0
      while start < count {
        let range = start..<min(start + blockLength, count)
        let byteCount = range.count * width
        let source = UnsafeRawBufferPointer(rebasing: zeros[..<byteCount])
        let target = UnsafeMutableRawBufferPointer(rebasing: keystream[..<byteCount])
        for key in firstKey..<lastKey {
          let isAdded = key < added.count
          let context = isAdded ? added[key] : subtracted[key - added.count]
          AESKeystream.encrypt(context, source, into: target)
          body(target, range, isAdded)
        }
        start = range.upperBound
      }
      firstKey = lastKey
    }
  }
}
