import Foundation

/// Held by the one long-running process of a role, so that a second agent started on the same store
/// is told so at once instead of sharing the first one's rounds. The command line does not take it.
///
/// The operating system frees it when the process ends, however it ends.
public final class RoleLock: Sendable {
  private let descriptor: Int32

  /// Takes the lock of the store at `path`, by way of the file `path`.lock.
  ///
  /// - Throws: `locked` when another process holds it; `cannotOpen`, `readOnly`, `diskFull`.
  public init(storePath path: String) throws(StoreError) {
    let file = path + ".lock"
    let descriptor = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw StoreError(system: errno, file: file, operation: "take role lock")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let isHeld = errno == EWOULDBLOCK
      _ = close(descriptor)
      throw StoreError(
        isHeld ? .locked : .inputOutput,
        isHeld ? "another process of this role is running on the same store" : nil, file: file,
        operation: "take role lock")
    }
    self.descriptor = descriptor
  }

  deinit { _ = close(descriptor) }
}
