import ArgumentParser
import Foundation
import Site

/// `wardround site join`
struct SiteJoin: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "join",
    abstract: "Join a network: makes this site's keys, fetches its certificate, writes site.yaml.",
    discussion: """
      The keys are made here and never leave. The invitation pins the network's authority, so \
      nobody else can answer. A join that was interrupted is repeated with the same invitation.
      """)

  @Argument(help: "The invitation, as the network's operator sent it.")
  var invitation: String

  @Option(name: [.long, .customShort("d")], help: "The site's folder, made when it is missing.")
  var directory = "site"

  @Option(help: "The institution that answers for the data; as the operator recorded it if absent.")
  var legalEntity: String?

  @Flag(help: "Join again with a new invitation; the signing key and site.yaml stay.")
  var rejoin = false

  @Flag(help: "Print one JSON object.")
  var json = false

  private struct Answer: Encodable {
    var site: String
    var network: String
    var directory: String
    var configuration: String
    var certificateUntil: String
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let result = try await SiteJoining.join(
        invitation: invitation, into: directory, legalEntity: legalEntity, rejoining: rejoin)
      let site = result.identity.principal.name.text
      let until = result.identity.certificate.notValidAfter.formatted(.iso8601)
      if json {
        try Output.json(
          Answer(
            site: site, network: result.network.network.text, directory: result.directory.path,
            configuration: result.directory.configurationFile, certificateUntil: until))
        return
      }
      let option = directory == "site" ? "" : " --directory \(directory)"
      print(
        """
        Joined network \(result.network.network) as site \(site).
          aggregator   \(result.network.serviceAddress)
          certificate  until \(until); the agent renews it
          settings     \(result.directory.configurationFile)\
        \(result.wroteConfiguration ? "" : "  (was there, and is kept)")

        Next:
          1. complete the data section of \(result.directory.configurationFile)
          2. wardround site check\(option)
          3. wardround site run\(option)
        """)
    }
  }
}
