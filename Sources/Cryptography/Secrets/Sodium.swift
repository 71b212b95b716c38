import CSodium

/// libsodium's one-time initialisation: every wrapper that allocates guarded memory or draws random
/// bytes reads `isReady` first.
enum Sodium {
  /// True once `sodium_init` has succeeded in this process.
  static let isReady: Bool = sodium_init() >= 0
}

/// Overwrites bytes in a way that the optimiser does not remove.
@inline(__always)
package func wipe(_ buffer: UnsafeMutableRawBufferPointer) {
  guard let base = buffer.baseAddress else { return }
  sodium_memzero(base, buffer.count)
}

/// Lends a zeroed scratch buffer for secret bytes and wipes it when `body` returns or throws.
@inline(__always)
package func withSecretScratch<Result, Failure: Error>(
  byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
) throws(Failure) -> Result {
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
  wipe(buffer)
  defer {
    wipe(buffer)
    buffer.deallocate()
  }
  return try body(buffer)
}

extension UnsafeRawBufferPointer {
  /// The bytes of a key, scalar or hash, as the C functions take them.
  var octets: UnsafePointer<UInt8> {
    guard let base = baseAddress else {
      preconditionFailure("keys, scalars and hashes have a fixed length above zero")
    }
    return base.assumingMemoryBound(to: UInt8.self)
  }
}

extension UnsafeMutableRawBufferPointer {
  /// The bytes of a key, scalar or hash, as the C functions take them.
  var octets: UnsafeMutablePointer<UInt8> {
    UnsafeMutablePointer(mutating: UnsafeRawBufferPointer(self).octets)
  }
}
