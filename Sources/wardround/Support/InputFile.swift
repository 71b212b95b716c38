import ArgumentParser
import Foundation

/// Reading the files a person names.
enum InputFile {
  /// The bytes; throws a sentence that names the file.
  static func data(_ path: String) throws -> Data {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw ValidationError("`\(path)` cannot be read; check the path and its permissions")
    }
    return data
  }

  /// The text; must be UTF-8.
  static func text(_ path: String) throws -> String {
    guard let text = String(validating: try data(path), as: UTF8.self) else {
      throw ValidationError("`\(path)` is not UTF-8 text")
    }
    return text
  }
}
