import Crypto

/// A member's Ed25519 key (RFC 8032, pure) for protocol messages. Separate from the TLS key: it
/// stays when certificates are renewed.
///
/// No description, dump or coder shows it.
public struct SigningKey: Sendable, CustomStringConvertible, CustomReflectable {
  private let key: Curve25519.Signing.PrivateKey

  /// Draws a new key from the system's generator.
  init() {
    key = Curve25519.Signing.PrivateKey()
  }

  /// RFC 8410 §7: an Ed25519 key in PKCS #8 is this prefix and the 32 bytes of the seed.
  private static let pkcs8Prefix: [UInt8] = [
    0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
  ]

  /// - Returns: nil unless the bytes are exactly the PKCS #8 form that `pkcs8` writes.
  init?(pkcs8 der: [UInt8]) {
    guard der.count == Self.pkcs8Prefix.count + 32, der.starts(with: Self.pkcs8Prefix),
      let key = try? Curve25519.Signing.PrivateKey(
        rawRepresentation: der.dropFirst(Self.pkcs8Prefix.count))
    else { return nil }
    self.key = key
  }

  var pkcs8: [UInt8] { Self.pkcs8Prefix + Array(key.rawRepresentation) }

  /// The verification key, 32 bytes.
  public var publicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }

  /// Signs a message.
  ///
  /// - Returns: The signature, 64 bytes.
  /// - Throws: `issuance-failed` when the library refuses, which it does not for a valid key.
  public func sign(_ message: [UInt8]) throws(IdentityError) -> [UInt8] {
    do {
      return Array(try key.signature(for: message))
    } catch {
      throw IdentityError(.issuanceFailed)
    }
  }

  /// Lends the 32 bytes of the seed, for a library that keeps keys in guarded memory. The pointer is
  /// valid only inside; the borrowed copy is cleared afterwards.
  public func withSeed<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    var seed = Array(key.rawRepresentation)
    defer { seed.withUnsafeMutableBytes { clear($0) } }
    return try seed.withUnsafeBytes(body)
  }

  private func clear(_ bytes: UnsafeMutableRawBufferPointer) {
    for index in bytes.indices { bytes[index] = 0 }
  }

  public var description: String { "<signing key>" }

  public var customMirror: Mirror { Mirror(self, children: [:]) }
}
