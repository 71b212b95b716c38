import GRPCCore
import Identity
import NIOCore
import NIOSSL
import Synchronization

/// What happened while one connection was being made: gRPC reports every failure as "unavailable",
/// and a person needs to know which it was.
final class AttemptDiary: Sendable {
  private struct State {
    var peer: Principal?
    var peerRefusal: String?
    var isConnected = false
    var alert: String?
  }

  private let state = Mutex(State())

  /// Who is at the other end, once its certificate is accepted.
  var peer: Principal? { state.withLock { $0.peer } }

  func note(peer: Principal) { state.withLock { $0.peer = peer } }
  func note(refusal: any Error) { state.withLock { $0.peerRefusal = Words.of(refusal) } }
  func noteConnected() { state.withLock { $0.isConnected = true } }

  /// Keeps a TLS alert of the other side.
  func note(error: any Error) {
    let text = String(describing: error).uppercased()
    guard text.contains("ALERT") else { return }
    state.withLock { $0.alert = text }
  }

  /// The failure in words.
  func explain(
    _ error: any Error, address: ServiceAddress, ownCertificate: () -> String?
  ) -> TransportError {
    if let error = error as? TransportError { return error }
    let rpc = error as? RPCError
    if let rpc, rpc.carriesTransportError { return TransportError(rpc) }
    var cause: (any Error)? = rpc?.cause
    while let inner = cause as? RPCError {
      if let next = inner.cause { cause = next } else { break }
    }
    if let cause { note(error: cause) }
    let state = state.withLock { $0 }
    if let refusal = state.peerRefusal {
      return TransportError(
        .peerCertificateRefused, subject: address.description, detail: refusal)
    }
    if let alert = state.alert { return Self.explain(alert, address, ownCertificate()) }
    guard let rpc else { return TransportError(.connectionLost, subject: address.description) }
    if !state.isConnected, rpc.code == .unavailable || rpc.code == .deadlineExceeded {
      return TransportError(
        .notReachable, subject: address.description, detail: cause.map(Words.ofSocket) ?? "")
    }
    return TransportError(TransportError(rpc).code, subject: address.description)
  }

  private static func explain(
    _ alert: String, _ address: ServiceAddress, _ ownCertificate: String?
  ) -> TransportError {
    let isCertificate = alert.contains("CERTIFICATE") || alert.contains("UNKNOWN_CA")
    guard isCertificate else {
      return TransportError(
        .connectionLost, subject: address.description, detail: "the TLS handshake failed")
    }
    return TransportError(
      .certificateRefused,
      detail: ownCertificate ?? "revoked, or not of this aggregator's network")
  }
}
