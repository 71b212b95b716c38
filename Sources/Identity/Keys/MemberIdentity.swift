import Crypto
import Foundation
import X509

/// A member's own keys and certificate, as loaded from its key directory: what it proves who it is
/// with.
public struct MemberIdentity: Sendable, CustomStringConvertible, CustomReflectable {
  /// The certificate in force and its chain.
  public let certificate: IssuedCertificate
  /// The authority of the network, pinned when this member joined.
  public let authority: AuthorityCertificate
  /// Signs protocol messages.
  public let signingKey: SigningKey
  private let tlsKey: P256.Signing.PrivateKey

  /// Who this member is.
  public var principal: Principal { certificate.principal }

  init(
    certificate: IssuedCertificate, authority: AuthorityCertificate, signingKey: SigningKey,
    tlsKey: P256.Signing.PrivateKey
  ) {
    self.certificate = certificate
    self.authority = authority
    self.signingKey = signingKey
    self.tlsKey = tlsKey
  }

  /// The TLS private key in PKCS #8 DER, for the TLS library.
  public func revealedTLSKeyDER() -> [UInt8] { Array(tlsKey.derRepresentation) }

  /// What to do about renewal now.
  public func renewalDecision(
    at now: Date, policy: RenewalPolicy = RenewalPolicy()
  ) -> RenewalPolicy.Decision {
    policy.decision(
      notValidBefore: certificate.notValidBefore, notValidAfter: certificate.notValidAfter, at: now)
  }

  public var description: String {
    "\(principal), certificate \(certificate.serial) until \(certificate.notValidAfter)"
  }

  public var customMirror: Mirror {
    Mirror(self, children: ["certificate": certificate, "authority": authority])
  }
}
