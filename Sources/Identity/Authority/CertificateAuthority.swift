import Crypto
import Foundation
import X509

/// A network's certificate authority: the P-256 key that makes somebody a member.
///
/// Assumes: the directory stays on the aggregator's machine and is backed up. Guarantees: the key
/// is written once, readable by its owner only, and never leaves this type. Whoever has it can name
/// members of the network; it opens no connection's past traffic (TLS 1.3) and no masked vector.
public struct CertificateAuthority: Sendable, CustomStringConvertible, CustomReflectable {
  /// How long the authority is valid: ten years of 365 days.
  public static let authorityLifetime: Duration = .seconds(10 * 365 * 86_400)
  /// How long a member's certificate is valid unless said otherwise: 90 days.
  public static let defaultLeafLifetime: Duration = .seconds(90 * 86_400)

  static let keyFile = "ca.key"
  static let certificateFile = "ca.pem"

  /// What members trust; holds no key.
  public let certificate: AuthorityCertificate
  /// How long the certificates it issues are valid.
  public let leafLifetime: Duration
  let key: P256.Signing.PrivateKey

  /// The network that it is the authority of.
  public var network: MemberName { certificate.network }

  /// Makes a new authority in a directory: `ca.key` (0600) and `ca.pem`. The directory is made
  /// (0700) when it is missing. An authority that is there is never overwritten.
  ///
  /// - Parameters:
  ///   - leafLifetime: 1 second to 10 years; seconds are for tests.
  ///   - now: The start of validity, less five minutes for clocks that differ.
  /// - Throws: `file-exists`, `file-permissions`, `file-unwritable`, `disk-full`,
  ///   `lifetime-out-of-range`.
  public static func create(
    in directory: String, network: MemberName,
    leafLifetime: Duration = defaultLeafLifetime, at now: Date
  ) throws(IdentityError) -> CertificateAuthority {
    try check(leafLifetime)
    try ProtectedFile.makeDirectory(directory)
    let keyPath = "\(directory)/\(keyFile)"
    let certificatePath = "\(directory)/\(certificateFile)"
    for path in [certificatePath, keyPath] where ProtectedFile.exists(path) {
      throw IdentityError(.fileExists, at: path)
    }
    let key = P256.Signing.PrivateKey()
    let certificate = try selfSigned(key: key, network: network, at: now)
    // The key first: a crash in between leaves a key without a certificate, which `load` names.
    try ProtectedFile.write(
      Array(PEM.text(PEM.privateKey, Array(key.derRepresentation)).utf8), to: keyPath, .secret,
      replacing: false)
    try ProtectedFile.write(
      Array(certificate.pem.utf8), to: certificatePath, .readable, replacing: false)
    return CertificateAuthority(certificate: certificate, leafLifetime: leafLifetime, key: key)
  }

  /// Loads the authority that `create` made.
  ///
  /// - Throws: `file-missing`, `file-permissions`, `file-owner`, `file-corrupted`, `key-mismatch`.
  public static func load(
    from directory: String, leafLifetime: Duration = defaultLeafLifetime
  ) throws(IdentityError) -> CertificateAuthority {
    try check(leafLifetime)
    try ProtectedFile.checkDirectory(directory)
    let keyPath = "\(directory)/\(keyFile)"
    let keyBytes = try ProtectedFile.read(keyPath, .secret)
    let der = try PEM.single(PEM.privateKey, keyBytes, at: keyPath)
    guard let key = try? P256.Signing.PrivateKey(derRepresentation: der) else {
      throw IdentityError(.fileCorrupted, at: keyPath)
    }
    let certificate = try AuthorityCertificate(file: "\(directory)/\(certificateFile)")
    guard certificate.certificate.publicKey == Certificate.PublicKey(key.publicKey) else {
      throw IdentityError(.keyMismatch, at: keyPath)
    }
    return CertificateAuthority(certificate: certificate, leafLifetime: leafLifetime, key: key)
  }

  public var description: String { certificate.description }

  /// Shows the certificate only: a dump of this value holds no key.
  public var customMirror: Mirror {
    Mirror(self, children: ["certificate": certificate, "leafLifetime": leafLifetime])
  }

  /// Validity starts a little early, because a member's clock may be behind: five minutes, or a tenth
  /// of a shorter lifetime.
  static func backdating(for lifetime: Duration) -> TimeInterval {
    min(300, seconds(lifetime) / 10)
  }

  static func seconds(_ duration: Duration) -> TimeInterval {
    TimeInterval(duration.components.seconds) + TimeInterval(duration.components.attoseconds)
      * 1e-18
  }

  private static func check(_ lifetime: Duration) throws(IdentityError) {
    guard lifetime >= .seconds(1), lifetime <= authorityLifetime else {
      throw IdentityError(.lifetimeOutOfRange)
    }
  }

  private static func selfSigned(
    key: P256.Signing.PrivateKey, network: MemberName, at now: Date
  ) throws(IdentityError) -> AuthorityCertificate {
    do {
      let name = try DistinguishedName {
        OrganizationName(network.text)
        CommonName("Wardround authority")
      }
      let publicKey = Certificate.PublicKey(key.publicKey)
      let certificate = try Certificate(
        version: .v3, serialNumber: randomSerial(), publicKey: publicKey,
        notValidBefore: now.addingTimeInterval(-backdating(for: authorityLifetime)),
        notValidAfter: now.addingTimeInterval(seconds(authorityLifetime)),
        issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
        extensions: Certificate.Extensions {
          Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
          Critical(KeyUsage(keyCertSign: true, cRLSign: true))
          SubjectKeyIdentifier(hash: publicKey)
          SubjectAlternativeNames([
            .uniformResourceIdentifier(AuthorityCertificate.uri(of: network))
          ])
        },
        issuerPrivateKey: Certificate.PrivateKey(key))
      return try AuthorityCertificate(der: certificate.der())
    } catch {
      throw IdentityError(.issuanceFailed)
    }
  }

  /// 128 random bits (RFC 5280 §4.1.2.2 allows up to 20 octets).
  static func randomSerial() -> Certificate.SerialNumber {
    var generator = SystemRandomNumberGenerator()
    return Certificate.SerialNumber(
      bytes: (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
  }
}
