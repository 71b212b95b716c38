import Foundation
import Identity
import SiteData

/// The one command that a hospital types: joins the network and leaves a folder that the agent can
/// run from once the data section of `site.yaml` is filled in.
public enum SiteJoining {
  /// What a person is told afterwards.
  public struct Result: Sendable {
    /// The folder.
    public var directory: SiteDirectory
    /// The new keys and certificate.
    public var identity: MemberIdentity
    /// The network that was joined.
    public var network: PinnedNetwork
    /// Whether `site.yaml` was written; one that was there is kept.
    public var wroteConfiguration: Bool
  }

  /// Joins with an invitation for a site.
  ///
  /// - Parameters:
  ///   - text: the invitation as it was pasted.
  ///   - path: the folder, made when it is missing.
  ///   - legalEntity: the institution that answers for the data; nil for what the operator recorded.
  ///   - rejoining: whether a site that has a certificate may join again with a new invitation.
  /// - Throws: `JoiningError`.
  public static func join(
    invitation text: String, into path: String, legalEntity: String? = nil,
    rejoining: Bool = false, deadline: Duration = .seconds(30),
    clock: @escaping @Sendable () -> Date = { Date() }
  ) async throws(JoiningError) -> Result {
    let directory = SiteDirectory(path)
    let invitation = try MemberJoining.invitation(text)
    var joined = try completed(invitation, in: directory)
    if joined == nil || rejoining {
      joined = try await MemberJoining(into: directory.member, deadline: deadline, clock: clock)
        .join(invitation, as: [.site], rejoining: rejoining)
    }
    guard let (identity, network) = joined else { throw JoiningError(.notJoined, path) }
    try MemberJoining.makeFolder(directory.stateFolder)
    let isMissing = !FileManager.default.fileExists(atPath: directory.configurationFile)
    if isMissing {
      try MemberJoining.write(
        configurationText(
          site: identity.principal.name.text, network, legalEntity: legalEntity),
        to: directory.configurationFile)
    }
    return Result(
      directory: directory, identity: identity, network: network, wroteConfiguration: isMissing)
  }

  /// A join that was interrupted after its certificate was installed and before its settings were
  /// written is complete but for them, and needs no second answer.
  private static func completed(
    _ invitation: Invitation, in directory: SiteDirectory
  ) throws(JoiningError) -> (identity: MemberIdentity, network: PinnedNetwork)? {
    guard directory.member.isJoined,
      !FileManager.default.fileExists(atPath: directory.configurationFile)
    else { return nil }
    let identity = try directory.member.load()
    guard identity.principal == invitation.principal, identity.authority.pin == invitation.pin
    else {
      return nil
    }
    return (identity, try directory.member.network())
  }

  /// The first `site.yaml` of a site: everything but the data section is ready.
  static func configurationText(
    site: String, _ network: PinnedNetwork, legalEntity: String?
  ) -> String {
    let recorded = network.legalEntity.isEmpty ? site : network.legalEntity
    let configuration = SiteConfiguration(
      site: site, legalEntity: legalEntity ?? recorded,
      aggregator: AggregatorAddress(
        host: network.host.description, port: Int(network.servicePort),
        enrolmentPort: Int(network.enrolmentPort)),
      data: DataDescription(
        file: "data/patients.csv", missingCodes: ["", "NA"],
        columns: [
          .init("patient_id", type: .text),
          .init("age", type: .number, unit: "years", range: 18...110),
        ],
        patientColumn: "patient_id"))
    return configuration.yaml() + dataAdvice
  }

  /// Printed below the data section, where a person fills it in.
  private static let dataAdvice = """

    # To do: name the file above and list its columns, one line each, such as
    #   - {name: sex, type: category, levels: [female, male]}
    #   - {name: creatinine, type: number, unit: mg/dL, missing: ["-9"], range: [0.1, 30]}
    # Then let `wardround site check` explain what is still wrong; it prints no patient's value.

    """
}
