import Foundation
import Identity
import Store
import Transport

/// The layout of an aggregator's folder (0700); nothing in it belongs to another machine.
///
/// - `aggregator.yaml`: the settings; it is written last, so a folder that has it is complete.
/// - `ca/`: the network's authority. Back it up; whoever has it can name members.
/// - `identity/`: the server's TLS key and certificate, and its Ed25519 key for protocol messages.
/// - `operator/`: the identity of the operator on this machine.
/// - `aggregator.sqlite`: members, studies, transcripts and the audit log.
/// - `spool/`: payloads under way; may be emptied while the server is stopped.
/// - `studies/`: reports and models of finished studies.
public struct AggregatorDirectory: Sendable, Hashable {
  /// Where the folder is, or will be.
  public let path: String

  /// Names a folder; nothing is read or made.
  public init(_ path: String) {
    self.path = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
  }

  /// The settings file.
  public var configurationFile: String { "\(path)/aggregator.yaml" }
  /// The authority's folder.
  public var authorityFolder: String { "\(path)/ca" }
  /// The server's keys and certificate; its signing key is the aggregator's protocol key.
  public var identity: KeyDirectory { KeyDirectory(path: "\(path)/identity") }
  /// The keys and certificate of the operator on this machine.
  public var operatorIdentity: KeyDirectory { KeyDirectory(path: "\(path)/operator") }
  /// The store.
  public var databaseFile: String { "\(path)/aggregator.sqlite" }
  /// Where received payloads go.
  public var spool: SpoolFolder { SpoolFolder(path: "\(path)/spool") }
  /// Where reports, models and transcripts of studies go, a folder per study.
  public var studiesFolder: String { "\(path)/studies" }

  /// Whether the folder holds a complete aggregator.
  public var isInitialised: Bool { FileManager.default.fileExists(atPath: configurationFile) }

  /// Reads the settings.
  ///
  /// - Throws: `MembershipError.notInitialised`, `YAMLProblem`.
  public func configuration() throws -> AggregatorConfiguration {
    guard isInitialised else { throw MembershipError(.notInitialised, subject: path) }
    return try AggregatorConfiguration.read(path: configurationFile)
  }

  /// Opens the store; a second process may have it open too.
  public func openStore(
    clock: @escaping @Sendable () -> Date = { Date() }
  ) throws(StoreError) -> AggregatorStore {
    try AggregatorStore(path: databaseFile) { clock().timeIntervalSince1970 }
  }

  /// Opens the membership of the network in this folder, for the server or for a command beside it.
  ///
  /// - Parameters:
  ///   - store: a store that is open already; nil opens it.
  ///   - clock: the time that certificates and invitations are judged by.
  /// - Throws: `MembershipError.notInitialised`, `YAMLProblem`, `IdentityError`, `StoreError`.
  public func openMembership(
    store: AggregatorStore? = nil, clock: @escaping @Sendable () -> Date = { Date() }
  ) throws -> Membership {
    let configuration = try configuration()
    return try Membership(
      directory: self, configuration: configuration, store: store ?? openStore(clock: clock),
      clock: clock)
  }

  /// Makes a folder that only its owner can look into; one that is there keeps its mode.
  static func makeFolder(_ path: String) throws(MembershipError) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw MembershipError(.fileUnwritable, subject: path)
    }
  }
}
