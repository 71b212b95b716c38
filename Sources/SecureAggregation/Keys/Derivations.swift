import CanonicalBytes
import Cryptography

/// The keys that come from a round's secrets (protocol/README.md §5). All outputs are 32 bytes and
/// go to buffers that their owner wipes.
enum Derivations {
  static func pairOf(_ first: UInt16, _ second: UInt16) -> [UInt8] {
    var writer = ByteWriter()
    writer.integer(first)
    writer.integer(second)
    return writer.bytes
  }

  /// s_ij from m_ij.
  static func seed(
    maskKey: UnsafeRawBufferPointer, round: Digest, into target: UnsafeMutableRawBufferPointer
  ) {
    var hash = Blake2b(Labels.seed, key: maskKey)
    hash.part(round)
    hash.finish(into: target)
  }

  /// check_i→j: 16 public bytes.
  static func check(seed: UnsafeRawBufferPointer, from sender: UInt16, to recipient: UInt16)
    -> [UInt8]
  {
    var hash = Blake2b(Labels.check)
    hash.part(seed)
    hash.part(pairOf(sender, recipient))
    return Array(hash.finish().bytes.prefix(Parcel.checkByteCount))
  }

  /// pairkey_ij.
  static func pairKey(
    seed: UnsafeRawBufferPointer, shareSet: Digest, into target: UnsafeMutableRawBufferPointer
  ) {
    var hash = Blake2b(Labels.pair)
    hash.part(seed)
    hash.part(shareSet)
    hash.finish(into: target)
  }

  /// selfkey_i, reckey_i: the hash of a secret scalar under a label.
  static func key(
    _ label: HashLabel, from scalar: UnsafeRawBufferPointer,
    into target: UnsafeMutableRawBufferPointer
  ) {
    var hash = Blake2b(label)
    hash.part(scalar)
    hash.finish(into: target)
  }

  /// The commitment to a secret scalar under a label.
  static func commitment(_ label: HashLabel, to scalar: UnsafeRawBufferPointer) -> Digest {
    var hash = Blake2b(label)
    hash.part(scalar)
    return hash.finish()
  }
}
