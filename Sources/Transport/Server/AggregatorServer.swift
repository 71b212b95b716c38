import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Identity
import NIOCore
import NIOSSL
import Synchronization

/// The aggregator's two listeners: members over mutual TLS 1.3, and enrolment.
///
/// The server reads its own certificate when it starts; a renewed one takes effect with the next
/// start. A server runs once.
public final class AggregatorServer: Sendable {
  /// Where to listen, with what, and the limits.
  public struct Configuration: Sendable {
    /// Address of the members' listener: an IP address and a port; 0 picks a free one.
    public var members: ListeningAddress
    /// Address of the enrolment listener; nil for none.
    public var enrolment: ListeningAddress?
    /// The aggregator's certificate chain (leaf, then the network's authority) and key.
    public var credentials: CredentialFiles
    /// Who may connect.
    public var check: PeerCheck
    /// Where received payloads go.
    public var spool: SpoolFolder
    /// How many fast payloads may be under way at once in each direction, over all sites.
    public var concurrentPayloads = 2
    /// Limits of each site's connection.
    public var connection = ConnectionSettings()
    /// How long `stop` waits for calls to end before it cuts them.
    public var shutdownLimit: Duration = .seconds(5)
    /// Name and version, told to sites.
    public var software = "wardround"

    /// The defaults for everything else.
    public init(
      members: ListeningAddress, enrolment: ListeningAddress? = nil, credentials: CredentialFiles,
      check: PeerCheck, spool: SpoolFolder
    ) {
      self.members = members
      self.enrolment = enrolment
      self.credentials = credentials
      self.check = check
      self.spool = spool
    }
  }

  /// What the operator's log is told.
  public enum Event: Sendable, Hashable {
    /// A certificate was refused at the handshake, and why.
    case certificateRefused(reason: String)
  }

  private struct State {
    var servers: [GRPCServer<HTTP2ServerTransport.Posix>] = []
    var isStopping = false
  }

  private let configuration: Configuration
  private let handler: any AggregatorHandler
  private let onEvent: @Sendable (Event) -> Void
  private let registry = ConnectionRegistry()
  private let traffic: PayloadTraffic
  private let state = Mutex(State())

  /// Makes a server; `run` starts it.
  public init(
    _ configuration: Configuration, handler: any AggregatorHandler,
    onEvent: @escaping @Sendable (Event) -> Void = { _ in }
  ) {
    self.configuration = configuration
    self.handler = handler
    self.onEvent = onEvent
    traffic = PayloadTraffic(places: configuration.concurrentPayloads)
  }

  /// Listens and serves until `stop` is called or the task is cancelled.
  ///
  /// - Parameter onListening: is told the ports once both listeners are open.
  /// - Throws: `TransportError.settingsInvalid` when a listener cannot be opened.
  public func run(
    onListening: @escaping @Sendable (_ members: Int, _ enrolment: Int?) async -> Void = { _, _ in }
  ) async throws {
    let members = membersTransport()
    let enrolment = configuration.enrolment.map { enrolmentTransport($0) }
    let memberServer = GRPCServer(
      transport: members, services: memberServices,
      interceptors: [AccessInterceptor(check: configuration.check, registry: registry)])
    let enrolmentServer = enrolment.map {
      GRPCServer(transport: $0, services: [EnrolmentAdapter(handler: handler)])
    }
    let mayStart = state.withLock { state in
      state.servers = [memberServer] + (enrolmentServer.map { [$0] } ?? [])
      return !state.isStopping
    }
    guard mayStart else { return }
    // Proof of life: both tasks end when `stop` has shut their servers down, within its limit, and
    // `run` does not return before. They are not children, so that cancelling `run` is a graceful
    // stop too instead of cutting every call in the middle of a word.
    var serving = [Task { try await self.serve(memberServer, at: configuration.members) }]
    if let enrolmentServer, let address = configuration.enrolment {
      serving.append(Task { try await self.serve(enrolmentServer, at: address) })
    }
    let announcing = Task {
      // When a listener cannot be opened the server's own error says why.
      guard let port = try? await members.listeningAddress.port else { return }
      var enrolmentPort: Int?
      if let enrolment { enrolmentPort = try? await enrolment.listeningAddress.port }
      await onListening(port, enrolmentPort)
    }
    var failure: (any Error)?
    await withTaskCancellationHandler {
      for task in serving {
        do { try await task.value } catch { failure = failure ?? error }
      }
    } onCancel: {
      stop()
    }
    await announcing.value
    if let failure { throw failure }
  }

