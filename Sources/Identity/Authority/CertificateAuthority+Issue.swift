import Crypto
import Foundation
import X509

extension CertificateAuthority {
  /// Issues a certificate for a request that somebody else made.
  ///
  /// The certificate says what the authority decided, never what the request asked for: the
  /// request contributes its public key, and its name is compared with the one allowed.
  ///
  /// - Parameters:
  ///   - requestDER: A PKCS #10 request (RFC 2986), at most 8 KiB.
  ///   - principal: The one name the requester may have.
  ///   - hosts: What the aggregator is called by; only for the role aggregator.
  ///   - now: The start of validity, less five minutes (or a tenth of a shorter lifetime).
  /// - Throws: `malformed-request`, `request-signature`, `request-key`, `request-name`,
  ///   `request-extension`, `wrong-network`, `authority-expired`, `issuance-failed`.
  public func issue(
    requestDER: [UInt8], to principal: Principal, hosts: [ServerHost] = [], at now: Date
  ) throws(IdentityError) -> IssuedCertificate {
    let request = try CertificateRequest(der: requestDER)
    guard request.principal == principal else {
      throw IdentityError(.requestName, at: principal.uri)
    }
    guard principal.network == network else {
      throw IdentityError(.wrongNetwork, at: principal.uri)
    }
    guard hosts.isEmpty || principal.role == .aggregator else {
      throw IdentityError(.wrongRole, at: principal.uri)
    }
    try certificate.checkValidity(at: now)
    let leaf = try sign(request.publicKey, principal, hosts, at: now)
    return try IssuedCertificate(leaf: leaf, principal: principal, authority: certificate)
  }

  /// The leaf profile. RFC 5280 sections: 4.2.1.9 (not an authority), 4.2.1.3 (signs handshakes
  /// only), 4.2.1.12 (client or server by role), 4.2.1.6 (names), 4.2.1.1 and 4.2.1.2 (key ids).
  private func sign(
    _ publicKey: Certificate.PublicKey, _ principal: Principal, _ hosts: [ServerHost], at now: Date
  ) throws(IdentityError) -> Certificate {
    let authority = certificate.certificate
    let end = now.addingTimeInterval(Self.seconds(leafLifetime))
    do {
      let subject = try DistinguishedName {
        OrganizationName(principal.network.text)
        OrganizationalUnitName(principal.role.rawValue)
        CommonName(principal.name.text)
      }
      let authorityKeyIdentifier = try authority.extensions.subjectKeyIdentifier?.keyIdentifier
      let names =
        [GeneralName.uniformResourceIdentifier(principal.uri)] + hosts.map(\.generalName)
      return try Certificate(
        version: .v3, serialNumber: Self.randomSerial(), publicKey: publicKey,
        notValidBefore: max(
          now.addingTimeInterval(-Self.backdating(for: leafLifetime)), authority.notValidBefore),
        notValidAfter: min(end, authority.notValidAfter),
        issuer: authority.subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
        extensions: Certificate.Extensions {
          Critical(BasicConstraints.notCertificateAuthority)
          Critical(KeyUsage(digitalSignature: true))
          try ExtendedKeyUsage([principal.role.keyUsage])
          SubjectAlternativeNames(names)
          SubjectKeyIdentifier(hash: publicKey)
          AuthorityKeyIdentifier(keyIdentifier: authorityKeyIdentifier)
        },
        issuerPrivateKey: Certificate.PrivateKey(key))
    } catch {
      throw IdentityError(.issuanceFailed, at: principal.uri)
    }
  }
}

/// A certificate that the authority has just made, with the authority's own: everything that the
/// holder of the key needs, and nothing secret.
public struct IssuedCertificate: Sendable, Hashable {
  /// Whom it names.
  public let principal: Principal
  /// The serial number that it is recorded and revoked under.
  public let serial: CertificateSerial
  /// Start of validity, in whole seconds; a little before it was issued.
  public let notValidBefore: Date
  /// End of validity, in whole seconds, itself included.
  public let notValidAfter: Date
  /// The leaf, then the authority; what a server sends, so that a site that knows only a pin finds
  /// the authority in it.
  public let chainDER: [[UInt8]]

  init(
    leaf: Certificate, principal: Principal, authority: AuthorityCertificate
  ) throws(IdentityError) {
    self.principal = principal
    serial = CertificateSerial(leaf)
    notValidBefore = leaf.notValidBefore
    notValidAfter = leaf.notValidAfter
    chainDER = [try leaf.der(), authority.der]
  }

  /// Rebuilds the answer to a request that was answered before.
  init(
    record: CertificateRecord, authority: AuthorityCertificate
  ) throws(IdentityError) {
    try self.init(
      leaf: Certificate(der: record.leafDER), principal: record.principal, authority: authority)
  }

  /// What the ledger keeps of it.
  public var record: CertificateRecord {
    CertificateRecord(
      serial: serial, principal: principal, notValidAfter: notValidAfter, leafDER: chainDER[0])
  }

  func leaf() throws(IdentityError) -> Certificate { try Certificate(der: chainDER[0]) }
}
