import CanonicalBytes
import Cryptography

/// Getting secrets back from revealed shares (protocol/README.md §6).
struct Reconstruction {
  let threshold: Int
  /// Who gave a share that does not fit, so far.
  private(set) var wrongSigners: Set<UInt16> = []
  /// Interpolations by their points: most secrets of a round are opened by the same sites.
  private var interpolations: [[UInt16]: Shamir.Interpolation] = [:]

  init(threshold: Int) {
    self.threshold = threshold
  }

  /// The secret of `owner` that fits `commitment` under `label`, from shares ascending by point.
  ///
  /// Throws `tooFew`, naming `missing`, or `unrecoverable`, naming the owner.
  mutating func secret(
    of owner: UInt16, from shares: [Shamir.Share], commitment: Digest, label: HashLabel,
    missing: [UInt16]
  ) throws(SecureAggregationError) -> Scalar {
    guard shares.count >= threshold else {
      throw SecureAggregationError(.tooFew, naming: missing)
    }
    func fits(_ secret: Scalar) -> Bool {
      secret.bytes.withUnsafeBytes { Derivations.commitment(label, to: $0) } == commitment
    }
    let used = Array(shares.prefix(threshold))
    let values = used.map(\.value)
    do throws(CryptographyError) {
      let interpolation = try interpolation(through: used.map(\.point))
      let secret = Shamir.combine(values, coefficients: interpolation.coefficients(at: 0))
      if fits(secret) {
        for share in shares.dropFirst(threshold) {
          let expected = Shamir.combine(
            values, coefficients: interpolation.coefficients(at: share.point))
          if expected != share.value { wrongSigners.insert(share.point) }
        }
        return secret
      }
      let correction = try Shamir.correct(shares, threshold: threshold)
      guard fits(correction.secret) else { throw CryptographyError(.tooFewShares) }
      wrongSigners.formUnion(correction.wrongPoints)
      return correction.secret
    } catch {
      throw SecureAggregationError(.unrecoverable, naming: [owner])
    }
  }

  private mutating func interpolation(
    through points: [UInt16]
  ) throws(CryptographyError) -> Shamir.Interpolation {
    if let known = interpolations[points] { return known }
    let made = try Shamir.Interpolation(points)
    interpolations[points] = made
    return made
  }
}
