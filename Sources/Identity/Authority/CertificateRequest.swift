import CanonicalBytes
import Crypto
import SwiftASN1
import X509

/// A PKCS #10 certificate request (RFC 2986) that was read and whose signature holds: whoever made
/// it has the private key.
struct CertificateRequest: Sendable {
  /// Ours have about 350 bytes.
  static let derLimit = 8 * 1024

  let principal: Principal
  let publicKey: Certificate.PublicKey

  /// - Throws: `malformed-request`, `request-key`, `request-signature`, `request-extension` (it asks
  ///   for anything besides one subject alternative name), `request-name` (that name is no
  ///   principal).
  init(der: [UInt8]) throws(IdentityError) {
    guard der.count <= Self.derLimit,
      let request = try? CertificateSigningRequest(derEncoded: der)
    else { throw IdentityError(.malformedRequest) }
    guard P256.Signing.PublicKey(request.publicKey) != nil,
      request.signatureAlgorithm == .ecdsaWithSHA256
    else { throw IdentityError(.requestKey) }
    guard request.publicKey.isValidSignature(request.signature, for: request) else {
      throw IdentityError(.requestSignature)
    }
    let names = try Self.names(of: request)
    guard names.count == 1, let principal = try? Principal.single(in: names) else {
      throw IdentityError(names.count == 1 ? .requestName : .requestExtension)
    }
    self.principal = principal
    publicKey = request.publicKey
  }

  /// The keys of an enrolment as one hash. A repeated request for the same keys is the same
  /// enrolment, although its signatures differ.
  func keysDigest(signingPublicKey: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.string("wardround/v1/enrolled-keys")
    writer.blob(publicKey.subjectPublicKeyInfoBytes)
    writer.blob(signingPublicKey)
    return Array(SHA256.hash(data: writer.bytes))
  }

  /// Makes a request for a name, signed by its key.
  static func make(
    for principal: Principal, key: P256.Signing.PrivateKey
  ) throws(IdentityError) -> [UInt8] {
    do {
      let extensions = try Certificate.Extensions {
        SubjectAlternativeNames([.uniformResourceIdentifier(principal.uri)])
      }
      let request = try CertificateSigningRequest(
        version: .v1,
        subject: DistinguishedName { CommonName(principal.name.text) },
        privateKey: Certificate.PrivateKey(key),
        attributes: CertificateSigningRequest.Attributes([
          .init(ExtensionRequest(extensions: extensions))
        ]),
        signatureAlgorithm: .ecdsaWithSHA256)
      var serializer = DER.Serializer()
      try serializer.serialize(request)
      return serializer.serializedBytes
    } catch {
      throw IdentityError(.issuanceFailed, at: principal.uri)
    }
  }

  private static func names(
    of request: CertificateSigningRequest
  ) throws(IdentityError) -> SubjectAlternativeNames {
    guard request.attributes.count == 1,
      let extensions = (try? request.attributes.extensionRequest)?.extensions,
      extensions.count == 1,
      let names = (try? extensions.subjectAlternativeNames) ?? nil
    else { throw IdentityError(.requestExtension) }
    return names
  }
}
