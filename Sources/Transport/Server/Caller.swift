import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Identity
import SwiftASN1
import X509

/// Who calls, from the certificate of the connection.
enum Caller {
  /// The presented chain as DER, leaf first; empty without a certificate.
  static func chain(_ context: ServerContext) throws -> [[UInt8]] {
    guard let tls = context.transportSpecific as? HTTP2ServerTransport.Posix.Context,
      let leaf = tls.peerCertificate
    else { return [] }
    var serializer = DER.Serializer()
    try leaf.serialize(into: &serializer)
    return [serializer.serializedBytes]
  }

  /// The principal of a call that `AccessInterceptor` has let through.
  ///
  /// - Throws: `permissionDenied` when there is none.
  static func principal(_ context: ServerContext) throws(TransportError) -> Principal {
    guard let tls = context.transportSpecific as? HTTP2ServerTransport.Posix.Context,
      let leaf = tls.peerCertificate, let principal = try? Principal(unverified: leaf)
    else { throw TransportError(.permissionDenied, detail: "no certificate") }
    return principal
  }
}
