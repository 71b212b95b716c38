import CSodium

/// Secret bytes in guarded memory: locked against swapping where the system allows it, between guard
/// pages, read-only once made, and zeroed when the last reference goes.
///
/// Pages that one secret has left are zeroed and used again for the next one of the same length, still
/// locked and guarded: making and releasing them costs a dozen system calls.
///
/// One allocation takes at least three pages, so many small secrets of one kind (the keys of all
/// peers, say) belong in one `SecretBytes` and are read by `slot(_:width:_:)`.
///
/// Assumes: the process itself is honest. Guarantees: the bytes never sit in a Swift array.
/// The caller checks nothing; comparing is by `isEqual(to:)`, in constant time.
///
/// `@unchecked Sendable`: `memory` is written only inside `init`, before the reference exists
/// anywhere else; afterwards its pages are read-only until `deinit`, which runs once.
public final class SecretBytes: @unchecked Sendable {
  private let memory: UnsafeMutableRawPointer
  /// How many bytes there are.
  public let count: Int

  /// Allocates `count` zeroed bytes and lets `body` fill them.
  public init<Failure: Error>(
    count: Int, _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    precondition(Sodium.isReady, "libsodium initialises on every supported system")
    precondition(count >= 0, "a count of bytes is never negative")
    memory = SecretPages.take(byteCount: max(count, 1))
    self.count = count
    do {
      try body(UnsafeMutableRawBufferPointer(start: memory, count: count))
    } catch {
      // The instance is complete, so `deinit` zeroes and frees the pages.
      throw error
    }
    sodium_mprotect_readonly(memory)
  }

  /// Copies `bytes`; the caller wipes its own copy.
  public convenience init(copying bytes: UnsafeRawBufferPointer) {
    self.init(count: bytes.count) { $0.copyMemory(from: bytes) }
  }

  /// Draws `count` uniform bytes from `entropy`.
  public convenience init(
    random count: Int, from entropy: inout some EntropySource
  ) throws(CryptographyError) {
    try self.init(count: count) { (target) throws(CryptographyError) in
      try entropy.fill(target)
    }
  }

  deinit {
    SecretPages.giveBack(memory, byteCount: max(count, 1))
  }

  /// Lends the bytes for the length of `body`; the pointer must not leave it.
  @inline(__always)
  public func withUnsafeBytes<Result: ~Copyable, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeRawBufferPointer(start: memory, count: count))
  }

  /// Lends the `index`-th group of `width` bytes of a table of equally long secrets.
  public func slot<Result: ~Copyable, Failure: Error>(
    _ index: Int, width: Int = 32, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    precondition(
      index >= 0 && width >= 0 && (index + 1) * width <= count,
      "tables are indexed by positions that their owner computed")
    return try body(UnsafeRawBufferPointer(start: memory + index * width, count: width))
  }

  /// Compares in time that depends only on the lengths.
  public func isEqual(to other: SecretBytes) -> Bool {
    count == other.count && sodium_memcmp(memory, other.memory, count) == 0
  }

  /// Copies the bytes into an array. For secrets that are about to be published (an opened mask
  /// seed, say) and for tests; the array is not wiped.
  public func revealed() -> [UInt8] {
    withUnsafeBytes { Array($0) }
  }
}
