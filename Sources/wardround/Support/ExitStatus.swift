import ArgumentParser

/// The exit codes of every command.
enum ExitStatus {
  /// The study or the check failed and said why.
  static let failed = ExitCode(1)
  /// A file or value given is wrong.
  static let wrongInput = ExitCode(2)
  /// A service cannot be reached.
  static let unavailable = ExitCode(69)
  /// The other side refused.
  static let refused = ExitCode(77)
}
