import Cryptography

/// The keyed hash that puts a patient on one side of the holdout.
///
/// h = first 8 bytes, little-endian, of BLAKE2b-256 (key: BLAKE2b-256(study key), personalised
/// `wr-holdout`) over the length-framed identifier. A patient is held out when the top 32 bits of
/// h are below round(fraction · 2^32). Only integers are compared, so every machine decides alike;
/// the share of patients held out has standard error √(f(1−f)/n).
///
/// Assumes the key was fixed before anybody saw the data. Reveals nothing by itself: a person who
/// knows the key and an identifier can compute the side, as every site must.
public struct HoldoutAssignment: Sendable {
  private let key: SecretBytes
  private let threshold: UInt64

  /// `fraction` outside 0…1 counts as the nearer end.
  public init(fraction: Double, key: String) {
    var hash = Blake2b("wr-holdout-key")
    hash.part(Array(key.utf8))
    self.key = hash.finishSecret()
    let bounded = fraction.isNaN ? 0 : min(max(fraction, 0), 1)
    threshold = UInt64((bounded * 4_294_967_296).rounded(.toNearestOrEven))
  }

  /// Whether the patient with this identifier is held out.
  public func isHeldOut(_ identifier: String) -> Bool {
    isHeldOut(parts: [identifier])
  }

  /// Whether the row with this content is held out: for data without a patient column.
  public func isHeldOut(parts: [String]) -> Bool {
    var hash = Blake2b("wr-holdout", key: key)
    for part in parts {
      var text = part
      text.withUTF8 { hash.part(UnsafeRawBufferPointer($0)) }
    }
    let digest = hash.finish().bytes
    var top: UInt64 = 0
    for index in 0..<4 { top |= UInt64(digest[4 + index]) << UInt64(8 * index) }
    return top < threshold
  }
}
