import Crypto
import Foundation
import X509

/// The directory (0700) that holds a member's keys, made where they are used and never sent.
///
/// - `signing.key` (0600): the Ed25519 key for protocol messages, PKCS #8.
/// - `identity.pem` (0600): the TLS key, its certificate and the authority's, in one file, so that
///   a renewal replaces key and certificate in one rename and they always belong together.
/// - `next.key` (0600): a TLS key whose certificate has not come yet.
///
/// One process uses a directory at a time; the agent's own lock sees to that.
public struct KeyDirectory: Sendable, Hashable {
  /// Where the directory is, or will be.
  public let path: String

  /// Names a directory; nothing is read or made yet.
  public init(path: String) {
    self.path = path
  }

  /// Holds key, certificate and authority; a TLS library may read it as key and as chain file.
  public var identityFile: String { "\(path)/identity.pem" }
  var signingKeyFile: String { "\(path)/signing.key" }
  var nextKeyFile: String { "\(path)/next.key" }

  /// Whether there is a certificate already, valid or not.
  public var isEnrolled: Bool { ProtectedFile.exists(identityFile) }

  /// Makes the keys and the request that redeems an invitation.
  ///
  /// Keys that an earlier attempt left are used again, so that a repeated attempt is the same
  /// request and gets the same certificate.
  ///
  /// - Parameter rejoining: Whether a directory that has a certificate may be used; its signing key
  ///   stays.
  /// - Throws: `file-exists` (joined already), `invitation-expired`, file errors.
  public func prepareEnrolment(
    with invitation: Invitation, rejoining: Bool = false, at now: Date
  ) throws(IdentityError) -> EnrolmentRequest {
    try invitation.checkExpiry(at: now)
    let request = try prepareRequest(for: invitation.principal, rejoining: rejoining)
    let statement = EnrolmentRequest.statement(
      invitationID: invitation.id, requestDER: request.requestDER,
      signingPublicKey: request.signingPublicKey)
    return EnrolmentRequest(
      invitationID: invitation.id, secret: invitation.secret, requestDER: request.requestDER,
      signingPublicKey: request.signingPublicKey,
      statementSignature: try readSigningKey().sign(statement))
  }

  /// Makes the keys and a request for a principal that is certified on this machine.
  ///
  /// - Throws: `file-exists` (there is a certificate already), file errors.
  public func prepareRequest(
    for principal: Principal, rejoining: Bool = false
  ) throws(IdentityError) -> (requestDER: [UInt8], signingPublicKey: [UInt8]) {
    try ProtectedFile.makeDirectory(path)
    guard rejoining || !isEnrolled else { throw IdentityError(.fileExists, at: identityFile) }
    if !ProtectedFile.exists(signingKeyFile) {
      try writeKey(SigningKey().pkcs8, to: signingKeyFile, replacing: false)
    }
    if !ProtectedFile.exists(nextKeyFile) { try stageKey() }
    return (
      try CertificateRequest.make(for: principal, key: readTLSKey(nextKeyFile)),
      try readSigningKey().publicKey
    )
  }

  /// Makes a new TLS key and the request that renews the present certificate. The present key and
  /// certificate stay in force until `install`.
  ///
  /// - Throws: `not-enrolled`, file errors.
  public func prepareRenewal() throws(IdentityError) -> [UInt8] {
    let principal = try load().principal
    try stageKey()
    return try CertificateRequest.make(for: principal, key: readTLSKey(nextKeyFile))
  }

