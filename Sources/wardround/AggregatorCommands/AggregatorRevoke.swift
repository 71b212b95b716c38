import Aggregator
import ArgumentParser
import Identity

/// `wardround aggregator revoke`
struct AggregatorRevoke: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "revoke",
    abstract: "End a member's certificates and invitations, and cut its connections.",
    discussion: "A member that was revoked comes back only with a new invitation.")

  @Argument(help: "The member's name.")
  var name: String

  @Option(help: "Its role: \(InvitedRole.allCases.map(\.rawValue).joined(separator: ", ")).")
  var role: InvitedRole = .site

  @OptionGroup var folder: AggregatorFolder

  @Flag(help: "Print one JSON object.")
  var json = false

  private struct Answer: Encodable {
    var name: String
    var role: String
    var revoked = true
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let role = Role(rawValue: role.rawValue) ?? .site
      let access = try AggregatorAccess(folder.path)
      try await access.ask { client in
        try await client.revoke(name: name, role: role, deadline: .seconds(5))
      } store: { membership in
        _ = try await membership.revoke(name, role: role)
      }
      if json {
        try Output.json(Answer(name: name, role: role.rawValue))
      } else {
        print("\(role.rawValue) \(name) is revoked; its connections are cut within a second.")
      }
    }
  }
}
