import Foundation
import Identity
import SiteData
import StrictYAML
import Transport

/// The layout of a site's folder (0700).
///
/// - `site.yaml`: the settings, written by joining and completed by the hospital.
/// - `identity/`, `network.yaml`: see ``MemberDirectory``.
/// - `state/`: `site.sqlite` (journal, transcript, what left, audit log).
///
/// `site.yaml` may name other folders for `identity` and `store`.
public struct SiteDirectory: Sendable, Hashable {
  /// Where the folder is, or will be.
  public let path: String
  /// The member's part of the folder.
  public let member: MemberDirectory
  /// Where the database is.
  public let stateFolder: String

  /// The layout before there are settings, or with the standard ones.
  public init(_ path: String) {
    member = MemberDirectory(path)
    self.path = member.path
    stateFolder = "\(member.path)/state"
  }

  /// The layout that the settings name. Read them with `SiteConfiguration.read`, which resolves
  /// relative folders.
  public init(_ path: String, _ configuration: SiteConfiguration) {
    member = MemberDirectory(path, identity: configuration.identity)
    self.path = member.path
    stateFolder = configuration.store
  }

  /// The settings file.
  public var configurationFile: String { "\(path)/site.yaml" }
  /// Keys and certificate.
  public var identity: KeyDirectory { member.identity }
  /// The store.
  public var databaseFile: String { "\(stateFolder)/site.sqlite" }

  /// The last signed statement about the audit log.
  public var auditAnchorFile: String { "\(stateFolder)/site.sqlite.anchor" }

  /// The connection of this site's agent: the address of `site.yaml`, the identity, and the pinned
  /// authority.
  ///
  /// - Throws: `JoiningError.notJoined`, `identity`, `fileInvalid`.
  public func clientConfiguration(
    _ configuration: SiteConfiguration, clock: @escaping @Sendable () -> Date = { Date() }
  ) throws(JoiningError) -> SiteClient.Configuration {
    let aggregator = configuration.aggregator
    return SiteClient.Configuration(
      aggregator: ServiceAddress(host: aggregator.host, port: aggregator.port),
      credentials: member.credentials,
      check: try member.aggregatorCheck(host: aggregator.host, clock: clock))
  }
}
