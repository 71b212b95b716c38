import ArgumentParser
import Foundation
import Site

/// `wardround study join`
struct StudyJoin: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "join",
    abstract: "Join a network as a researcher or operator: makes keys, fetches the certificate.",
    discussion: "The keys are made here and never leave.")

  @Argument(help: "The invitation, as the network's operator sent it.")
  var invitation: String

  @Option(name: [.long, .customShort("d")], help: "Your folder, made when it is missing.")
  var directory = "researcher"

  @Flag(help: "Join again with a new invitation; the signing key stays.")
  var rejoin = false

  @Flag(help: "Print one JSON object.")
  var json = false

  private struct Answer: Encodable {
    var name: String
    var role: String
    var network: String
    var directory: String
    var certificateUntil: String
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let folder = MemberDirectory(directory)
      let (identity, network) = try await MemberJoining(into: folder).join(
        MemberJoining.invitation(invitation), as: [.researcher, .operator], rejoining: rejoin)
      let principal = identity.principal
      let until = identity.certificate.notValidAfter.formatted(.iso8601)
      if json {
        try Output.json(
          Answer(
            name: principal.name.text, role: principal.role.rawValue,
            network: network.network.text, directory: folder.path, certificateUntil: until))
        return
      }
      print(
        """
        Joined network \(network.network) as \(principal.role.rawValue) \(principal.name).
          aggregator   \(network.serviceAddress)
          certificate  until \(until); ask the operator for a new invitation before
          folder       \(folder.path)
        """)
    }
  }
}
