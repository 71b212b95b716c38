import Foundation
import Identity
import NIOCore
import NIOSSL

/// Decides at the TLS handshake whether a certificate chain is acceptable, and whose it is.
///
/// It replaces the TLS library's own check, so it does the whole of it: chain to the network's
/// authority, dates, role, revocation. The server asks it again for every call.
public struct PeerCheck: Sendable {
  /// Checks a chain as it came from the peer: DER, leaf first.
  ///
  /// Returns whose certificate it is; throws why it is refused.
  let verify: @Sendable (_ presentedDER: [[UInt8]]) async throws -> VerifiedPeer

  init(verify: @escaping @Sendable (_ presentedDER: [[UInt8]]) async throws -> VerifiedPeer) {
    self.verify = verify
  }

  /// The check of a network's members.
  ///
  /// - Parameter host: the host that was called, when this side is the client and wants the
  ///   certificate to name it.
  public init(_ verifier: PeerVerifier, host: ServerHost? = nil) {
    self.init { presented in
      try await verifier.verify(presentedDER: presented, host: host)
    }
  }

  /// The check of a site that has nothing but an invitation: the authority among the presented
  /// certificates must be the pinned one, and must have issued the aggregator's.
  public init(
    pin: AuthorityPin, host: ServerHost?, clock: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.init { presented in
      let authority = try pin.authority(among: presented)
      return try await PeerVerifier.ofAggregator(authority: authority, clock: clock)
        .verify(presentedDER: presented, host: host)
    }
  }

  /// The callback that the TLS library wants.
  ///
  /// - Parameter refused: is told why, before the handshake fails.
  func callback(
    refused: @escaping @Sendable (any Error) -> Void
  )
    -> @Sendable (
      [NIOSSLCertificate], EventLoopPromise<NIOSSLVerificationResultWithMetadata>
    ) -> Void
  {
    { certificates, promise in
      promise.completeWithTask {
        do {
          _ = try await self.verify(certificates.map { try $0.toDERBytes() })
          return .certificateVerified(
            VerificationMetadata(NIOSSL.ValidatedCertificateChain(certificates)))
        } catch {
          refused(error)
          return .failed
        }
      }
    }
  }
}
