import ArgumentParser

/// What the operator of a network types.
struct AggregatorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "aggregator",
    abstract: "Make and run a network: invite hospitals and researchers, revoke them.",
    subcommands: [
      AggregatorInit.self, AggregatorInvite.self, AggregatorRevoke.self, AggregatorSites.self,
      AggregatorRun.self, AggregatorCancel.self, AggregatorEvidence.self,
    ])
}

/// The folder that an aggregator's command works on.
struct AggregatorFolder: ParsableArguments {
  @Option(
    name: [.customLong("directory"), .customShort("d")],
    help: "The aggregator's folder; or, but for init, run and cancel, an operator's folder.")
  var path = "aggregator"
}

/// The roles that somebody can be invited to.
enum InvitedRole: String, ExpressibleByArgument, CaseIterable {
  case site, researcher, `operator`
}
