import CanonicalBytes
import Cryptography
import FixedPoint

struct Lock2: MessageBody {
  static let kind = MessageKind.lock2
  /// U2.
  let members: [UInt16]
  let vectorDigests: [Digest]
  let checks: [PeerBytes]
  /// Of all members, site by site: what Masked said.
  let commitments: [Digest]

  init(
    members: [UInt16], vectorDigests: [Digest], checks: [PeerBytes], commitments: [Digest] = []
  ) {
    self.members = members
    self.vectorDigests = vectorDigests
    self.checks = checks
    self.commitments = commitments
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    members = try reader.siteSet()
    vectorDigests = try reader.array(minimumBytes: Digest.byteCount) {
      reader throws(DecodingFault) in try reader.digest()
    }
    checks = try PeerBytes.list(of: Parcel.checkByteCount, from: &reader)
    commitments = try reader.trailingDigests()
  }

  func write(to writer: inout ByteWriter) {
    writer.siteSet(members)
    writer.array(vectorDigests) { $0.digest($1) }
    PeerBytes.write(checks, to: &writer)
    writer.trailing(commitments) { $0.digest($1) }
  }
}

struct Ack: MessageBody {
  static let kind = MessageKind.ack
  let statement: Digest
  let signature: Signature

  init(statement: Digest, signature: Signature) {
    self.statement = statement
    self.signature = signature
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    statement = try reader.digest()
    signature = try reader.signature()
  }

  func write(to writer: inout ByteWriter) {
    writer.digest(statement)
    writer.raw(signature.bytes)
  }
}

struct AckSet: MessageBody {
  static let kind = MessageKind.ackSet
  let statement: Digest
  let acknowledgements: [SignatureEntry]

  init(statement: Digest, acknowledgements: [SignatureEntry]) {
    self.statement = statement
    self.acknowledgements = acknowledgements
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    statement = try reader.digest()
    acknowledgements = try SignatureEntry.list(from: &reader)
  }

  func write(to writer: inout ByteWriter) {
    writer.digest(statement)
    SignatureEntry.write(acknowledgements, to: &writer)
  }
}

struct Prefetch: Sendable, Hashable {
  let selfCommitment: Digest
  let maskCommitment: Digest
  let parcels: [PeerBytes]
  let recovery: [UInt8]
}

struct Unmask: MessageBody {
  static let kind = MessageKind.unmask

  struct OwnedShare: Sendable, Hashable {
    let owner: UInt16
    let share: Scalar

    static func list(from reader: inout ByteReader) throws(DecodingFault) -> [OwnedShare] {
      try reader.ascending(
        minimumBytes: 2 + Scalar.byteCount,
        { reader throws(DecodingFault) in
          OwnedShare(owner: try reader.integer(), share: try reader.scalar())
        }
      ) { $0.owner }
    }

    static func write(_ shares: [OwnedShare], to writer: inout ByteWriter) {
      writer.array(shares) {
        $0.integer($1.owner)
        $0.raw($1.share.bytes)
      }
    }
  }

  let selfSecret: Scalar
  let selfShares: [OwnedShare]
  let maskShares: [OwnedShare]
  let prefetch: Prefetch?
  /// 32 bytes each: of the layers that come off, in their order.
  let layerSeeds: [[UInt8]]
  /// The tag of the noise of these seeds, sealed for the sites of U1 (`LayerTag`); only with seeds.
  let layerTag: UInt64

  init(
    selfSecret: Scalar, selfShares: [OwnedShare], maskShares: [OwnedShare], prefetch: Prefetch?,
    layerSeeds: [[UInt8]] = [], layerTag: UInt64 = 0
  ) {
    self.layerSeeds = layerSeeds
    self.layerTag = layerTag
    self.selfSecret = selfSecret
    self.selfShares = selfShares
    self.maskShares = maskShares
    self.prefetch = prefetch
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    selfSecret = try reader.scalar()
    selfShares = try OwnedShare.list(from: &reader)
    maskShares = try OwnedShare.list(from: &reader)
    prefetch = try reader.optional { reader throws(DecodingFault) in
      Prefetch(
        selfCommitment: try reader.digest(), maskCommitment: try reader.digest(),
        parcels: try PeerBytes.list(of: Parcel.byteCount, from: &reader),
        recovery: try reader.blob())
    }
    layerSeeds = try reader.trailing(minimumBytes: NoiseLayer.seedByteCount) {
      reader throws(DecodingFault) in try reader.raw(NoiseLayer.seedByteCount)
    }
    layerTag = layerSeeds.isEmpty ? 0 : try reader.residue()
  }

  func write(to writer: inout ByteWriter) {
    writer.raw(selfSecret.bytes)
    OwnedShare.write(selfShares, to: &writer)
    OwnedShare.write(maskShares, to: &writer)
    writer.optional(prefetch) {
      $0.digest($1.selfCommitment)
      $0.digest($1.maskCommitment)
      PeerBytes.write($1.parcels, to: &$0)
      $0.blob($1.recovery)
    }
    writer.trailing(layerSeeds) { $0.raw($1) }
    if !layerSeeds.isEmpty { writer.integer(layerTag) }
  }
}

struct ResultMessage: MessageBody {
  static let kind = MessageKind.result
  let sumDigest: Digest
  let vectorLength: UInt32
  let ringWidth: RingWidth
  let tag: UInt64
  /// U1.
  let shareMembers: [UInt16]
  /// U2.
  let members: [UInt16]
  let listDigest: Digest
  let acknowledgements: [SignatureEntry]
  let resultDigest: Digest
  /// One per member and layer: which noise is off the sum.
  let layers: [LayerRecord]
  /// The sum of the sealed tags of the sites with noise that is off the sum; only with records.
  let layerTag: UInt64

  init(
    sumDigest: Digest, vectorLength: UInt32, ringWidth: RingWidth, tag: UInt64,
    shareMembers: [UInt16], members: [UInt16], listDigest: Digest,
    acknowledgements: [SignatureEntry], resultDigest: Digest, layers: [LayerRecord] = [],
    layerTag: UInt64 = 0
  ) {
    self.layers = layers
    self.layerTag = layerTag
    self.sumDigest = sumDigest
    self.vectorLength = vectorLength
    self.ringWidth = ringWidth
    self.tag = tag
    self.shareMembers = shareMembers
    self.members = members
    self.listDigest = listDigest
    self.acknowledgements = acknowledgements
    self.resultDigest = resultDigest
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    sumDigest = try reader.digest()
    vectorLength = try reader.integer()
    ringWidth = try reader.ringWidth()
    tag = try reader.residue()
    shareMembers = try reader.siteSet()
    members = try reader.siteSet()
    listDigest = try reader.digest()
    acknowledgements = try SignatureEntry.list(from: &reader)
    resultDigest = try reader.digest()
    layers = try reader.trailing(minimumBytes: LayerRecord.byteCount) {
      reader throws(DecodingFault) in try LayerRecord(from: &reader)
    }
    layerTag = layers.isEmpty ? 0 : try reader.residue()
  }

  func write(to writer: inout ByteWriter) {
    writer.digest(sumDigest)
    writer.integer(vectorLength)
    writer.integer(ringWidth.rawValue)
    writer.integer(tag)
    writer.siteSet(shareMembers)
    writer.siteSet(members)
    writer.digest(listDigest)
    SignatureEntry.write(acknowledgements, to: &writer)
    writer.digest(resultDigest)
    writer.trailing(layers) { $1.write(to: &$0) }
    if !layers.isEmpty { writer.integer(layerTag) }
  }
}
