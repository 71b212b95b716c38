import Crypto
import Cryptography
import Foundation
import X509

/// The certificate of a network's authority: what every member trusts, and nothing secret.
public struct AuthorityCertificate: Sendable, Hashable, CustomStringConvertible {
  /// The network whose members it certifies.
  public let network: MemberName
  /// The parsed certificate.
  public let certificate: Certificate
  /// The DER form; its SHA-256 is the pin.
  public let der: [UInt8]

  /// The network's name stands in a URI SAN of this form.
  static func uri(of network: MemberName) -> String { "wardround://\(network)/authority" }

  /// Reads an authority's certificate. Trust comes from the caller: from a pin or from a file that
  /// was written after one was checked.
  ///
  /// - Throws: `malformed-certificate` unless it is a certificate authority of a Wardround network.
  public init(der: [UInt8]) throws(IdentityError) {
    let certificate = try Certificate(der: der)
    guard
      case .isCertificateAuthority = (try? certificate.extensions.basicConstraints) ?? nil,
      let names = (try? certificate.extensions.subjectAlternativeNames) ?? nil,
      names.count == 1, case .uniformResourceIdentifier(let uri)? = names.first,
      let network = Self.network(of: uri),
      certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
    else { throw IdentityError(.malformedCertificate) }
    self.network = network
    self.certificate = certificate
    self.der = der
  }

  /// Reads the file that `pem` was written to.
  ///
  /// - Throws: `file-missing`, `file-unreadable`, `file-corrupted`.
  public init(file path: String) throws(IdentityError) {
    let bytes = try ProtectedFile.read(path, .readable)
    do {
      try self.init(der: PEM.single(PEM.certificate, bytes, at: path))
    } catch {
      throw IdentityError(.fileCorrupted, at: path)
    }
  }

  /// SHA-256 over the DER form.
  public var pin: AuthorityPin { AuthorityPin(of: der) }

  /// The DER form in one PEM block, with a line break at its end.
  public var pem: String { PEM.text(PEM.certificate, der) }

  public var description: String { "authority of \(network), pin \(pin)" }

  /// - Throws: `authority-expired` outside the authority's own validity.
  func checkValidity(at now: Date) throws(IdentityError) {
    guard (certificate.notValidBefore...certificate.notValidAfter).contains(now) else {
      throw IdentityError(.authorityExpired, at: network.text)
    }
  }

  private static func network(of uri: String) -> MemberName? {
    let parts = uri.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 4, let network = try? MemberName(String(parts[2])),
      Self.uri(of: network).utf8.elementsEqual(uri.utf8)
    else { return nil }
    return network
  }
}

/// The SHA-256 of an authority's certificate: how an invitation names the network it is for.
public struct AuthorityPin: Sendable, Hashable, CustomStringConvertible {
  /// The length of SHA-256, in bytes.
  public static let byteCount = 32
  /// The 32 bytes of the hash.
  public let bytes: [UInt8]

  /// The pin of a certificate, in DER. Any bytes have one; `authority(among:)` parses.
  public init(of der: [UInt8]) {
    bytes = Array(SHA256.hash(data: der))
  }

  init?(bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    self.bytes = bytes
  }

  /// 64 hexadecimal digits.
  public var description: String { Hexadecimal.encode(bytes) }

  /// Finds the pinned authority among the certificates that a server presents at enrolment, when
  /// the invitation is all the site has.
  ///
  /// The server still has to be checked against the result with ``PeerVerifier``.
  ///
  /// - Throws: `wrong-pin` when none of them is the pinned one; `malformed-certificate`.
  public func authority(
    among presentedDER: [[UInt8]]
  ) throws(IdentityError) -> AuthorityCertificate {
    guard presentedDER.count <= PeerVerifier.chainLimit,
      let der = presentedDER.first(where: { AuthorityPin(of: $0) == self })
    else { throw IdentityError(.wrongPin) }
    return try AuthorityCertificate(der: der)
  }
}
