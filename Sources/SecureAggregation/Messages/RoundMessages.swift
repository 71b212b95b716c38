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
  let layers: [NoiseLayer]

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
    layers = binding.layers
  }

  var binding: RoundBinding {
    RoundBinding(
      purpose: purpose, queryDigest: queryDigest, ringWidth: ringWidth, vectorLength: vectorLength,
      layers: layers)
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
    let layersStart = reader.offset
    layers = try reader.trailing(minimumBytes: 10) { reader throws(DecodingFault) in
      NoiseLayer(largestSurvivorCount: try reader.integer(), variance: try reader.integer())
    }
    guard NoiseLayer.areValid(layers) else { throw DecodingFault(.notCanonical, at: layersStart) }
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
    writer.trailing(layers) {
      $0.integer($1.largestSurvivorCount)
      $0.integer($1.variance)
    }
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

struct Masked: MessageBody {
  static let kind = MessageKind.masked
  let vectorDigest: Digest
  let vectorLength: UInt32
  let ringWidth: RingWidth
  let tag: UInt64
  let checks: [PeerBytes]
  let attestation: Attestation?
  /// One per layer of the round's noise.
  let commitments: [Digest]

  init(
    vectorDigest: Digest, vectorLength: UInt32, ringWidth: RingWidth, tag: UInt64,
    checks: [PeerBytes], attestation: Attestation?, commitments: [Digest] = []
  ) {
    self.vectorDigest = vectorDigest
    self.vectorLength = vectorLength
    self.ringWidth = ringWidth
    self.tag = tag
    self.checks = checks
    self.attestation = attestation
    self.commitments = commitments
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
    commitments = try reader.trailingDigests()
  }

  func write(to writer: inout ByteWriter) {
    writer.digest(vectorDigest)
    writer.integer(vectorLength)
    writer.integer(ringWidth.rawValue)
    writer.integer(tag)
    PeerBytes.write(checks, to: &writer)
    writer.optional(attestation) { $1.write(to: &$0) }
    writer.trailing(commitments) { $0.digest($1) }
  }
}
