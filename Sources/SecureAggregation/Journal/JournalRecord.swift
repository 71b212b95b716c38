import CanonicalBytes
import Cryptography

/// What a site writes down, durably, before it sends the message that the record authorises
/// (protocol/README.md §12).
///
/// Records hold no key of a round that is still secret. `committed` holds the seed of the tag, which
/// the aggregator must not learn while the round can still be accepted: the store protects it like
/// the key files.
public struct JournalRecord: Sendable {
  public enum Content: Sendable {
    case epoch(epoch: UInt32, baseRound: UInt64)
    case opened(transcript: Digest, epoch: UInt32, queryDigest: Digest, body: [UInt8])
    case shared(selfCommitment: Digest, maskCommitment: Digest)
    /// U1.
    case locked(members: [UInt16])
    case committed(
      transcript: Digest, shareSet: Digest, alphaSeed: SecretBytes, request: Digest,
      message: [UInt8])
    /// U2.
    case acknowledged(
      statement: Digest, members: [UInt16], request: Digest, message: [UInt8])
    case released(
      statement: Digest, queryDigest: Digest, members: [UInt16], request: Digest,
      message: [UInt8])
    /// R_r.
    case done(digest: Digest)
    case aborted(code: UInt16, named: [UInt16])
  }

  public let round: UInt64
  public let content: Content

  public init(round: UInt64, _ content: Content) {
    self.round = round
    self.content = content
  }

  /// The canonical bytes: type, round, fields.
  public var bytes: [UInt8] {
    var writer = ByteWriter()
    writer.integer(type)
    writer.integer(round)
    switch content {
    case .epoch(let epoch, let baseRound):
      writer.integer(epoch)
      writer.integer(baseRound)
    case .opened(let transcript, let epoch, let queryDigest, let body):
      writer.digest(transcript)
      writer.integer(epoch)
      writer.digest(queryDigest)
      writer.blob(body)
    case .shared(let selfCommitment, let maskCommitment):
      writer.digest(selfCommitment)
      writer.digest(maskCommitment)
    case .locked(let members):
      writer.siteSet(members)
    case .committed(let transcript, let shareSet, let alphaSeed, let request, let message):
      writer.digest(transcript)
      writer.digest(shareSet)
      alphaSeed.withUnsafeBytes { writer.raw($0) }
      writer.digest(request)
      writer.blob(message)
    case .acknowledged(let statement, let members, let request, let message):
      writer.digest(statement)
      writer.siteSet(members)
      writer.digest(request)
      writer.blob(message)
    case .released(let statement, let queryDigest, let members, let request, let message):
      writer.digest(statement)
      writer.digest(queryDigest)
      writer.siteSet(members)
      writer.digest(request)
      writer.blob(message)
    case .done(let digest):
      writer.digest(digest)
    case .aborted(let code, let named):
      writer.integer(code)
      writer.siteSet(named)
    }
    return writer.bytes
  }

  /// 1…9.
  public var type: UInt8 {
    switch content {
    case .epoch: 1
    case .opened: 2
    case .shared: 3
    case .locked: 4
    case .committed: 5
    case .acknowledged: 6
    case .released: 7
    case .done: 8
    case .aborted: 9
    }
  }

  /// Decodes a record; the bytes come from a file and are checked like a peer's.
  public init(_ bytes: [UInt8]) throws(DecodingFault) {
    var reader = ByteReader(bytes)
    let type = try reader.integer(UInt8.self)
    round = try reader.integer()
    switch type {
    case 1: content = .epoch(epoch: try reader.integer(), baseRound: try reader.integer())
    case 2:
      content = .opened(
        transcript: try reader.digest(), epoch: try reader.integer(),
        queryDigest: try reader.digest(), body: try reader.blob())
    case 3:
      content = .shared(
        selfCommitment: try reader.digest(), maskCommitment: try reader.digest())
    case 4: content = .locked(members: try reader.siteSet())
    case 5:
      content = .committed(
        transcript: try reader.digest(), shareSet: try reader.digest(),
        alphaSeed: try reader.raw(32).withUnsafeBytes { SecretBytes(copying: $0) },
        request: try reader.digest(), message: try reader.blob())
    case 6:
      content = .acknowledged(
        statement: try reader.digest(), members: try reader.siteSet(),
        request: try reader.digest(), message: try reader.blob())
    case 7:
      content = .released(
        statement: try reader.digest(), queryDigest: try reader.digest(),
        members: try reader.siteSet(), request: try reader.digest(), message: try reader.blob())
    case 8: content = .done(digest: try reader.digest())
    case 9: content = .aborted(code: try reader.integer(), named: try reader.siteSet())
    default: throw DecodingFault(.notCanonical, at: 0)
    }
    try reader.finish()
  }
}
