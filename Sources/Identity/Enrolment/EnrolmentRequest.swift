import CanonicalBytes
import Crypto

/// What a new member sends to redeem an invitation, inside TLS to the pinned aggregator.
public struct EnrolmentRequest: Sendable, CustomStringConvertible, CustomReflectable {
  /// Which invitation is redeemed.
  public let invitationID: InvitationID
  /// Shows that the invitation is in the sender's hands.
  public let secret: InvitationSecret
  /// PKCS #10 request for the TLS key, P-256.
  public let requestDER: [UInt8]
  /// Ed25519 public key that will verify this member's protocol messages, 32 bytes.
  public let signingPublicKey: [UInt8]
  /// Ed25519 signature over the statement, 64 bytes.
  public let statementSignature: [UInt8]

  /// A request of these parts as they arrived; ``EnrolmentDesk/enrol(_:at:)`` checks them.
  public init(
    invitationID: InvitationID, secret: InvitationSecret, requestDER: [UInt8],
    signingPublicKey: [UInt8], statementSignature: [UInt8]
  ) {
    self.invitationID = invitationID
    self.secret = secret
    self.requestDER = requestDER
    self.signingPublicKey = signingPublicKey
    self.statementSignature = statementSignature
  }

  /// What the signing key signs: it shows that its holder made this very request for this very
  /// invitation, so nobody can attach their signing key to somebody else's certificate.
  static func statement(
    invitationID: InvitationID, requestDER: [UInt8], signingPublicKey: [UInt8]
  ) -> [UInt8] {
    var writer = ByteWriter()
    writer.string("wardround/v1/enrolment-statement")
    writer.raw(invitationID.bytes)
    writer.blob(requestDER)
    writer.blob(signingPublicKey)
    return writer.bytes
  }

  /// - Throws: `statement-signature`.
  func checkStatement() throws(IdentityError) {
    let statement = Self.statement(
      invitationID: invitationID, requestDER: requestDER, signingPublicKey: signingPublicKey)
    guard
      let key = try? Curve25519.Signing.PublicKey(rawRepresentation: signingPublicKey),
      key.isValidSignature(statementSignature, for: statement)
    else { throw IdentityError(.statementSignature) }
  }

  /// The canonical bytes that travel to the aggregator. They hold the secret.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.raw(invitationID.bytes)
    writer.raw(secret.revealed())
    writer.blob(requestDER)
    writer.blob(signingPublicKey)
    writer.blob(statementSignature)
    return writer.bytes
  }

  /// - Throws: `malformed-request`.
  public init(decoding bytes: [UInt8]) throws(IdentityError) {
    do {
      var reader = ByteReader(bytes)
      guard let id = InvitationID(bytes: try reader.raw(InvitationID.byteCount)),
        let secret = InvitationSecret(bytes: try reader.raw(InvitationSecret.byteCount))
      else { throw IdentityError(.malformedRequest) }
      self.init(
        invitationID: id, secret: secret,
        requestDER: try reader.blob(limit: CertificateRequest.derLimit),
        signingPublicKey: try reader.blob(limit: 32),
        statementSignature: try reader.blob(limit: 64))
      try reader.finish()
    } catch {
      throw IdentityError(.malformedRequest)
    }
  }

  public var description: String { "enrolment request for invitation \(invitationID)" }

  public var customMirror: Mirror { Mirror(self, children: ["invitationID": invitationID]) }
}
