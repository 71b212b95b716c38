import ArgumentParser

/// The one executable: a subcommand per role.
@main
struct Wardround: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wardround",
    abstract:
      "Build and compare clinical prediction models over hospitals that keep their patients.",
    discussion: """
      Exit codes: 0 done; 1 the study or the check failed and said why; 2 the input is \
      wrong; 64 the command line is wrong; 69 a service cannot be reached; 77 refused.
      """,
    version: "0.1.0",
    subcommands: [
      AggregatorCommand.self, SiteCommand.self, StudyCommand.self, ModelCommand.self,
      PrivacyCommand.self, EvidenceCommand.self, AuditCommand.self, DemoCommand.self,
    ])
}
