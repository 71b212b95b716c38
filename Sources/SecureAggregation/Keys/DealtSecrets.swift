import CanonicalBytes
import Cryptography

/// A site's secrets of one round and their shares: drawn for Shares, or in advance for Prefetch.
struct DealtSecrets: Sendable {
  /// Who got a share, the own index included.
  let recipients: [UInt16]
  /// b, whose hash is the self mask.
  let selfSecret: SecretBytes
  /// K, whose hash opens the recovery box.
  let maskSecret: SecretBytes
  /// γ: the own part of the tag's seed.
  let tagNonce: SecretBytes
  /// Shares of b and K in the order of `recipients`.
  let selfShares: SecretBytes
  let maskShares: SecretBytes
  let selfCommitment: Digest
  let maskCommitment: Digest
  /// The boxes, for every recipient but the own index.
  let parcels: [PeerBytes]
  let recovery: [UInt8]

  /// Draws b, K, γ, the coefficients of both polynomials and the nonces, in this order (§5).
  ///
  /// - Parameters:
  ///   - associatedData: T_r for Shares, P_r for Prefetch.
  ///   - recoveryValue: writes v_ij for a peer: its seed (Shares) or mask key (Prefetch).
  init(
    recipients: [UInt16], threshold: Int, keys: PairKeys, associatedData: Digest,
    entropy: inout some EntropySource,
    recoveryValue: (UInt16, UnsafeMutableRawBufferPointer) -> Bool
  ) throws(CryptographyError) {
    let selfSecret = try Shamir.randomScalar(from: &entropy)
    let maskSecret = try Shamir.randomScalar(from: &entropy)
    let tagNonce = try SecretBytes(random: 32, from: &entropy)
    let selfShares = try Shamir.deal(
      selfSecret, threshold: threshold, points: recipients, from: &entropy)
    let maskShares = try Shamir.deal(
      maskSecret, threshold: threshold, points: recipients, from: &entropy)
    var parcels: [PeerBytes] = []
    for (position, peer) in recipients.enumerated() where peer != keys.index {
      let nonce = try entropy.bytes(XChaCha20Poly1305.nonceByteCount)
      let sealed = try withSecretScratch(byteCount: Parcel.plainByteCount + 32) {
        (scratch) throws(CryptographyError) -> [UInt8] in
        let plain = UnsafeMutableRawBufferPointer(rebasing: scratch[..<Parcel.plainByteCount])
        let key = UnsafeMutableRawBufferPointer(rebasing: scratch[Parcel.plainByteCount...])
        selfShares.slot(position) { plain.slot(0).copyMemory(from: $0) }
        maskShares.slot(position) { plain.slot(1).copyMemory(from: $0) }
        tagNonce.withUnsafeBytes { plain.slot(2).copyMemory(from: $0) }
        guard keys.channelKey(from: keys.index, to: peer, into: key) else {
          throw CryptographyError(.invalidPoint)
        }
        return try XChaCha20Poly1305.seal(
          UnsafeRawBufferPointer(plain), associatedData: associatedData.bytes, nonce: nonce,
          key: UnsafeRawBufferPointer(key))
      }
      parcels.append(PeerBytes(peer: peer, bytes: nonce + sealed))
    }
    recovery = try Self.sealRecovery(
      peers: recipients.filter { $0 != keys.index }, secret: maskSecret,
      associatedData: associatedData, entropy: &entropy, value: recoveryValue)
    self.recipients = recipients
    self.selfSecret = selfSecret
    self.maskSecret = maskSecret
    self.tagNonce = tagNonce
    self.selfShares = selfShares
    self.maskShares = maskShares
    self.parcels = parcels
    selfCommitment = selfSecret.withUnsafeBytes {
      Derivations.commitment(Labels.selfCommitment, to: $0)
    }
    maskCommitment = maskSecret.withUnsafeBytes {
      Derivations.commitment(Labels.maskCommitment, to: $0)
    }
  }

  /// One entry of the recovery box: le16(peer) ‖ 32 bytes.
  static let recoveryEntryByteCount = 34

  /// Length of the recovery box for a number of peers.
  static func recoveryByteCount(peerCount: Int) -> Int {
    XChaCha20Poly1305.nonceByteCount + XChaCha20Poly1305.tagByteCount
      + recoveryEntryByteCount * peerCount
  }

  private static func sealRecovery(
    peers: [UInt16], secret: SecretBytes, associatedData: Digest,
    entropy: inout some EntropySource,
    value: (UInt16, UnsafeMutableRawBufferPointer) -> Bool
  ) throws(CryptographyError) -> [UInt8] {
    let nonce = try entropy.bytes(XChaCha20Poly1305.nonceByteCount)
    let sealed = try withSecretScratch(byteCount: recoveryEntryByteCount * peers.count + 32) {
      (scratch) throws(CryptographyError) -> [UInt8] in
      let key = UnsafeMutableRawBufferPointer(rebasing: scratch[..<32])
      let plain = UnsafeMutableRawBufferPointer(rebasing: scratch[32...])
      for (position, peer) in peers.enumerated() {
        let entry = plain.slot(position, width: recoveryEntryByteCount)
        entry[0] = UInt8(truncatingIfNeeded: peer)
        entry[1] = UInt8(truncatingIfNeeded: peer >> 8)
        guard value(peer, UnsafeMutableRawBufferPointer(rebasing: entry[2...])) else {
          throw CryptographyError(.invalidPoint)
        }
      }
      secret.withUnsafeBytes { Derivations.key(Labels.recovery, from: $0, into: key) }
      return try XChaCha20Poly1305.seal(
        UnsafeRawBufferPointer(plain), associatedData: associatedData.bytes, nonce: nonce,
        key: UnsafeRawBufferPointer(key))
    }
    return nonce + sealed
  }
}
