import ArgumentParser

/// The accounting of privacy, for anybody to run; no patient data is needed.
struct PrivacyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "privacy",
    abstract: "Plan what a study costs a patient, and check the accounting.",
    subcommands: [PrivacyPlanCommand.self, PrivacyVerify.self])
}
