import CanonicalBytes
import Cryptography

/// A site's ratchet keys k_ij with all other members of an epoch (protocol/README.md §5).
///
/// Keys only go forward: `advance` hashes every key and drops the table before it, which its guarded
/// memory wipes. From the keys of one round nothing of an earlier round can be computed.
struct PairKeys: Sendable {
  let index: UInt16
  /// All members, the own index included (its slot is unused).
  let members: [UInt16]
  /// The round that the keys are for.
  private(set) var round: UInt64
  private var table: SecretBytes

  /// Derives k^(base) from the members' agreement keys, in the order of `members`.
  ///
  /// Throws `keyInvalid`, naming the members whose key gives an all-zero secret.
  init(
    index: UInt16, members: [UInt16], agreementKeys: [[UInt8]], own: KeyAgreementKey,
    manifest: Digest, epoch: UInt32, base: UInt64
  ) throws(SecureAggregationError) {
    var invalid: [UInt16] = []
    table = SecretBytes(count: Digest.byteCount * members.count) { table in
      for (position, peer) in members.enumerated() where peer != index {
        let peerKey = agreementKeys[position]
        guard let shared = try? own.sharedSecret(with: peerKey) else {
          invalid.append(peer)
          continue
        }
        let ownIsFirst = index < peer
        var hash = Blake2b(Labels.pairRoot)
        hash.part(shared)
        hash.part(manifest)
        hash.part(integer: epoch)
        hash.part(Derivations.pairOf(min(index, peer), max(index, peer)))
        hash.part(ownIsFirst ? own.publicKey : peerKey)
        hash.part(ownIsFirst ? peerKey : own.publicKey)
        hash.finish(into: table.slot(position))
      }
    }
    guard invalid.isEmpty else { throw SecureAggregationError(.keyInvalid, naming: invalid) }
    self.index = index
    self.members = members
    round = base
  }

  /// Goes forward to the keys of `target`; does nothing when they are there already.
  mutating func advance(to target: UInt64) {
    while round < target {
      let old = table
      table = SecretBytes(count: old.count) { table in
        for position in members.indices {
          old.slot(position) { key in
            let hash = Blake2b(Labels.next, key: key)
            hash.finish(into: table.slot(position))
          }
        }
      }
      round += 1
    }
  }

  /// chan_from→to for a peer that is `from` or `to`. False when the peer is no member.
  func channelKey(
    from sender: UInt16, to recipient: UInt16, into target: UnsafeMutableRawBufferPointer
  ) -> Bool {
    guard let position = members.firstIndex(of: sender == index ? recipient : sender) else {
      return false
    }
    table.slot(position) { key in
      var hash = Blake2b(Labels.channel, key: key)
      hash.part(Derivations.pairOf(sender, recipient))
      hash.finish(into: target)
    }
    return true
  }

  /// m_ij. False when the peer is no member.
  func maskKey(with peer: UInt16, into target: UnsafeMutableRawBufferPointer) -> Bool {
    guard let position = members.firstIndex(of: peer) else { return false }
    table.slot(position) { key in
      let hash = Blake2b(Labels.mask, key: key)
      hash.finish(into: target)
    }
    return true
  }

  /// k_ij, for the comparison with known answers.
  func revealedKey(with peer: UInt16) -> [UInt8]? {
    members.firstIndex(of: peer).map { table.slot($0) { Array($0) } }
  }
}

extension UnsafeMutableRawBufferPointer {
  /// The `index`-th group of `width` bytes of a table that the caller has sized.
  func slot(_ index: Int, width: Int = 32) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: self[(index * width)..<((index + 1) * width)])
  }
}
