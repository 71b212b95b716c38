import ArgumentParser
import Foundation

/// Files of a hospital that nobody but this account may read.
enum PrivateFile {
  /// Writes beside the target and moves it there when it is complete.
  static func write(
    to path: String, _ body: (_ write: (Data) throws -> Void) throws -> Void
  ) throws {
    let partial = path + ".part"
    let files = FileManager.default
    guard files.createFile(atPath: partial, contents: nil, attributes: [.posixPermissions: 0o600]),
      let handle = FileHandle(forWritingAtPath: partial)
    else { throw ValidationError("`\(partial)` cannot be written; check the folder") }
    try body { try handle.write(contentsOf: $0) }
    try handle.close()
    // Replaces what is there in one step: there is always a whole file, the old or the new one.
    guard rename(partial, path) == 0 else {
      throw ValidationError("`\(path)` cannot be replaced; what was written is in `\(partial)`")
    }
  }
}
