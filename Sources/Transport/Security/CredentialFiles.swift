import GRPCNIOTransportHTTP2Posix
import Identity

/// A member's own certificate and key, as PEM files. They are read anew for every connection that
/// is made, so a renewed certificate is used from the next connection on.
public struct CredentialFiles: Sendable, Hashable {
  /// Path of the certificate chain, leaf first.
  public var certificateChain: String
  /// Path of the private key, P-256.
  public var privateKey: String

  /// Makes the value; nothing is read.
  public init(certificateChain: String, privateKey: String) {
    self.certificateChain = certificateChain
    self.privateKey = privateKey
  }

  /// A member's files in its key directory; key and chain are one file there.
  public init(_ directory: KeyDirectory) {
    self.init(certificateChain: directory.identityFile, privateKey: directory.identityFile)
  }

  var chainSource: [TLSConfig.CertificateSource] {
    [.file(path: certificateChain, format: .pem)]
  }

  var keySource: TLSConfig.PrivateKeySource { .file(path: privateKey, format: .pem) }
}
