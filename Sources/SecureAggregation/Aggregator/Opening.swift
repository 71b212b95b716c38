import Cryptography
import FixedPoint

/// The masks to take off a sum, collected key by key and applied in one pass (protocol/README.md
/// §6).
struct Opening: ~Copyable {
  private var masks = MaskSet()
  private var tag: UInt64

  init(tag: UInt64) {
    self.tag = tag
  }

  /// Removes a site's self mask, b being revealed.
  mutating func removeSelfMask(
    of secret: Scalar, owner: UInt16
  ) throws(SecureAggregationError) {
    try take(adding: false, owner: owner) { key in
      secret.bytes.withUnsafeBytes { Derivations.key(Labels.selfMask, from: $0, into: key) }
    }
  }

  /// Opens the recovery box of a dropped site, K being revealed, and removes its masks with every
  /// survivor.
  mutating func removePairMasks(
    of owner: UInt16, secret: Scalar, survivors: [UInt16], setDigest: Digest,
    round: AggregatorRound
  ) throws(SecureAggregationError) {
    let unrecoverable = SecureAggregationError(.unrecoverable, naming: [owner])
    let width = DealtSecrets.recoveryEntryByteCount
    guard let entries = Self.openRecovery(of: owner, secret: secret, round: round),
      entries.count % width == 0
    else { throw unrecoverable }
    var positions: [UInt16: Int] = [:]
    for position in 0..<(entries.count / width) {
      let peer = entries.slot(position, width: width) { UInt16($0[0]) | UInt16($0[1]) << 8 }
      positions[peer] = position
    }
    let isFast = round.open.mode == .fast
    let transcript = round.transcript
    for survivor in survivors {
      guard let position = positions[survivor] else { throw unrecoverable }
      // The survivor added the mask towards higher indices, so it is subtracted then.
      try take(adding: survivor > owner, owner: owner) { key in
        entries.slot(position, width: width) { entry in
          let value = UnsafeRawBufferPointer(rebasing: entry[2...])
          if isFast {
            withSecretScratch(byteCount: 32) { seed in
              Derivations.seed(maskKey: value, round: transcript, into: seed)
              Derivations.pairKey(
                seed: UnsafeRawBufferPointer(seed), shareSet: setDigest, into: key)
            }
          } else {
            Derivations.pairKey(seed: value, shareSet: setDigest, into: key)
          }
        }
      }
    }
  }

  /// Removes the mask of one pair.
  mutating func removePairMask(
    seed: SecretBytes, owner: UInt16, survivor: UInt16, setDigest: Digest
  ) throws(SecureAggregationError) {
    try take(adding: survivor > owner, owner: owner) { key in
      seed.withUnsafeBytes { Derivations.pairKey(seed: $0, shareSet: setDigest, into: key) }
    }
  }

  /// The plaintext of a site's recovery box, or nil when it does not open.
  private static func openRecovery(
    of owner: UInt16, secret: Scalar, round: AggregatorRound
  ) -> SecretBytes? {
    let nonceCount = XChaCha20Poly1305.nonceByteCount
    guard let box = round.deals[owner]?.recovery, box.count >= nonceCount else { return nil }
    return withSecretScratch(byteCount: 32) { key in
      secret.bytes.withUnsafeBytes { Derivations.key(Labels.recovery, from: $0, into: key) }
      return try? XChaCha20Poly1305.open(
        Array(box[nonceCount...]), associatedData: round.associatedData.bytes,
        nonce: Array(box[..<nonceCount]), key: UnsafeRawBufferPointer(key))
    }
  }

  /// Takes one mask key, written by `derive` into memory that is wiped afterwards. These keys belong
  /// to secrets that were just revealed, so they need no guarded pages of their own.
  private mutating func take(
    adding: Bool, owner: UInt16, _ derive: (UnsafeMutableRawBufferPointer) -> Void
  ) throws(SecureAggregationError) {
    do throws(CryptographyError) {
      try withSecretScratch(byteCount: 32) { (key) throws(CryptographyError) in
        derive(key)
        let readable = UnsafeRawBufferPointer(key)
        let tagMask = SumTag.mask(key: readable)
        if adding {
          try masks.add(key: readable)
          tag = SumTag.add(tag, tagMask)
        } else {
          try masks.subtract(key: readable)
          tag = SumTag.subtract(tag, tagMask)
        }
      }
    } catch {
      throw SecureAggregationError(.unrecoverable, naming: [owner])
    }
  }

  /// The sum without the masks, and its tag.
  consuming func finish(_ accumulator: consuming RingVector) -> (RingVector, UInt64) {
    let tag = tag
    return (accumulator.masked(by: masks), tag)
  }
}
