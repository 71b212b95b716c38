import CanonicalBytes
import Cryptography
import FixedPoint

/// How a round gets its shares (§4).
public enum RoundMode: UInt8, Sendable {
  /// Shares, Masked, Ack, Unmask.
  case normal = 0
  /// Shares were sent in advance with the Unmask of the round before.
  case fast = 1
}

struct RoundOpen: MessageBody {
  static let kind = MessageKind.roundOpen
  static let purposeLimit = 64

  let mode: RoundMode
  let ringWidth: RingWidth
  /// Ring words on the wire, the constant coordinate included.
  let vectorLength: UInt32
  let prefetch: Bool
  let purpose: String
  let queryDigest: Digest
  let previousDigest: Digest
  /// U0.
  let members: [UInt16]

  init(
    mode: RoundMode, binding: RoundBinding, prefetch: Bool, previousDigest: Digest,
    members: [UInt16]
  ) {
    self.mode = mode
    ringWidth = binding.ringWidth
    vectorLength = binding.vectorLength
    self.prefetch = prefetch
    purpose = binding.purpose
    queryDigest = binding.queryDigest
    self.previousDigest = previousDigest
    self.members = members
  }

  var binding: RoundBinding {
    RoundBinding(
      purpose: purpose, queryDigest: queryDigest, ringWidth: ringWidth, vectorLength: vectorLength)
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    let start = reader.offset
    guard let mode = RoundMode(rawValue: try reader.integer()) else {
      throw DecodingFault(.notCanonical, at: start)
    }
    self.mode = mode
    ringWidth = try reader.ringWidth()
    vectorLength = try reader.integer()
    prefetch = try reader.boolean()
    purpose = try reader.string(limit: Self.purposeLimit)
    queryDigest = try reader.digest()
    previousDigest = try reader.digest()
    members = try reader.siteSet()
  }

  func write(to writer: inout ByteWriter) {
    writer.integer(mode.rawValue)
    writer.integer(ringWidth.rawValue)
    writer.integer(vectorLength)
    writer.boolean(prefetch)
    writer.string(purpose)
    writer.digest(queryDigest)
    writer.digest(previousDigest)
    writer.siteSet(members)
  }

  /// T_r: what every key, statement and result of the round is bound to.
  static func binding(manifest: Digest, epoch: UInt32, round: UInt64, body: [UInt8]) -> Digest {
    var hash = Blake2b(Labels.round)
    hash.part(manifest)
    hash.part(integer: epoch)
    hash.part(integer: round)
    hash.part(body)
    return hash.finish()
  }
}

/// An encrypted share for one peer, as it travels: a box of 96 bytes of plaintext.
enum Parcel {
  static let plainByteCount = 96
  static let byteCount =
    plainByteCount + XChaCha20Poly1305.nonceByteCount + XChaCha20Poly1305.tagByteCount
  static let checkByteCount = 16
}

/// A parcel, or a check, and the peer it goes to or comes from.
struct PeerBytes: Sendable, Hashable {
  let peer: UInt16
  let bytes: [UInt8]

  static func list(
    of byteCount: Int, from reader: inout ByteReader
  ) throws(DecodingFault) -> [PeerBytes] {
    try reader.ascending(
      minimumBytes: 2 + byteCount,
      { reader throws(DecodingFault) in
        PeerBytes(peer: try reader.integer(), bytes: try reader.raw(byteCount))
      }
    ) { $0.peer }
  }

  static func write(_ entries: [PeerBytes], to writer: inout ByteWriter) {
    writer.array(entries) {
      $0.integer($1.peer)
      $0.raw($1.bytes)
    }
  }
}

/// A parcel with the check of the pair's seed.
struct CheckedParcel: Sendable, Hashable {
  let peer: UInt16
  let parcel: [UInt8]
  let check: [UInt8]
}

struct Shares: MessageBody {
  static let kind = MessageKind.shares
  let selfCommitment: Digest
  let maskCommitment: Digest
  let parcels: [CheckedParcel]
  let recovery: [UInt8]
  let attestation: Attestation?

  init(
    selfCommitment: Digest, maskCommitment: Digest, parcels: [CheckedParcel], recovery: [UInt8],
    attestation: Attestation?
  ) {
    self.selfCommitment = selfCommitment
    self.maskCommitment = maskCommitment
    self.parcels = parcels
    self.recovery = recovery
    self.attestation = attestation
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    selfCommitment = try reader.digest()
    maskCommitment = try reader.digest()
    parcels = try reader.ascending(
      minimumBytes: 2 + Parcel.byteCount + Parcel.checkByteCount,
      { reader throws(DecodingFault) in
        CheckedParcel(
          peer: try reader.integer(), parcel: try reader.raw(Parcel.byteCount),
          check: try reader.raw(Parcel.checkByteCount))
      }
    ) { $0.peer }
    recovery = try reader.blob()
    attestation = try reader.optional { reader throws(DecodingFault) in
      try Attestation(from: &reader)
    }
  }

