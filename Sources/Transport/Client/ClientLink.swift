import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Identity
import NIOCore
import NIOPosix
import NIOSSL
import SwiftASN1
import X509

/// One gRPC client with its connection, and a bounded way to end it: gRPC's own way waits for a
/// frozen server.
final class ClientLink: Sendable {
  typealias Transport = HTTP2ClientTransport.Posix

  let client: GRPCClient<Transport>
  /// The thread that serves the connection.
  let executor: LoopExecutor
  let diary = AttemptDiary()
  private let channels = ChannelTable()
  private let address: ServiceAddress
  private let credentials: CredentialFiles?
  private let running: Task<Void, Never>

  /// Starts connecting.
  ///
  /// - Parameter credentials: nil for a caller without a certificate.
  /// - Throws: `settingsInvalid` when certificate or key cannot be used.
  init(
    to address: ServiceAddress, credentials: CredentialFiles?, check: PeerCheck,
    settings: ConnectionSettings
  ) throws(TransportError) {
    self.address = address
    self.credentials = credentials
    let diary = diary
    let channels = channels
    let noting = PeerCheck { chain in
      let peer = try await check.verify(chain)
      diary.note(peer: peer.principal)
      return peer
    }
    let callback = noting.callback { diary.note(refusal: $0) }
    let security: Transport.TransportSecurity
    if let credentials {
      security = .mTLS(
        certificateChain: credentials.chainSource, privateKey: credentials.keySource
      ) {
        $0.trustRoots = .certificates([])
        $0.serverCertificateVerification = .noHostnameVerification
        $0.customVerificationCallback = callback
      }
    } else {
      security = .tls {
        $0.trustRoots = .certificates([])
        $0.serverCertificateVerification = .noHostnameVerification
        $0.customVerificationCallback = callback
      }
    }
    let config = Transport.Config.defaults { config in
      config.http2.targetWindowSize = 8 << 20
      config.http2.maxFrameSize = 1 << 20
      config.connection.flushCoalescing = nil
      config.backoff = .init(
        initial: .milliseconds(200), max: .seconds(5), multiplier: 1.6, jitter: 0.2)
      config.channelDebuggingCallbacks.onCreateTCPConnection = { channel in
        channels.adopt(
          channel, tls: NIOSSLClientHandler.self, handshakeLimit: settings.connectDeadline,
          unacknowledgedLimit: settings.deadPeerAfter, onActive: { diary.noteConnected() },
          onError: { diary.note(error: $0) })
      }
    }
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    executor = LoopExecutor(loop)
    do {
      client = GRPCClient(
        transport: try Transport(
          target: address.target, transportSecurity: security, config: config,
          eventLoopGroup: loop))
    } catch {
      throw TransportError(
        .settingsInvalid, subject: credentials?.certificateChain ?? address.description,
        detail: "certificate or key cannot be read")
    }
    // Proof of life: the task keeps the client's connections going; `shutDown` ends and cancels it,
    // and every owner of a link calls `shutDown`. It holds the client and nothing else.
    running = Task { [client] in try? await client.runConnections() }
  }

  /// Ends the connection without waiting for the server.
  func shutDown() {
    client.beginGracefulShutdown()
    channels.cutAll()
    running.cancel()
  }

  /// Call options with a deadline.
  static func options(_ timeout: Duration?) -> CallOptions {
    var options = CallOptions.defaults
    options.timeout = timeout
    // In gRPC 2.4 this, and not `maxResponseMessageBytes`, also limits what is received.
    options.maxRequestMessageBytes = LinkLimits.messageBytes
    return options
  }

  /// A failure of a call in words.
  func explain(_ error: any Error) -> TransportError {
    diary.explain(error, address: address) { ownCertificate() }
  }

  /// What is wrong with this side's own certificate, as far as it can tell.
  private func ownCertificate() -> String? {
    guard let path = credentials?.certificateChain,
      let text = try? String(contentsOfFile: path, encoding: .utf8),
      let block = try? PEMDocument.parseMultiple(pemString: text)
        .first(where: { $0.discriminator == "CERTIFICATE" }),
      let leaf = try? Certificate(derEncoded: block.derBytes)
    else { return nil }
    let now = Date()
    if leaf.notValidAfter < now { return "expired" }
    if leaf.notValidBefore > now { return "not yet valid; check this machine's clock" }
    return nil
  }
}
