import CSodium

/// A private key of the X25519 key agreement (RFC 7748) in guarded memory.
public struct KeyAgreementKey: Sendable {
  /// Length of private keys, public keys and shared secrets.
  public static let byteCount = 32

  private let secret: SecretBytes
  /// The public key, 32 bytes.
  public let publicKey: [UInt8]

  /// Takes a 32-byte private key (clamped by the function itself), else throws `wrongLength`.
  public init(secret: SecretBytes) throws(CryptographyError) {
    guard secret.count == Self.byteCount else { throw CryptographyError(.wrongLength) }
    var publicKey = [UInt8](repeating: 0, count: Self.byteCount)
    secret.withUnsafeBytes { secret in
      _ = crypto_scalarmult_curve25519_base(
        &publicKey, secret.octets)
    }
    self.secret = secret
    self.publicKey = publicKey
  }

  /// Draws a fresh key.
  public init(from entropy: inout some EntropySource) throws(CryptographyError) {
    try self.init(secret: SecretBytes(random: Self.byteCount, from: &entropy))
  }

  /// The shared secret with a peer. It is not a key: it goes through a key derivation that binds
  /// both public keys.
  ///
  /// Throws `lowOrderPoint` when the result is all zero (RFC 7748 §6.1) and `wrongLength`.
  public func sharedSecret(with peer: [UInt8]) throws(CryptographyError) -> SecretBytes {
    guard peer.count == Self.byteCount else { throw CryptographyError(.wrongLength) }
    return try SecretBytes(count: Self.byteCount) { (target) throws(CryptographyError) in
      let status = secret.withUnsafeBytes { secret in
        crypto_scalarmult_curve25519(
          target.octets, secret.octets, peer)
      }
      guard status == 0 else { throw CryptographyError(.lowOrderPoint) }
    }
  }
}
