/// Why a cryptographic operation was refused. Equality is on the code; no secret is ever carried.
public struct CryptographyError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// A key, nonce, digest or signature has another length than its primitive fixes.
    case wrongLength = "wrong-length"
    /// An X25519 public key of low order: the shared secret would be all zero.
    case lowOrderPoint = "low-order-point"
    /// An authenticated ciphertext does not belong to this key, nonce and associated data.
    case authenticationFailed = "authentication-failed"
    /// 32 bytes that are not the little-endian encoding of an integer below the group order.
    case notCanonicalScalar = "not-canonical-scalar"
    /// A recorded source of entropy has no bytes left.
    case entropyExhausted = "entropy-exhausted"
    /// Fewer shares than the threshold, or more errors than the redundancy can correct.
    case tooFewShares = "too-few-shares"
    /// A share's evaluation point is zero or occurs twice.
    case invalidPoint = "invalid-point"
    /// The OpenSSL build at hand has no AES-256-CTR.
    case cipherUnavailable = "cipher-unavailable"
  }

  public let code: Code

  public init(_ code: Code) {
    self.code = code
  }

  /// A constant sentence for the code.
  public var message: String {
    switch code {
    case .wrongLength: "a cryptographic value has the wrong length"
    case .lowOrderPoint: "the key agreement's public key has low order"
    case .authenticationFailed: "a ciphertext failed authentication"
    case .notCanonicalScalar: "a scalar is not reduced modulo the group order"
    case .entropyExhausted: "the recorded entropy is used up"
    case .tooFewShares: "there are too few correct shares to reconstruct the secret"
    case .invalidPoint: "an evaluation point is zero or repeated"
    case .cipherUnavailable: "AES-256-CTR is not available from OpenSSL"
    }
  }

  public var description: String { "\(code.rawValue): \(message)" }
}
