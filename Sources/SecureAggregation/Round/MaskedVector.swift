import Cryptography
import FixedPoint

/// A site's vector under its masks (protocol/README.md §5): the constant coordinate, the answer, the
/// self mask, and one mask for every other member of U1, added towards higher indices and subtracted
/// towards lower ones, so that they cancel in the sum.
package struct MaskedVector: Sendable {
  package let vector: RingVector
  /// The tag of the plain vector, masked the same way.
  package let tag: UInt64

  /// - Parameters:
  ///   - members: U1, with the own index.
  ///   - selfSecret: b_i.
  ///   - seed: lends s_ij for a member; false for a site that is none.
  package init(
    answer: RingVector, index: UInt16, members: [UInt16], setDigest: Digest,
    selfSecret: SecretBytes, alphaSeed: SecretBytes,
    seed: (UInt16, (UnsafeRawBufferPointer) -> Void) -> Bool
  ) throws(CryptographyError) {
    let plain = answer.withConstant
    var tag = try SumTag.tag(of: plain, alphaSeed: alphaSeed)
    var masks = MaskSet()
    try withSecretScratch(byteCount: 32) { (key) throws(CryptographyError) in
      let readable = UnsafeRawBufferPointer(key)
      selfSecret.withUnsafeBytes { Derivations.key(Labels.selfMask, from: $0, into: key) }
      try masks.add(key: readable)
      tag = SumTag.add(tag, SumTag.mask(key: readable))
      for peer in members where peer != index {
        let isMember = seed(peer) { seed in
          Derivations.pairKey(seed: seed, shareSet: setDigest, into: key)
        }
        guard isMember else { throw CryptographyError(.invalidPoint) }
        let tagMask = SumTag.mask(key: readable)
        if index < peer {
          try masks.add(key: readable)
          tag = SumTag.add(tag, tagMask)
        } else {
          try masks.subtract(key: readable)
          tag = SumTag.subtract(tag, tagMask)
        }
      }
    }
    vector = plain.masked(by: masks)
    self.tag = tag
  }
}

extension RingVector {
  /// The vector behind the constant coordinate 1.
  var withConstant: RingVector {
    switch self {
    case .bits32(let words):
      var all: [UInt32] = []
      all.reserveCapacity(words.count + 1)
      all.append(1)
      all.append(contentsOf: words)
      return .bits32(all)
    case .bits64(let words):
      var all: [UInt64] = []
      all.reserveCapacity(words.count + 1)
      all.append(1)
      all.append(contentsOf: words)
      return .bits64(all)
    }
  }

  /// The vector without its first coordinate.
  var withoutConstant: RingVector {
    switch self {
    case .bits32(let words): .bits32(Array(words.dropFirst()))
    case .bits64(let words): .bits64(Array(words.dropFirst()))
    }
  }

  /// The first coordinate as a signed number; nil for an empty vector.
  var constant: Int64? {
    switch self {
    case .bits32(let words): words.first.map { Int64(Int32(bitPattern: $0)) }
    case .bits64(let words): words.first.map { Int64(bitPattern: $0) }
    }
  }

  /// The vector with all keystreams of a set applied, in place where it is not shared.
  consuming func masked(by masks: consuming MaskSet) -> RingVector {
    switch consume self {
    case .bits32(var words):
      masks.apply(to: &words)
      return .bits32(words)
    case .bits64(var words):
      masks.apply(to: &words)
      return .bits64(words)
    }
  }
}