  /// Checks a certificate that came back and puts it in force together with the key it was asked for.
  ///
  /// - Parameters:
  ///   - chainDER: The leaf and the authority, as the aggregator answered.
  ///   - pin: The authority that must have issued it: the invitation's, or the present identity's.
  ///   - principal: The name that was asked for.
  /// - Throws: `wrong-pin`, `key-mismatch`, `request-name`, what ``PeerVerifier`` throws, file errors.
  public func install(
    chainDER: [[UInt8]], pin: AuthorityPin, principal: Principal, at now: Date
  ) async throws(IdentityError) -> MemberIdentity {
    let authority = try pin.authority(among: chainDER)
    guard let leafDER = chainDER.first else { throw IdentityError(.malformedCertificate) }
    let leaf = try Certificate(der: leafDER)
    let verifier = PeerVerifier(
      authority: authority, accepting: [principal.role], clock: { now },
      isRevoked: { _, _ in false })
    let verified = try await verifier.verify(leaf: leaf)
    guard verified.principal == principal else {
      throw IdentityError(.requestName, at: verified.principal.uri)
    }
    let key = try readTLSKey(nextKeyFile)
    guard leaf.publicKey == Certificate.PublicKey(key.publicKey) else {
      throw IdentityError(.keyMismatch, at: nextKeyFile)
    }
    let blocks =
      [PEM.text(PEM.privateKey, Array(key.derRepresentation))]
      + [leafDER, authority.der].map { PEM.text(PEM.certificate, $0) }
    try ProtectedFile.write(
      Array(blocks.joined().utf8), to: identityFile, .secret, replacing: true)
    try ProtectedFile.remove(nextKeyFile)
    return try load()
  }

  /// Loads the identity in force. It may have expired: whoever connects with it is told.
  ///
  /// - Throws: `not-enrolled`, `file-permissions`, `file-owner`, `file-corrupted`, `key-mismatch`,
  ///   `file-missing` (the signing key is gone).
  public func load() throws(IdentityError) -> MemberIdentity {
    guard isEnrolled else { throw IdentityError(.notEnrolled, at: path) }
    try ProtectedFile.checkDirectory(path)
    let bytes = try ProtectedFile.read(identityFile, .secret)
    let blocks = try PEM.blocks(bytes, at: identityFile)
    guard blocks.map(\.discriminator) == [PEM.privateKey, PEM.certificate, PEM.certificate],
      let key = try? P256.Signing.PrivateKey(derRepresentation: blocks[0].derBytes),
      let leaf = try? Certificate(der: blocks[1].derBytes),
      let authority = try? AuthorityCertificate(der: blocks[2].derBytes),
      authority.certificate.publicKey.isValidSignature(leaf.signature, for: leaf),
      let principal = try? Principal(unverified: leaf)
    else { throw IdentityError(.fileCorrupted, at: identityFile) }
    guard leaf.publicKey == Certificate.PublicKey(key.publicKey) else {
      throw IdentityError(.keyMismatch, at: identityFile)
    }
    return MemberIdentity(
      certificate: try IssuedCertificate(leaf: leaf, principal: principal, authority: authority),
      authority: authority, signingKey: try readSigningKey(), tlsKey: key)
  }

  private func stageKey() throws(IdentityError) {
    try writeKey(
      Array(P256.Signing.PrivateKey().derRepresentation), to: nextKeyFile, replacing: true)
  }

  private func writeKey(_ pkcs8: [UInt8], to file: String, replacing: Bool) throws(IdentityError) {
    try ProtectedFile.write(
      Array(PEM.text(PEM.privateKey, pkcs8).utf8), to: file, .secret, replacing: replacing)
  }

  private func readTLSKey(_ file: String) throws(IdentityError) -> P256.Signing.PrivateKey {
    let der = try PEM.single(PEM.privateKey, ProtectedFile.read(file, .secret), at: file)
    guard let key = try? P256.Signing.PrivateKey(derRepresentation: der) else {
      throw IdentityError(.fileCorrupted, at: file)
    }
    return key
  }

  private func readSigningKey() throws(IdentityError) -> SigningKey {
    let file = signingKeyFile
    let der = try PEM.single(PEM.privateKey, ProtectedFile.read(file, .secret), at: file)
    guard let key = SigningKey(pkcs8: der) else { throw IdentityError(.fileCorrupted, at: file) }
    return key
  }
}
