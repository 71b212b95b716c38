import CanonicalBytes
import Cryptography

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
