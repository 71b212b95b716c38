import Aggregator
import Foundation
import Identity
import Site
import Transport

/// How an operator's command reaches the network: on the aggregator's own machine, where it has the
/// folder, or from elsewhere as an operator who has joined.
enum AggregatorAccess {
  /// The aggregator's own folder.
  case local(Membership)
  /// An operator's folder.
  case remote(OperatorClient)

  /// Opens a folder of either kind.
  ///
  /// - Throws: `MembershipError.notInitialised` when it is neither.
  init(_ path: String) throws {
    let directory = AggregatorDirectory(path)
    if !directory.isInitialised, MemberDirectory(path).isJoined {
      self = .remote(try MemberDirectory(path).operatorClient())
    } else {
      self = .local(try directory.openMembership())
    }
  }

  /// Asks the running server as an operator, over mutual TLS; on the aggregator's own machine, when
  /// the server does not answer, works on the store instead.
  ///
  /// - Parameter store: does the same on the store.
  func ask<Answer: Sendable>(
    _ server: (OperatorClient) async throws -> Answer,
    store: (Membership) async throws -> Answer
  ) async throws -> Answer {
    switch self {
    case .remote(let client): return try await server(client)
    case .local(let membership):
      do {
        return try await server(Self.client(of: membership))
      } catch let error as TransportError {
        switch error.code {
        case .notReachable, .connectionLost, .deadlineExceeded, .shuttingDown,
          .peerCertificateRefused:
          return try await store(membership)
        default: throw error
        }
      }
    }
  }

  private static func client(of membership: Membership) async throws -> OperatorClient {
    let configuration = membership.configuration
    let host = configuration.localHost
    let identity = try await membership.operatorIdentity()
    return OperatorClient(
      aggregator: ServiceAddress(host: host, port: Int(configuration.servicePort)),
      credentials: CredentialFiles(membership.directory.operatorIdentity),
      check: PeerCheck(
        .ofAggregator(authority: identity.authority, clock: { Date() }), host: try ServerHost(host))
    )
  }
}
