import CanonicalBytes
import Cryptography
import FixedPoint

/// The digests of sets, vectors, statements and results (protocol/README.md §4).
enum RoundDigests {
  /// set(U).
  static func set(_ members: [UInt16]) -> Digest {
    var writer = ByteWriter(reservingCapacity: 2 * members.count)
    for member in members { writer.integer(member) }
    return Blake2b.hash(Labels.set, writer.bytes)
  }

  /// vectorDigest and sumDigest.
  static func vector(_ bytes: UnsafeRawBufferPointer) -> Digest {
    var hash = Blake2b(Labels.vector)
    hash.part(bytes)
    return hash.finish()
  }

  static func vector(_ vector: RingVector) -> Digest {
    vector.withUnsafeLittleEndianBytes { self.vector($0) }
  }

  /// listDigest: which site's vector has which digest.
  static func list(_ members: [UInt16], _ digests: [Digest]) -> Digest {
    var writer = ByteWriter(reservingCapacity: 34 * members.count)
    for (member, digest) in zip(members, digests) {
      writer.integer(member)
      writer.digest(digest)
    }
    return Blake2b.hash(Labels.list, writer.bytes)
  }

  /// What a site acknowledges once per round. `layers` is layersDigest in a round with layers.
  static func statement(
    round: Digest, shareSet: Digest, set: Digest, list: Digest, layers: Digest? = nil
  ) -> Digest {
    var hash = Blake2b(Labels.acknowledgement)
    for digest in [round, shareSet, set, list] { hash.part(digest) }
    if let layers { hash.part(layers) }
    return hash.finish()
  }

  /// R_r.
  static func result(
    round: Digest, shareSet: Digest, set: Digest, list: Digest, sum: Digest, tag: UInt64,
    layers: [LayerRecord] = [], layerTag: UInt64 = 0
  ) -> Digest {
    var hash = Blake2b(Labels.result)
    for digest in [round, shareSet, set, list, sum] { hash.part(digest) }
    hash.part(integer: tag)
    if !layers.isEmpty {
      var writer = ByteWriter(reservingCapacity: LayerRecord.byteCount * layers.count + 8)
      for layer in layers { layer.write(to: &writer) }
      writer.integer(layerTag)
      hash.part(writer.bytes)
    }
    return hash.finish()
  }

  /// P_r: associated data of shares that are sent in advance.
  static func prefetch(manifest: Digest, epoch: UInt32, round: UInt64) -> Digest {
    var hash = Blake2b(Labels.prefetch)
    hash.part(manifest)
    hash.part(integer: epoch)
    hash.part(integer: round)
    return hash.finish()
  }
}
