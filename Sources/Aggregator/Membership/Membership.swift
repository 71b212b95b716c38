import Foundation
import Identity
import Store
import Synchronization
import Transport

/// Who belongs to the network: joining, renewing, inviting, revoking, and looking members up.
///
/// The aggregator's service hands its enrolment, renewal and operator calls on to this value, and
/// the command line uses it on the same folder while the server runs. What was changed is in the
/// store when a call returns; the server's check of peers asks the store every time.
///
/// Trusts: the folder, the store, the clock. Refuses: what ``Identity`` refuses. Leaves to others:
/// cutting live connections, which `watchStanding` asks for.
public struct Membership: Sendable {
  /// The folder of the aggregator.
  public let directory: AggregatorDirectory
  /// The settings, as they were read.
  public let configuration: AggregatorConfiguration
  /// The aggregator's store.
  public let store: AggregatorStore
  /// The Ed25519 key of the aggregator's protocol messages, 32 bytes, which members pin.
  public let protocolKey: [UInt8]
  /// Whether a change here calls for a look at the standing of members.
  let changes = ChangeCount()
  let desks: Desks
  let clock: @Sendable () -> Date

  /// How long an invitation is good unless said otherwise: seven days.
  public static let invitationValidity: Duration = .seconds(7 * 86_400)

  /// - Throws: `IdentityError`, when the authority or the server's keys cannot be loaded.
  init(
    directory: AggregatorDirectory, configuration: AggregatorConfiguration, store: AggregatorStore,
    clock: @escaping @Sendable () -> Date
  ) throws(IdentityError) {
    self.directory = directory
    self.configuration = configuration
    self.store = store
    self.clock = clock
    desks = try Self.desks(directory, configuration, store: store, clock: clock)
    protocolKey = try directory.identity.load().signingKey.publicKey
  }

  /// The network's name.
  public var network: MemberName { configuration.network }
  /// The aggregator's own principal; its name stands in protocol messages.
  public var aggregator: Principal { desks.aggregator }
  /// The operator on the aggregator's own machine.
  public var localOperator: Principal { desks.localOperator }
  /// The network's authority, without its key.
  public var authority: AuthorityCertificate { desks.members.authority.certificate }

  /// The server's identity: loaded, or renewed when it is time or when the hosts have changed. Call
  /// it before the server starts, which reads the files once.
  ///
  /// - Throws: `IdentityError`.
  public func serverIdentity() async throws(IdentityError) -> MemberIdentity {
    try await desks.server.localIdentity(
      in: directory.identity, as: desks.aggregator, hosts: desks.hosts, at: clock())
  }

  /// The identity of the operator on this machine, renewed when it is time.
  ///
  /// - Throws: `IdentityError`.
  public func operatorIdentity() async throws(IdentityError) -> MemberIdentity {
    try await desks.members.localIdentity(
      in: directory.operatorIdentity, as: desks.localOperator, at: clock())
  }

  /// The server's check of members: their certificates against the authority, and their standing in
  /// the store at every handshake and call.
  public var peerCheck: PeerCheck {
    PeerCheck(desks.members.verifier(accepting: [.site, .researcher, .operator], clock: clock))
  }

  /// How the server listens, from the settings; limits are the transport's defaults.
  ///
  /// - Throws: `IdentityError`, when the server's own certificate cannot be renewed.
  public func serverConfiguration() async throws(IdentityError) -> AggregatorServer.Configuration {
    _ = try await serverIdentity()
    return AggregatorServer.Configuration(
      members: ListeningAddress(host: configuration.listen, port: Int(configuration.servicePort)),
      enrolment: ListeningAddress(
        host: configuration.listen, port: Int(configuration.enrolmentPort)),
      credentials: CredentialFiles(directory.identity), check: peerCheck, spool: directory.spool)
  }
}

extension Membership {
  /// The desk that members join at, and the one that certifies the server itself.
  struct Desks: Sendable {
    var members: EnrolmentDesk<StoreLedger>
    var server: EnrolmentDesk<StoreLedger>
    var aggregator: Principal
    var localOperator: Principal
    var hosts: [ServerHost]
  }

  /// The server's own certificate: two years, renewed at a start after two thirds of it. Its key
  /// lies beside the authority's, so a shorter life would protect nothing.
  static let serverLifetime: Duration = .seconds(2 * 365 * 86_400)

  static func desks(
    _ directory: AggregatorDirectory, _ configuration: AggregatorConfiguration,
    store: AggregatorStore, clock: @escaping @Sendable () -> Date
  ) throws(IdentityError) -> Desks {
    let network = configuration.network
    let localOperator = Principal(
      network: network, role: .operator, name: try MemberName("operator"))
    let ledger = StoreLedger(
      store: store, network: network, actor: localOperator.uri, clock: clock)
    func desk(_ lifetime: Duration) throws(IdentityError) -> EnrolmentDesk<StoreLedger> {
      EnrolmentDesk(
        authority: try CertificateAuthority.load(
          from: directory.authorityFolder, leafLifetime: lifetime),
        ledger: ledger)
    }
    return Desks(
      members: try desk(configuration.certificateLifetime), server: try desk(serverLifetime),
      aggregator: Principal(
        network: network, role: .aggregator, name: try MemberName("aggregator")),
      localOperator: localOperator, hosts: configuration.certificateHosts)
  }
}

/// Counts the changes made by this process, which the store's own version does not show.
final class ChangeCount: Sendable {
  private let value = Mutex(0)

  var current: Int { value.withLock { $0 } }

  func increment() { value.withLock { $0 &+= 1 } }
}
