import Foundation
import Identity
import StrictYAML
import Transport

/// The folder (0700) of a member that is not the aggregator: its keys, and the network it joined.
///
/// - `identity/`: keys and certificate, made here.
/// - `network.yaml`: see ``PinnedNetwork``.
///
/// A researcher's or operator's folder holds just that; a site's more, see ``SiteDirectory``.
public struct MemberDirectory: Sendable, Hashable {
  /// Where the folder is, or will be.
  public let path: String
  /// Keys and certificate.
  public let identity: KeyDirectory

  /// Names a folder; nothing is read or made.
  ///
  /// - Parameter identity: where the keys are, when not in `identity/`.
  public init(_ path: String, identity: String? = nil) {
    self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    self.identity = KeyDirectory(path: identity ?? "\(self.path)/identity")
  }

  /// The file of the pinned network.
  public var networkFile: String { "\(path)/network.yaml" }

  /// Whether a join has been completed here.
  public var isJoined: Bool { identity.isEnrolled }

  /// The network that was joined.
  ///
  /// - Throws: `JoiningError.notJoined`, `fileInvalid`.
  public func network() throws(JoiningError) -> PinnedNetwork {
    guard let data = FileManager.default.contents(atPath: networkFile) else {
      throw JoiningError(.notJoined, path)
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw JoiningError(.fileInvalid, networkFile)
    }
    do { return try PinnedNetwork(text: text, file: networkFile) } catch {
      throw JoiningError(.fileInvalid, error.description)
    }
  }

  /// The member's own keys and certificate.
  ///
  /// - Throws: `JoiningError.notJoined`, `identity`.
  public func load() throws(JoiningError) -> MemberIdentity {
    do { return try identity.load() } catch {
      throw JoiningError(error.code == .notEnrolled ? .notJoined : .identity, error)
    }
  }

  /// This member's certificate and key for the transport.
  public var credentials: CredentialFiles { CredentialFiles(identity) }

  /// The check of the aggregator at the other end: the authority that was pinned at joining, and the
  /// host that is called.
  ///
  /// - Throws: `JoiningError.notJoined`, `identity`, `fileInvalid` for a host that cannot be.
  public func aggregatorCheck(
    host: String, clock: @escaping @Sendable () -> Date = { Date() }
  ) throws(JoiningError) -> PeerCheck {
    guard let host = try? ServerHost(host) else {
      throw JoiningError(.fileInvalid, "\(host) is not a host")
    }
    return PeerCheck(.ofAggregator(authority: try load().authority, clock: clock), host: host)
  }

  /// A researcher's calls to the network joined here.
  ///
  /// - Throws: `JoiningError.notJoined`, `identity`, `fileInvalid`, `wrongRole`.
  public func researcherClient() throws(JoiningError) -> ResearcherClient {
    let network = try network()
    try check(.researcher)
    return ResearcherClient(
      aggregator: network.serviceAddress, credentials: credentials,
      check: try aggregatorCheck(host: network.host.description))
  }

  /// An operator's calls to the network joined here.
  ///
  /// - Throws: `JoiningError.notJoined`, `identity`, `fileInvalid`, `wrongRole`.
  public func operatorClient() throws(JoiningError) -> OperatorClient {
    let network = try network()
    try check(.operator)
    return OperatorClient(
      aggregator: network.serviceAddress, credentials: credentials,
      check: try aggregatorCheck(host: network.host.description))
  }

  private func check(_ role: Role) throws(JoiningError) {
    let principal = try load().principal
    guard principal.role == role else {
      throw JoiningError(.wrongRole, "\(path) belongs to \(principal), not to a \(role.rawValue)")
    }
  }
}
