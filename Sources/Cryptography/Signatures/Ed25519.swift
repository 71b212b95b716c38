import CSodium

/// An Ed25519 signature (RFC 8032), 64 bytes.
public struct Signature: Hashable, Sendable {
  public static let byteCount = 64
  public let bytes: [UInt8]

  /// Takes exactly 64 bytes, else throws `wrongLength`.
  public init(_ bytes: [UInt8]) throws(CryptographyError) {
    guard bytes.count == Self.byteCount else { throw CryptographyError(.wrongLength) }
    self.bytes = bytes
  }
}

/// An Ed25519 public key, 32 bytes.
public struct VerifyingKey: Hashable, Sendable {
  public static let byteCount = 32
  public let bytes: [UInt8]

  /// Takes exactly 32 bytes, else throws `wrongLength`. Whether they are a usable point shows when
  /// a signature is checked.
  public init(_ bytes: [UInt8]) throws(CryptographyError) {
    guard bytes.count == Self.byteCount else { throw CryptographyError(.wrongLength) }
    self.bytes = bytes
  }

  /// Checks a pure Ed25519 signature. Refuses a scalar S that is not reduced, points of small
  /// order and non-canonical points, so a signature cannot be altered into another valid one.
  public func isValid(_ signature: Signature, for message: [UInt8]) -> Bool {
    crypto_sign_ed25519_verify_detached(
      signature.bytes, message, UInt64(message.count), bytes) == 0
  }
}

/// An Ed25519 private key in guarded memory.
public struct SigningKey: Sendable {
  /// Seed ‖ public key, as libsodium keeps them.
  private let secret: SecretBytes
  public let verifyingKey: VerifyingKey

  /// Expands a 32-byte seed (RFC 8032 §5.1.5), else throws `wrongLength`.
  public init(seed: SecretBytes) throws(CryptographyError) {
    guard seed.count == Int(crypto_sign_ed25519_SEEDBYTES) else {
      throw CryptographyError(.wrongLength)
    }
    var publicKey = [UInt8](repeating: 0, count: VerifyingKey.byteCount)
    secret = SecretBytes(count: Int(crypto_sign_ed25519_SECRETKEYBYTES)) { target in
      seed.withUnsafeBytes { seed in
        _ = crypto_sign_ed25519_seed_keypair(
          &publicKey, target.octets,
          seed.octets)
      }
    }
    verifyingKey = try VerifyingKey(publicKey)
  }

  /// Draws a fresh key.
  public init(from entropy: inout some EntropySource) throws(CryptographyError) {
    try self.init(seed: SecretBytes(random: Int(crypto_sign_ed25519_SEEDBYTES), from: &entropy))
  }

  /// The deterministic signature of a message.
  public func signature(for message: [UInt8]) -> Signature {
    var bytes = [UInt8](repeating: 0, count: Signature.byteCount)
    secret.withUnsafeBytes { secret in
      _ = crypto_sign_ed25519_detached(
        &bytes, nil, message, UInt64(message.count),
        secret.octets)
    }
    return Signature(unchecked: bytes)
  }
}

extension Signature {
  fileprivate init(unchecked bytes: [UInt8]) {
    self.bytes = bytes
  }
}
