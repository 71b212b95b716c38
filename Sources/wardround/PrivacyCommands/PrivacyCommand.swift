import ArgumentParser

/// Checks of the privacy accounting that anybody can run; no study and no patient data is needed.
struct PrivacyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "privacy", abstract: "Check the accounting of privacy.",
    subcommands: [PrivacyVerify.self])
}
