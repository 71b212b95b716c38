import Aggregator
import ArgumentParser
import Foundation
import Identity

/// `wardround aggregator invite`
struct AggregatorInvite: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "invite",
    abstract: "Print a one-time, expiring invitation, and the command that uses it.",
    discussion: """
      On the aggregator's machine the invitation is written to the store, which the running server \
      reads at once. An operator elsewhere asks the server; the invitation is then good for 7 days.
      """)

  @Argument(help: "The new member's name: lower-case letters, digits and hyphens.")
  var name: String

  @Option(help: "What it may do: \(InvitedRole.allCases.map(\.rawValue).joined(separator: ", ")).")
  var role: InvitedRole = .site

  @Option(help: "How many days it can be used.")
  var validDays: Double = 7

  @Option(help: "The institution behind a site, as it will stand in rosters and reports.")
  var legalEntity = ""

  @OptionGroup var folder: AggregatorFolder

  @Flag(help: "Print one JSON object.")
  var json = false

  private static let longestDays = 3650.0

  func validate() throws {
    guard validDays > 0, validDays <= Self.longestDays else {
      throw ValidationError("an invitation is valid for up to 3650 days")
    }
    guard legalEntity.isEmpty || role == .site else {
      throw ValidationError("--legal-entity goes with the role site")
    }
  }

  func run() async throws {
    try await CommandFailure.reporting { try show(await invite()) }
  }

  private func invite() async throws -> Invitation {
    let role = Role(rawValue: role.rawValue) ?? .site
    switch try AggregatorAccess(folder.path) {
    case .local(let membership):
      return try await membership.invite(
        name, as: role, validFor: .seconds(max(1, validDays * 86_400)), legalEntity: legalEntity)
    case .remote(let client):
      guard validDays == 7, legalEntity.isEmpty else {
        throw MembershipError(
          .invalidValue, subject: folder.path,
          detail: "--valid-days and --legal-entity work on the aggregator's own machine only")
      }
      return try Invitation(text: await client.invite(name: name, role: role))
    }
  }

  private struct Answer: Encodable {
    var name: String
    var role: String
    var network: String
    var expires: String
    var invitation: String
    var command: String
  }

  private func show(_ invitation: Invitation) throws {
    let group = role == .site ? "site" : "study"
    let text = invitation.revealedText()
    let command = "wardround \(group) join \(text)"
    let expiry = invitation.expiry.formatted(.iso8601)
    if json {
      try Output.json(
        Answer(
          name: name, role: role.rawValue, network: invitation.principal.network.text,
          expires: expiry, invitation: text, command: command))
      return
    }
    print(
      """
      Invitation for \(role.rawValue) \(name), good once, until \(expiry).
      Whoever has the next line can join as \(name): send it over a channel you trust.

      \(command)
      """)
  }
}
