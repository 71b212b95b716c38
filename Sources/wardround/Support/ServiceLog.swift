import Foundation

/// The log of a long-running command: one line per event on standard error, constant words plus
/// names and numbers, never a patient value.
enum ServiceLog {
  static func write(_ text: String) {
    let line = "\(Date().formatted(.iso8601)) \(text)\n"
    FileHandle.standardError.write(Data(line.utf8))
  }

  /// One line for whoever typed a command, beside its result.
  static func note(_ text: String) {
    FileHandle.standardError.write(Data("note: \(text)\n".utf8))
  }
}