  /// Tells every site that the aggregator is going, lets running calls end and after the
  /// `shutdownLimit` cuts what is left. Returns at once; `run` returns when it is done.
  public func stop() {
    let servers = state.withLock { state -> [GRPCServer<HTTP2ServerTransport.Posix>] in
      guard !state.isStopping else { return [] }
      state.isStopping = true
      return state.servers
    }
    guard !servers.isEmpty else { return }
    registry.closeAll(TransportError(.shuttingDown))
    // Proof of life: the task ends by itself after the limit and touches only the table of open
    // connections, which stays valid when the server is gone.
    Task { [registry, limit = configuration.shutdownLimit] in
      try? await Task.sleep(for: min(limit, .milliseconds(300)))
      for server in servers { server.beginGracefulShutdown() }
      try? await Task.sleep(for: limit)
      registry.channels.cutAll()
    }
  }

  /// Ends all connections of a member at once. The caller has changed what the check looks at
  /// before, so that the member does not come back.
  public func revoke(_ principal: Principal) { registry.revoke(principal) }

  /// The sites whose stream is open.
  public var connectedSites: [Principal] { registry.connectedSites }

  private var memberServices: [any RegistrableRPCService] {
    [
      SiteServiceAdapter(
        handler: handler, registry: registry, settings: configuration.connection,
        store: .spool(configuration.spool, traffic), software: configuration.software,
        check: configuration.check),
      ResearcherServiceAdapter(handler: handler),
      OperatorServiceAdapter(handler: handler) { [registry] in registry.revoke($0) },
    ]
  }

  private func serve(
    _ server: GRPCServer<HTTP2ServerTransport.Posix>, at address: ListeningAddress
  ) async throws {
    do {
      try await server.serve()
      return
    } catch {
      // One listener without the other is no aggregator.
      stop()
      registry.channels.cutAll()
      let words = Words.ofSocket((error as? RuntimeError)?.cause ?? error)
      let files = "certificate or key cannot be read: \(configuration.credentials.privateKey)"
      throw TransportError(
        .settingsInvalid, subject: address.description, detail: words.isEmpty ? files : words)
    }
  }

  private func membersTransport() -> HTTP2ServerTransport.Posix {
    let onEvent = onEvent
    return transport(
      configuration.members,
      .mTLS(
        certificateChain: configuration.credentials.chainSource,
        privateKey: configuration.credentials.keySource
      ) {
        // The check replaces the library's, which therefore needs no roots of its own.
        $0.trustRoots = .certificates([])
        $0.clientCertificateVerification = .noHostnameVerification
        $0.requireALPN = true
        $0.customVerificationCallback = configuration.check.callback { error in
          onEvent(.certificateRefused(reason: Words.of(error)))
        }
      })
  }

  private func enrolmentTransport(_ address: ListeningAddress) -> HTTP2ServerTransport.Posix {
    transport(
      address,
      .tls(
        .defaults(
          certificateChain: configuration.credentials.chainSource,
          privateKey: configuration.credentials.keySource
        ) { $0.requireALPN = true }))
  }

  private func transport(
    _ address: ListeningAddress, _ security: HTTP2ServerTransport.Posix.TransportSecurity
  ) -> HTTP2ServerTransport.Posix {
    let limits = configuration.connection
    let registry = registry
    let config = HTTP2ServerTransport.Posix.Config.defaults { config in
      config.rpc.maxRequestPayloadSize = LinkLimits.messageBytes
      config.http2.targetWindowSize = 8 << 20
      config.http2.maxFrameSize = 1 << 20
      config.http2.maxConcurrentStreams = 16
      config.connection.flushCoalescing = nil
      config.connection.maxIdleTime = .seconds(600)
      config.connection.keepalive.clientBehavior = .init(
        minPingIntervalWithoutCalls: .seconds(5), allowWithoutCalls: true)
      config.channelDebuggingCallbacks.onAcceptTCPConnection = { channel in
        registry.channels.adopt(
          channel, tls: NIOSSLServerHandler.self, handshakeLimit: limits.connectDeadline,
          unacknowledgedLimit: limits.deadPeerAfter, onClose: { registry.forget(address: $0) })
      }
    }
    return HTTP2ServerTransport.Posix(
      address: address.socketAddress, transportSecurity: security, config: config)
  }
}
