import CanonicalBytes
import Cryptography

/// A site's signature on the last result it accepted (§4, §13).
public struct Attestation: Sendable, Hashable {
  public let round: UInt64
  public let digest: Digest
  public let signature: Signature

  /// What is signed: the manifest, the round and the result's digest.
  static func statement(manifest: Digest, round: UInt64, digest: Digest) -> Digest {
    var hash = Blake2b(Labels.attestation)
    hash.part(manifest)
    hash.part(integer: round)
    hash.part(digest)
    return hash.finish()
  }

  static func signed(
    manifest: Digest, round: UInt64, digest: Digest, key: SigningKey
  ) -> Attestation {
    let statement = statement(manifest: manifest, round: round, digest: digest)
    return Attestation(
      round: round, digest: digest, signature: key.signature(for: statement.bytes))
  }

  func isValid(manifest: Digest, key: VerifyingKey) -> Bool {
    let statement = Self.statement(manifest: manifest, round: round, digest: digest)
    return key.isValid(signature, for: statement.bytes)
  }

  init(round: UInt64, digest: Digest, signature: Signature) {
    self.round = round
    self.digest = digest
    self.signature = signature
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    round = try reader.integer()
    digest = try reader.digest()
    signature = try reader.signature()
  }

  func write(to writer: inout ByteWriter) {
    writer.integer(round)
    writer.digest(digest)
    writer.raw(signature.bytes)
  }
}

/// A signature and whose it is; lists of them are ascending by the index.
public struct SignatureEntry: Sendable, Hashable {
  public let index: UInt16
  public let signature: Signature

  static func list(from reader: inout ByteReader) throws(DecodingFault) -> [SignatureEntry] {
    try reader.ascending(
      minimumBytes: 66,
      { reader throws(DecodingFault) in
        SignatureEntry(index: try reader.integer(), signature: try reader.signature())
      }
    ) { $0.index }
  }

  static func write(_ entries: [SignatureEntry], to writer: inout ByteWriter) {
    writer.array(entries) {
      $0.integer($1.index)
      $0.raw($1.signature.bytes)
    }
  }
}

struct EpochOpen: MessageBody {
  static let kind = MessageKind.epochOpen
  let members: [UInt16]
  let baseRound: UInt64
  let acceptedRound: UInt64
  let acceptedDigest: Digest

  init(members: [UInt16], baseRound: UInt64, acceptedRound: UInt64, acceptedDigest: Digest) {
    self.members = members
    self.baseRound = baseRound
    self.acceptedRound = acceptedRound
    self.acceptedDigest = acceptedDigest
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    members = try reader.siteSet()
    baseRound = try reader.integer()
    acceptedRound = try reader.integer()
    acceptedDigest = try reader.digest()
  }

  func write(to writer: inout ByteWriter) {
    writer.siteSet(members)
    writer.integer(baseRound)
    writer.integer(acceptedRound)
    writer.digest(acceptedDigest)
  }
}

struct KeyOffer: MessageBody {
  static let kind = MessageKind.keyOffer
  let agreementKey: [UInt8]
  let lastRound: UInt64
  let accepted: Attestation

  init(agreementKey: [UInt8], lastRound: UInt64, accepted: Attestation) {
    self.agreementKey = agreementKey
    self.lastRound = lastRound
    self.accepted = accepted
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    agreementKey = try reader.raw(KeyAgreementKey.byteCount)
    lastRound = try reader.integer()
    accepted = try Attestation(from: &reader)
  }

  func write(to writer: inout ByteWriter) {
    writer.raw(agreementKey)
    writer.integer(lastRound)
    accepted.write(to: &writer)
  }
}

/// Whole messages of all members, in roster order: the body of KeySet and ConfirmSet.
private func readMessages(_ reader: inout ByteReader) throws(DecodingFault) -> [[UInt8]] {
  try reader.array(minimumBytes: 4) { reader throws(DecodingFault) in try reader.blob() }
}

struct KeySet: MessageBody {
  static let kind = MessageKind.keySet
  let offers: [[UInt8]]

  init(offers: [[UInt8]]) { self.offers = offers }

  init(from reader: inout ByteReader) throws(DecodingFault) { offers = try readMessages(&reader) }

  func write(to writer: inout ByteWriter) { writer.array(offers) { $0.blob($1) } }

  /// What KeyConfirm states: the EpochOpen message and all KeyOffer messages.
  static func digest(epochOpen: [UInt8], offers: [[UInt8]]) -> Digest {
    var hash = Blake2b(Labels.offers)
    hash.part(epochOpen)
    for offer in offers { hash.part(offer) }
    return hash.finish()
  }
}

struct KeyConfirm: MessageBody {
  static let kind = MessageKind.keyConfirm
  let offersDigest: Digest

  init(offersDigest: Digest) { self.offersDigest = offersDigest }

  init(from reader: inout ByteReader) throws(DecodingFault) { offersDigest = try reader.digest() }

  func write(to writer: inout ByteWriter) { writer.digest(offersDigest) }
}

struct ConfirmSet: MessageBody {
  static let kind = MessageKind.confirmSet
  let confirmations: [[UInt8]]

  init(confirmations: [[UInt8]]) { self.confirmations = confirmations }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    confirmations = try readMessages(&reader)
  }

  func write(to writer: inout ByteWriter) { writer.array(confirmations) { $0.blob($1) } }
}

struct CatchUp: MessageBody {
  static let kind = MessageKind.catchUp
  let entries: [TranscriptEntry]
  let attestations: [SignatureEntry]

  init(entries: [TranscriptEntry], attestations: [SignatureEntry]) {
    self.entries = entries
    self.attestations = attestations
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    entries = try reader.array(minimumBytes: 20) { reader throws(DecodingFault) in
      try TranscriptEntry(from: &reader)
    }
    attestations = try SignatureEntry.list(from: &reader)
  }

  func write(to writer: inout ByteWriter) {
    writer.array(entries) { $1.write(to: &$0) }
    SignatureEntry.write(attestations, to: &writer)
  }
}

struct AbortMessage: MessageBody {
  static let kind = MessageKind.abort
  let code: UInt16
  let named: [UInt16]

  init(_ fault: SecureAggregationError) {
    code = fault.code.rawValue
    named = fault.named
  }

  init(from reader: inout ByteReader) throws(DecodingFault) {
    code = try reader.integer()
    named = try reader.siteSet()
  }

  func write(to writer: inout ByteWriter) {
    writer.integer(code)
    writer.siteSet(named)
  }
}
