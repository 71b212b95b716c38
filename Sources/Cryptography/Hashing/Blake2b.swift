import CSodium

/// The 16-byte personalisation string of BLAKE2b (RFC 7693 §2.5, parameter block), which keeps the
/// uses of the hash apart. Shorter labels are padded with zero bytes.
public struct HashLabel: Sendable, Hashable, ExpressibleByStringLiteral {
  let bytes: SIMD16<UInt8>

  public init(stringLiteral label: StaticString) {
    precondition(label.utf8CodeUnitCount <= 16, "labels are constants of at most 16 bytes")
    var bytes = SIMD16<UInt8>(repeating: 0)
    label.withUTF8Buffer { text in
      for (index, unit) in text.enumerated() { bytes[index] = unit }
    }
    self.bytes = bytes
  }
}

/// Incremental BLAKE2b-256 (RFC 7693) with a personalisation label and an optional key.
///
/// The parts of a structured input are length-framed: `part` writes the length as a 64-bit
/// little-endian integer and then the bytes, so no two lists of parts collide. `update` adds bytes
/// without a frame.
public struct Blake2b: ~Copyable {
  private let storage: UnsafeMutableRawPointer

  private var state: OpaquePointer { OpaquePointer(storage) }

  /// An unkeyed hash.
  public init(_ label: HashLabel = "") {
    self.init(label, key: UnsafeRawBufferPointer(start: nil, count: 0))
  }

  /// A hash keyed by at most 64 bytes; an empty key means unkeyed.
  public init(_ label: HashLabel, key: UnsafeRawBufferPointer) {
    self.init(label, key: key, outputCount: Digest.byteCount)
  }

  /// A hash keyed by a secret of at most 64 bytes.
  public init(_ label: HashLabel, key: SecretBytes) {
    self = key.withUnsafeBytes { Blake2b(label, key: $0) }
  }

  /// For known-answer tests with other output lengths.
  package init(_ label: HashLabel, key: UnsafeRawBufferPointer, outputCount: Int) {
    precondition(Sodium.isReady, "libsodium initialises on every supported system")
    precondition(key.count <= 64, "key lengths are fixed by the protocol")
    storage = UnsafeMutableRawPointer.allocate(
      byteCount: crypto_generichash_blake2b_statebytes(), alignment: 64)
    self.outputCount = outputCount
    let status = withUnsafeBytes(of: label.bytes) { personal in
      crypto_generichash_blake2b_init_salt_personal(
        OpaquePointer(storage), key.baseAddress?.assumingMemoryBound(to: UInt8.self), key.count,
        outputCount, nil, personal.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
    precondition(status == 0, "BLAKE2b refuses only lengths that were checked above")
  }

  private let outputCount: Int

  deinit {
    sodium_memzero(storage, crypto_generichash_blake2b_statebytes())
    storage.deallocate()
  }

  /// Adds bytes as they are.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    crypto_generichash_blake2b_update(
      state, base.assumingMemoryBound(to: UInt8.self), UInt64(bytes.count))
  }

  /// Adds bytes as they are.
  public mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  /// Adds an integer, least significant byte first.
  public mutating func update<T: FixedWidthInteger>(integer: T) {
    withUnsafeBytes(of: integer.littleEndian) { update($0) }
  }

  /// Adds one length-framed part.
  public mutating func part(_ bytes: UnsafeRawBufferPointer) {
    update(integer: UInt64(bytes.count))
    update(bytes)
  }

  /// Adds one length-framed part.
  public mutating func part(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { part($0) }
  }

  /// Adds a digest as one length-framed part.
  public mutating func part(_ digest: Digest) {
    digest.withUnsafeBytes { part($0) }
  }

  /// Adds a secret as one length-framed part.
  public mutating func part(_ secret: SecretBytes) {
    secret.withUnsafeBytes { part($0) }
  }

  /// Adds an integer as one length-framed part of its own width.
  public mutating func part<T: FixedWidthInteger>(integer: T) {
    withUnsafeBytes(of: integer.littleEndian) { part($0) }
  }

  /// The hash value as a public digest.
  public consuming func finish() -> Digest {
    withSecretScratch(byteCount: Digest.byteCount) { target in
      write(to: target)
      return Digest(unchecked: UnsafeRawBufferPointer(target))
    }
  }

  /// The hash value as a derived key, which never leaves guarded memory.
  public consuming func finishSecret() -> SecretBytes {
    SecretBytes(count: Digest.byteCount) { write(to: $0) }
  }

  /// The hash value at the length it was made for, for known-answer tests.
  package consuming func finishBytes() -> [UInt8] {
    var result = [UInt8](repeating: 0, count: outputCount)
    result.withUnsafeMutableBytes { write(to: $0) }
    return result
  }

  /// Writes the hash value over `target`, which has as many bytes as the hash was made for (32).
  public consuming func finish(into target: UnsafeMutableRawBufferPointer) {
    write(to: target)
  }

  private borrowing func write(to target: UnsafeMutableRawBufferPointer) {
    precondition(target.count == outputCount, "the output length is fixed when the hash is made")
    guard let base = target.baseAddress else { return }
    crypto_generichash_blake2b_final(
      state, base.assumingMemoryBound(to: UInt8.self), outputCount)
  }
}

extension Blake2b {
  /// The unkeyed hash of a list of length-framed parts.
  public static func hash(_ label: HashLabel, _ parts: [UInt8]...) -> Digest {
    var hash = Blake2b(label)
    for part in parts { hash.part(part) }
    return hash.finish()
  }
}
