import Cryptography
import FixedPoint

/// The kernels of a round one by one, for measuring them beside the machine's floor: the very code
/// that the sessions run, on keys and vectors of no secret.
public enum MaskingParts {
  /// Adds `keyCount` AES-256-CTR keystreams to a vector in place, block by block over all keys.
  public static func mask(
    _ vector: inout RingVector, keyCount: Int
  ) throws(CryptographyError) {
    var masks = MaskSet()
    for number in 0..<keyCount {
      let key = (0..<AESKeystream.keyByteCount).map { UInt8(truncatingIfNeeded: $0 &+ number) }
      try masks.add(key: key.withUnsafeBytes { SecretBytes(copying: $0) })
    }
    let plain = vector
    vector = RingVector(zeros: 0, width: plain.width)  // so that `plain` is changed in place
    vector = plain.masked(by: masks)
  }

  /// The tag of a vector under a constant seed.
  public static func tag(_ vector: RingVector) throws(CryptographyError) -> UInt64 {
    let seed = [UInt8](repeating: 7, count: Digest.byteCount)
    return try SumTag.tag(
      of: vector, alphaSeed: seed.withUnsafeBytes { SecretBytes(copying: $0) })
  }

  /// The digest under which a vector is announced.
  public static func digest(_ vector: RingVector) -> Digest { RoundDigests.vector(vector) }
}
