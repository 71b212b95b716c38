import Cryptography
import Foundation

/// Reads and writes key files: only the owner may read them, and a crash leaves either the old file
/// or the new one.
enum ProtectedFile {
  /// No file of this library comes near it; a larger one is not ours.
  static let sizeLimit = 64 * 1024

  /// What a file holds decides who may read it.
  enum Protection: mode_t {
    case secret = 0o600
    case readable = 0o644
  }

  /// Makes the directory, and those above it that are missing, with mode 0700; or checks the one
  /// that is there.
  static func makeDirectory(_ path: String) throws(IdentityError) {
    if mkdir(path, 0o700) == 0 { return }
    var code = errno
    if code == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
      let parent = String(path[..<slash])
      if !exists(parent) { try makeDirectory(parent) }
      if mkdir(path, 0o700) == 0 { return }
      code = errno
    }
    guard code == EEXIST else { throw fault(code, at: path, otherwise: .fileUnwritable) }
    try checkDirectory(path)
  }

  /// Refuses a directory that others can look into or that belongs to another user.
  static func checkDirectory(_ path: String) throws(IdentityError) {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw fault(errno, at: path, otherwise: .fileUnreadable)
    }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw IdentityError(.fileUnreadable, at: path, cause: "not a directory")
    }
    try checkOwner(status, at: path)
  }

  /// Whether something stands at the path. Only for messages and choices that a later atomic step
  /// decides for good.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0
  }

  /// Reads a whole file. The checks look at the opened file, not at the path, so that the file
  /// cannot be exchanged in between.
  static func read(_ path: String, _ protection: Protection) throws(IdentityError) -> [UInt8] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw fault(errno, at: path, otherwise: .fileUnreadable) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw fault(errno, at: path, otherwise: .fileUnreadable)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw IdentityError(.fileUnreadable, at: path, cause: "not a regular file")
    }
    if protection == .secret { try checkOwner(status, at: path) }
    var bytes = [UInt8](repeating: 0, count: sizeLimit + 1)
    var count = 0
    while count < bytes.count {
      let offset = count
      let step = bytes.withUnsafeMutableBytes { buffer in
        Foundation.read(descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
      }
      if step == 0 { break }
      if step < 0 {
        if errno == EINTR { continue }
        throw fault(errno, at: path, otherwise: .fileUnreadable)
      }
      count += step
    }
    guard count <= sizeLimit else { throw IdentityError(.fileCorrupted, at: path) }
    bytes.removeLast(bytes.count - count)
    return bytes
  }

  /// Writes a whole file: a new file beside it, flushed to the disk, then renamed over it.
  ///
  /// - Parameter replacing: Whether an existing file may be replaced; when not, the file appears
  ///   only if there was none (`link`, which never overwrites).
  /// - Throws: `file-exists`, `disk-full`, `file-unwritable`, `file-missing` (no such directory).
  static func write(
    _ bytes: [UInt8], to path: String, _ protection: Protection, replacing: Bool
  ) throws(IdentityError) {
    let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    let suffix = Hexadecimal.encode((0..<8).map { _ in UInt8.random(in: 0...255) })
    let temporary = "\(path).\(suffix).tmp"
    let descriptor = open(
      temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, protection.rawValue)
    guard descriptor >= 0 else { throw fault(errno, at: path, otherwise: .fileUnwritable) }
    do throws(IdentityError) {
      defer { close(descriptor) }
      // The process's umask may have taken away more than asked, never given more.
      guard fchmod(descriptor, protection.rawValue) == 0 else {
        throw fault(errno, at: path, otherwise: .fileUnwritable)
      }
      try writeAll(bytes, to: descriptor, at: path)
      guard fsync(descriptor) == 0 else {
        throw fault(errno, at: path, otherwise: .fileUnwritable)
      }
      if replacing {
        guard rename(temporary, path) == 0 else {
          throw fault(errno, at: path, otherwise: .fileUnwritable)
        }
      } else {
        guard link(temporary, path) == 0 else {
          throw fault(errno, at: path, otherwise: .fileUnwritable)
        }
        unlink(temporary)
      }
    } catch {
      unlink(temporary)
      throw error
    }
    try flushDirectory(directory)
  }

  /// Removes a file if it is there.
  static func remove(_ path: String) throws(IdentityError) {
    guard unlink(path) == 0 || errno == ENOENT else {
      throw fault(errno, at: path, otherwise: .fileUnwritable)
    }
  }

  static func writeAll(
    _ bytes: [UInt8], to descriptor: Int32, at path: String
  ) throws(IdentityError) {
    var offset = 0
    while offset < bytes.count {
      let step = bytes.withUnsafeBytes { buffer in
        Foundation.write(
          descriptor, buffer.baseAddress?.advanced(by: offset), buffer.count - offset)
      }
      if step < 0 {
        if errno == EINTR { continue }
        throw fault(errno, at: path, otherwise: .fileUnwritable)
      }
      offset += step
    }
  }

  /// A rename is durable only when the directory is flushed too.
  private static func flushDirectory(_ path: String) throws(IdentityError) {
    let descriptor = open(path.isEmpty ? "/" : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw fault(errno, at: path, otherwise: .fileUnwritable) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw fault(errno, at: path, otherwise: .fileUnwritable)
    }
  }

  private static func checkOwner(_ status: stat, at path: String) throws(IdentityError) {
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      throw IdentityError(.fileOwner, at: path)
    }
    guard status.st_mode & 0o077 == 0 else { throw IdentityError(.filePermissions, at: path) }
  }

  private static func fault(
    _ number: Int32, at path: String, otherwise code: IdentityError.Code
  ) -> IdentityError {
    let cause = String(cString: strerror(number))
    return switch number {
    case ENOENT, ENOTDIR: IdentityError(.fileMissing, at: path)
    case EEXIST: IdentityError(.fileExists, at: path)
    case ENOSPC, EDQUOT: IdentityError(.diskFull, at: path)
    default: IdentityError(code, at: path, cause: cause)
    }
  }
}
