import Foundation
import GRPCCore
import Identity
import Synchronization

/// The site's end of the connection: outbound only, one stream, reconnecting for ever.
public struct SiteClient: Sendable {
  /// Where to connect, as whom, and the limits.
  public struct Configuration: Sendable {
    /// The aggregator's members' listener.
    public var aggregator: ServiceAddress
    /// This site's certificate and key; read anew for every connection.
    public var credentials: CredentialFiles
    /// Who may be at the other end.
    public var check: PeerCheck
    /// Limits of the connection.
    public var connection = ConnectionSettings()
    /// How long to wait between attempts.
    public var backoff = Backoff()
    /// Name and version, told to the aggregator.
    public var software = "wardround"

    /// The defaults for everything else.
    public init(aggregator: ServiceAddress, credentials: CredentialFiles, check: PeerCheck) {
      self.aggregator = aggregator
      self.credentials = credentials
      self.check = check
    }
  }

  /// What the agent's log is told.
  public enum Event: Sendable, Equatable {
    /// The aggregator has accepted the stream.
    case connected(Principal)
    /// An attempt failed or a connection ended; the next attempt comes after the delay.
    case disconnected(reason: TransportError, retryIn: Duration)
  }

  private let configuration: Configuration

  /// Makes a client; `run` starts it.
  public init(_ configuration: Configuration) {
    self.configuration = configuration
  }

  /// Keeps a connection until the task is cancelled.
  ///
  /// - Parameters:
  ///   - onEvent: is told of every connection and every failure, in words.
  ///   - onConnected: is called with each new connection and returns when it is done with it; the
  ///     connection is then closed and a new one made. Its error is reported as an event.
  public func run(
    onEvent: @escaping @Sendable (Event) -> Void = { _ in },
    onConnected: @escaping @Sendable (any SiteConnection) async throws -> Void
  ) async {
    await Reconnection(backoff: configuration.backoff, onEvent: onEvent).run {
      await attempt(onEvent: onEvent, onConnected: onConnected)
    }
  }

  /// Asks for a new certificate with the present one, over a connection of its own. Afterwards close
  /// the present connection: the next one is made with the new files.
  ///
  /// - Parameter requestDER: PKCS #10 for this site's own name.
  /// - Returns: the new certificate and the authority's in DER, leaf first; not checked.
  /// - Throws: `TransportError`.
  public func renew(
    requestDER: [UInt8], deadline: Duration = .seconds(30)
  ) async throws -> [[UInt8]] {
    try await MemberCalls(
      address: configuration.aggregator, credentials: configuration.credentials,
      check: configuration.check, settings: configuration.connection
    ).call(deadline) { client, options in
      var request = Wardround_V1_RenewRequest()
      request.certificateSigningRequest = Data(requestDER)
      return try await Wardround_V1_SiteService.Client(wrapping: client)
        .renew(request, options: options).chain.map { [UInt8]($0) }
    }
  }

  private func attempt(
    onEvent: @escaping @Sendable (Event) -> Void,
    onConnected: @escaping @Sendable (any SiteConnection) async throws -> Void
  ) async -> (reason: TransportError, wasConnected: Bool) {
    let link: ClientLink
    do {
      link = try ClientLink(
        to: configuration.aggregator, credentials: configuration.credentials,
        check: configuration.check, settings: configuration.connection)
    } catch { return (error, false) }
    defer { link.shutDown() }
    let call = SiteCall(link: link, configuration: configuration)
    let reason = await withTaskCancellationHandler {
      await call.run { connection in
        onEvent(.connected(connection.peer))
        try await onConnected(connection)
      }
    } onCancel: {
      call.cancel()
    }
    return (reason, call.wasConnected)
  }
}
