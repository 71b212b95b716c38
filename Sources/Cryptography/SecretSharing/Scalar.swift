import CSodium

/// An element of Z_ℓ, ℓ = 2^252 + 27742317777372353535851937790883648493, the order of the
/// prime-order subgroup of edwards25519 (RFC 8032 §5.1). All arithmetic is libsodium's, in
/// constant time.
///
/// This type is for public scalars: evaluation points, interpolation coefficients and shares that
/// their owners have opened. Secrets stay in `SecretBytes` (see `Shamir`).
public struct Scalar: Hashable, Sendable {
  public static let byteCount = 32
  public static let zero = Scalar(UInt64(0))
  public static let one = Scalar(UInt64(1))

  /// Little-endian, reduced.
  public let bytes: [UInt8]

  init(unchecked bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// A small integer.
  public init(_ value: UInt64) {
    var bytes = [UInt8](repeating: 0, count: Self.byteCount)
    for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: value >> (8 * UInt64(index))) }
    self.bytes = bytes
  }

  /// Takes 32 bytes that encode an integer below ℓ; throws `wrongLength` or `notCanonicalScalar`.
  public init(_ bytes: [UInt8]) throws(CryptographyError) {
    guard bytes.count == Self.byteCount else { throw CryptographyError(.wrongLength) }
    guard bytes.withUnsafeBytes({ Self.isReduced($0) }) else {
      throw CryptographyError(.notCanonicalScalar)
    }
    self.bytes = bytes
  }

  /// Whether 32 little-endian bytes encode an integer below ℓ. The time depends only on how they
  /// compare with ℓ, which for a uniform scalar says nothing about it.
  package static func isReduced(_ bytes: UnsafeRawBufferPointer) -> Bool {
    for index in stride(from: 31, through: 0, by: -1) where bytes[index] != order[index] {
      return bytes[index] < order[index]
    }
    return false
  }

  /// ℓ, little-endian.
  private static let order: [UInt8] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
  ]

  public static func + (left: Scalar, right: Scalar) -> Scalar {
    var result = [UInt8](repeating: 0, count: byteCount)
    crypto_core_ed25519_scalar_add(&result, left.bytes, right.bytes)
    return Scalar(unchecked: result)
  }

  public static func - (left: Scalar, right: Scalar) -> Scalar {
    var result = [UInt8](repeating: 0, count: byteCount)
    crypto_core_ed25519_scalar_sub(&result, left.bytes, right.bytes)
    return Scalar(unchecked: result)
  }

  public static func * (left: Scalar, right: Scalar) -> Scalar {
    var result = [UInt8](repeating: 0, count: byteCount)
    crypto_core_ed25519_scalar_mul(&result, left.bytes, right.bytes)
    return Scalar(unchecked: result)
  }

  /// The multiplicative inverse, or nil for zero.
  public var inverse: Scalar? {
    var result = [UInt8](repeating: 0, count: Self.byteCount)
    guard crypto_core_ed25519_scalar_invert(&result, bytes) == 0 else { return nil }
    return Scalar(unchecked: result)
  }
}
