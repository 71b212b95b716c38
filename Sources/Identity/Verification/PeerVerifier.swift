import Foundation
@_spi(FixedExpiryValidationTime) import X509

/// Somebody at the other end of a connection whose certificate has passed every check.
///
/// Only ``PeerVerifier`` makes one.
public struct VerifiedPeer: Sendable, Hashable {
  /// Who it is.
  public let principal: Principal
  /// The serial of the certificate that it came with.
  public let serial: CertificateSerial
  /// Start of the certificate's validity.
  public let notValidBefore: Date
  /// End of the certificate's validity, itself included.
  public let notValidAfter: Date
  /// The validated chain, leaf first, as DER: what a TLS library's callback hands on.
  public let chainDER: [[UInt8]]

  fileprivate init(
    _ leaf: Certificate, principal: Principal, chain: ValidatedCertificateChain
  ) throws(IdentityError) {
    self.principal = principal
    serial = CertificateSerial(leaf)
    notValidBefore = leaf.notValidBefore
    notValidAfter = leaf.notValidAfter
    var chainDER: [[UInt8]] = []
    for certificate in chain { chainDER.append(try certificate.der()) }
    self.chainDER = chainDER
  }
}

/// Decides whether a presented certificate chain belongs to a member of the network who may connect.
///
/// It is the whole check, for a TLS callback that replaces the library's own: signature chain and
/// RFC 5280 rules against the one pinned authority, validity by the given clock, exactly one
/// principal of this network, the key usage of its role, the role itself, and revocation. That the
/// peer holds the leaf's private key is what the TLS handshake shows.
public struct PeerVerifier: Sendable {
  /// Whether a certificate may no longer be used. A check that throws refuses the peer.
  public typealias RevocationCheck =
    @Sendable (_ serial: CertificateSerial, _ principal: Principal) async throws -> Bool

  /// A presented chain is a leaf and perhaps the authority; more than four is refused unread.
  static let chainLimit = 4

  /// The one authority that is trusted.
  public let authority: AuthorityCertificate
  /// The roles that may connect here.
  public let acceptedRoles: Set<Role>
  private let clock: @Sendable () -> Date
  private let isRevoked: RevocationCheck

  /// - Parameters:
  ///   - authority: The pinned authority.
  ///   - acceptedRoles: A site passes `[.aggregator]`; the aggregator the roles it serves.
  ///   - clock: The time that validity is judged by.
  ///   - isRevoked: Asked last, once per check.
  public init(
    authority: AuthorityCertificate, accepting acceptedRoles: Set<Role>,
    clock: @escaping @Sendable () -> Date,
    isRevoked: @escaping RevocationCheck
  ) {
    self.authority = authority
    self.acceptedRoles = acceptedRoles
    self.clock = clock
    self.isRevoked = isRevoked
  }

  /// A site's view of the aggregator: no revocation list, since the aggregator keeps it.
  public static func ofAggregator(
    authority: AuthorityCertificate, clock: @escaping @Sendable () -> Date
  ) -> PeerVerifier {
    PeerVerifier(authority: authority, accepting: [.aggregator], clock: clock) { _, _ in false }
  }

  /// Checks what a peer presented in a handshake.
  ///
  /// - Parameters:
  ///   - presentedDER: The certificates as they came, leaf first.
  ///   - host: The host that was called, when this end is the client.
  /// - Throws: `malformed-certificate`, `foreign-authority`, `invalid-chain`, `expired`,
  ///   `not-yet-valid`, `authority-expired`, `no-principal`, `wrong-network`, `wrong-usage`,
  ///   `wrong-role`, `wrong-host`, `revoked`, `ledger-unavailable`.
  public func verify(
    presentedDER: [[UInt8]], host: ServerHost? = nil
  ) async throws(IdentityError) -> VerifiedPeer {
    guard let leafDER = presentedDER.first, presentedDER.count <= Self.chainLimit else {
      throw IdentityError(.malformedCertificate)
    }
    return try await verify(leaf: Certificate(der: leafDER), host: host)
  }

  /// Checks a leaf alone: the authority issues every leaf itself, so other presented certificates
  /// are never needed and never trusted.
  public func verify(
    leaf: Certificate, host: ServerHost? = nil
  ) async throws(IdentityError) -> VerifiedPeer {
    let now = clock()
    let chain = try await validatedChain(of: leaf, at: now)
    let principal = try Principal(unverified: leaf)
    try check(principal, on: leaf)
    if let host, !host.isNamed(by: leaf) {
      throw IdentityError(.wrongHost, at: host.description)
    }
    try await checkStanding(CertificateSerial(leaf), principal)
    return try VerifiedPeer(leaf, principal: principal, chain: chain)
  }

  /// Checks again somebody verified earlier, on a connection that has been open for a while: that
  /// the certificate has not run out and has not been revoked since.
  ///
  /// - Throws: `expired`, `revoked`, `wrong-role`, `ledger-unavailable`.
  public func recheck(_ peer: VerifiedPeer) async throws(IdentityError) {
    guard clock() <= peer.notValidAfter else {
      throw IdentityError(.expired, at: peer.principal.uri)
    }
    guard acceptedRoles.contains(peer.principal.role) else {
      throw IdentityError(.wrongRole, at: peer.principal.uri)
    }
    try await checkStanding(peer.serial, peer.principal)
  }

  /// Signature, validity and RFC 5280 rules. Who signed comes first, so that a stranger's expired
  /// certificate is called foreign.
  private func validatedChain(
    of leaf: Certificate, at now: Date
  ) async throws(IdentityError) -> ValidatedCertificateChain {
    let root = authority.certificate
    guard leaf.issuer == root.subject,
      root.publicKey.isValidSignature(leaf.signature, for: leaf)
    else { throw IdentityError(.foreignAuthority) }
    let location = (try? Principal(unverified: leaf))?.uri
    try authority.checkValidity(at: now)
    guard now <= leaf.notValidAfter else { throw IdentityError(.expired, at: location) }
    guard now >= leaf.notValidBefore else { throw IdentityError(.notYetValid, at: location) }
    var verifier = Verifier(rootCertificates: CertificateStore([root])) {
      RFC5280Policy(fixedExpiryValidationTime: now)
    }
    let outcome = await verifier.validate(leaf: leaf, intermediates: CertificateStore())
    guard case .validCertificate(let chain) = outcome else {
      throw IdentityError(.invalidChain, at: location)
    }
    return chain
  }

  private func check(_ principal: Principal, on leaf: Certificate) throws(IdentityError) {
    guard principal.network == authority.network else {
      throw IdentityError(.wrongNetwork, at: principal.uri)
    }
    let usages = (try? leaf.extensions.extendedKeyUsage) ?? nil
    guard usages?.elementsEqual([principal.role.keyUsage]) == true else {
      throw IdentityError(.wrongUsage, at: principal.uri)
    }
    guard acceptedRoles.contains(principal.role) else {
      throw IdentityError(.wrongRole, at: principal.uri)
    }
  }

  private func checkStanding(
    _ serial: CertificateSerial, _ principal: Principal
  ) async throws(IdentityError) {
    let revoked: Bool
    do {
      revoked = try await isRevoked(serial, principal)
    } catch {
      throw IdentityError(.ledgerUnavailable, at: principal.uri)
    }
    guard !revoked else { throw IdentityError(.revoked, at: principal.uri) }
  }
}
