import CSodium
import Synchronization

/// Guarded memory that is not in use, by length: zeroed, locked, and kept for the next secret of the
/// same length. A protocol's secrets have a few lengths and come and go in every round.
///
/// What is given up against `sodium_free` at every release: libsodium's check that nothing was written
/// in front of the bytes, which is made when the pages are freed at last. Secrets are read-only once
/// they are made, so that only their own initialiser could.
enum SecretPages {
  /// Pointers in the pool, whose owner is the pool.
  ///
  /// `@unchecked Sendable`: the memory behind a pointer is touched by whoever took it out only, and
  /// taking and giving back go through the mutex.
  private struct Idle: @unchecked Sendable {
    var memory: [Int: [UnsafeMutableRawPointer]] = [:]
    var total = 0
  }

  /// Longer secrets are rare and are not kept.
  private static let longest = 16_384
  /// Most allocations kept: locked memory is limited, by default to 8 MiB per process.
  private static let most = 128
  private static let idle = Mutex(Idle())

  /// Zeroed, writable memory.
  static func take(byteCount: Int) -> UnsafeMutableRawPointer {
    let kept = idle.withLock { idle -> UnsafeMutableRawPointer? in
      guard let memory = idle.memory[byteCount]?.popLast() else { return nil }
      idle.total -= 1
      return memory
    }
    if let kept { return kept }
    guard let memory = sodium_malloc(byteCount) else {
      preconditionFailure("the process is out of memory, where Swift itself would stop as well")
    }
    sodium_memzero(memory, byteCount)
    return memory
  }

  /// Zeroes the memory and keeps or frees it.
  static func giveBack(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
    guard byteCount <= longest, sodium_mprotect_readwrite(memory) == 0 else {
      return sodium_free(memory)
    }
    sodium_memzero(memory, byteCount)
    let isKept = idle.withLock { idle in
      guard idle.total < most else { return false }
      idle.memory[byteCount, default: []].append(memory)
      idle.total += 1
      return true
    }
    if !isKept { sodium_free(memory) }
  }
}
