import ArgumentParser
import Foundation

/// Reading the files a person names.
enum InputFile {
  /// The most bytes that are read.
  static let maximumBytes = 1 << 30

  /// The bytes, at most `maximumBytes`; throws a sentence that names the file and says what it is instead.
  static func data(_ path: String) throws -> Data {
    var information = stat()
    guard stat(path, &information) == 0 else { throw unreadable(path, errno) }
    guard ![S_IFDIR, S_IFCHR, S_IFBLK].contains(information.st_mode & S_IFMT) else {
      let isFolder = information.st_mode & S_IFMT == S_IFDIR
      throw ValidationError(
        "`\(path)` is a \(isFolder ? "folder" : "device"), and a file is needed")
    }
    guard let handle = FileHandle(forReadingAtPath: path) else { throw unreadable(path, errno) }
    var data = Data()
    // Piece by piece: a pipe may never end.
    while data.count <= maximumBytes {
      guard let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty else { return data }
      data += piece
    }
    throw ValidationError(
      "`\(path)` does not end within \(maximumBytes >> 20) MiB, which no file of this kind needs")
  }

  private static func unreadable(_ path: String, _ number: Int32) -> ValidationError {
    ValidationError(
      "`\(path)` cannot be read: \(String(cString: strerror(number))); check the path and its"
        + " permissions")
  }

  /// The text; must be UTF-8.
  static func text(_ path: String) throws -> String {
    guard let text = String(validating: try data(path), as: UTF8.self) else {
      throw ValidationError("`\(path)` is not UTF-8 text")
    }
    return text
  }
}