  func write(to writer: inout ByteWriter) {
    writer.digest(selfCommitment)
    writer.digest(maskCommitment)
    writer.array(parcels) {
      $0.integer($1.peer)
      $0.raw($1.parcel)
      $0.raw($1.check)
    }
    writer.blob(recovery)
    writer.optional(attestation) { $1.write(to: &$0) }
  }
}

struct Lock1: MessageBody {
  static let kind = MessageKind.lock1

  struct Entry: Sendable, Hashable {
    let sender: UInt16
    let parcel: [UInt8]
    let check: [UInt8]?
  }

  /// U1.
  let members: [UInt16]
  let parcels: [Entry]

  init(members: [UInt16], parcels: [Entry]) {
    self.members = members
    self.parcels = parcels
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    members = try reader.siteSet()
    parcels = try reader.ascending(
      minimumBytes: 3 + Parcel.byteCount,
      { reader throws(DecodingFault) in
        Entry(
          sender: try reader.integer(), parcel: try reader.raw(Parcel.byteCount),
          check: try reader.optional { reader throws(DecodingFault) in
            try reader.raw(Parcel.checkByteCount)
          })
      }
    ) { $0.sender }
  }

  func write(to writer: inout ByteWriter) {
    writer.siteSet(members)
    writer.array(parcels) {
      $0.integer($1.sender)
      $0.raw($1.parcel)
      $0.optional($1.check) { $0.raw($1) }
    }
  }
}

struct Masked: MessageBody {
  static let kind = MessageKind.masked
  let vectorDigest: Digest
  let vectorLength: UInt32
  let ringWidth: RingWidth
  let tag: UInt64
  let checks: [PeerBytes]
  let attestation: Attestation?

  init(
    vectorDigest: Digest, vectorLength: UInt32, ringWidth: RingWidth, tag: UInt64,
    checks: [PeerBytes], attestation: Attestation?
  ) {
    self.vectorDigest = vectorDigest
    self.vectorLength = vectorLength
    self.ringWidth = ringWidth
    self.tag = tag
    self.checks = checks
    self.attestation = attestation
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    vectorDigest = try reader.digest()
    vectorLength = try reader.integer()
    ringWidth = try reader.ringWidth()
    tag = try reader.residue()
    checks = try PeerBytes.list(of: Parcel.checkByteCount, from: &reader)
    attestation = try reader.optional { reader throws(DecodingFault) in
      try Attestation(from: &reader)
    }
  }

  func write(to writer: inout ByteWriter) {
    writer.digest(vectorDigest)
    writer.integer(vectorLength)
    writer.integer(ringWidth.rawValue)
    writer.integer(tag)
    PeerBytes.write(checks, to: &writer)
    writer.optional(attestation) { $1.write(to: &$0) }
  }
}

struct Lock2: MessageBody {
  static let kind = MessageKind.lock2
  /// U2.
  let members: [UInt16]
  let vectorDigests: [Digest]
  let checks: [PeerBytes]

  init(members: [UInt16], vectorDigests: [Digest], checks: [PeerBytes]) {
    self.members = members
    self.vectorDigests = vectorDigests
    self.checks = checks
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    members = try reader.siteSet()
    vectorDigests = try reader.array(minimumBytes: Digest.byteCount) {
      reader throws(DecodingFault) in try reader.digest()
    }
    checks = try PeerBytes.list(of: Parcel.checkByteCount, from: &reader)
  }

  func write(to writer: inout ByteWriter) {
    writer.siteSet(members)
    writer.array(vectorDigests) { $0.digest($1) }
    PeerBytes.write(checks, to: &writer)
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

  init(
    selfSecret: Scalar, selfShares: [OwnedShare], maskShares: [OwnedShare], prefetch: Prefetch?
  ) {
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

  init(
    sumDigest: Digest, vectorLength: UInt32, ringWidth: RingWidth, tag: UInt64,
    shareMembers: [UInt16], members: [UInt16], listDigest: Digest,
    acknowledgements: [SignatureEntry], resultDigest: Digest
  ) {
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
  }
}
