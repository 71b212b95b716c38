import Aggregator
import ArgumentParser
import Transport

/// `wardround aggregator sites`
struct AggregatorSites: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sites", abstract: "List the network's sites and their state.",
    discussion: """
      States: connected, away, invited, revoked; and member when the server does not run, which \
      alone knows who is connected.
      """)

  @OptionGroup var folder: AggregatorFolder

  @Flag(help: "Print one JSON object.")
  var json = false

  private struct Answer: Encodable {
    struct Site: Encodable {
      var name: String
      var state: String
      var detail: String
    }
    var sites: [Site]
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let sites = try await AggregatorAccess(folder.path).ask { client in
        try await client.sites(deadline: .seconds(5))
      } store: { membership in
        try await membership.sites(connected: nil)
      }
      if json {
        try Output.json(
          Answer(sites: sites.map { .init(name: $0.name, state: $0.state, detail: $0.detail) }))
      } else if sites.isEmpty {
        print("No site yet; `wardround aggregator invite NAME` makes an invitation.")
      } else {
        Output.table(["site", "state", ""], sites.map { [$0.name, $0.state, $0.detail] })
      }
    }
  }
}
