import CanonicalBytes
import Cryptography

/// One published result: the sum or the site answers of one query, chained to everything before.
///
/// The chain covers what the study's outcome depends on: query, values, participants. How the result
/// came about (epoch, round, signatures) is kept beside it as evidence and is not part of the chain,
/// so a study that lost a round on the way ends with the same head as one that did not.
public struct TranscriptEntry: Sendable, Hashable {
  /// What was published.
  public enum Content: Sendable, Hashable {
    case total(Total)
    case answers([SignedAnswer])
  }

  /// A site's answer as it was signed.
  public struct SignedAnswer: Sendable, Hashable {
    public var site: String
    /// Canonical bytes of a `SiteAnswer`.
    public var answer: [UInt8]
    /// Ed25519, 64 bytes, over `statement(query:site:answer:)`.
    public var signature: [UInt8]

    public init(site: String, answer: [UInt8], signature: [UInt8]) {
      self.site = site
      self.answer = answer
      self.signature = signature
    }

    /// What a site signs: its name, the query and the answer.
    public static func statement(query: Digest, site: String, answer: [UInt8]) -> [UInt8] {
      Blake2b.hash("wardround.answer", query.bytes, Array(site.utf8), answer).bytes
    }
  }

  /// Position in the transcript, from 0.
  public var index: UInt32
  /// Digest of the query behind its history (`SumQuery.digest(after:)`).
  public var query: Digest
  public var kind: QueryKind
  public var content: Content
  /// For a sum, the secure round that opened it; 0 for site answers.
  public var round: UInt64

  public init(
    index: UInt32, query: Digest, kind: QueryKind, content: Content, round: UInt64 = 0
  ) {
    self.index = index
    self.query = query
    self.kind = kind
    self.content = content
    self.round = round
  }

  /// Head of a transcript that has no entry yet.
  public static func genesis(of study: AgreedStudy) -> Digest {
    Blake2b.hash("wardround.start", study.digest.bytes)
  }

  /// Head of the transcript after this entry, given the head before it.
  public func head(after previous: Digest) -> Digest {
    var hash = Blake2b("wardround.entry")
    hash.part(previous)
    switch content {
    case .total(let total):
      // Piece by piece: a long sum is not copied for it.
      var start = ByteWriter(reservingCapacity: 64)
      start.integer(index)
      start.raw(query.bytes)
      start.integer(UInt8(0))
      start.integer(UInt32(total.count))
      var end = ByteWriter()
      end.array(total.participants) { $0.string($1) }
      hash.update(integer: UInt64(start.bytes.count + 8 * total.count + end.bytes.count))
      hash.update(start.bytes)
      total.withPieces { hash.update($0) }
      hash.update(end.bytes)
    case .answers(let answers):
      var writer = ByteWriter()
      writer.integer(index)
      writer.raw(query.bytes)
      writer.integer(UInt8(1))
      writer.array(answers) {
        $0.string($1.site)
        $0.blob($1.answer)
      }
      hash.part(writer.bytes)
    }
    return hash.finish()
  }

  /// Sums up to this length stay in memory with their entry.
  private static let shortLength = 256

  /// Whether a sum of so many values is long: kept apart from its entry.
  public static func isLong(valueCount: Int) -> Bool { valueCount > shortLength }

  /// The entry without the values of a long sum, for a run that has used them and keeps them in its
  /// store: otherwise its memory would grow with every result.
  public var withoutLongValues: TranscriptEntry {
    guard case .total(let total) = content, Self.isLong(valueCount: total.count) else {
      return self
    }
    var entry = self
    entry.content = .total(Total(values: [], participants: total.participants))
    return entry
  }

  /// The canonical bytes, for storage and for the wire.
  public func write(to writer: inout ByteWriter) {
    writer.integer(index)
    writer.raw(query.bytes)
    writer.string(kind.rawValue)
    writer.integer(round)
    switch content {
    case .total(let total):
      writer.integer(UInt8(0))
      writer.integer(UInt32(total.count))
      writer.integers(total.values)
      writer.array(total.participants) { $0.string($1) }
    case .answers(let answers):
      writer.integer(UInt8(1))
      writer.array(answers) {
        $0.string($1.site)
        $0.blob($1.answer)
        $0.blob($1.signature)
      }
    }
  }

  public init(from reader: inout ByteReader) throws(DecodingFault) {
    index = try reader.integer()
    query = try Digest(from: &reader)
    let kindOffset = reader.offset
    guard let kind = QueryKind(rawValue: try reader.string(limit: 64)) else {
      throw DecodingFault(.notCanonical, at: kindOffset)
    }
    self.kind = kind
    round = try reader.integer()
    let caseOffset = reader.offset
    switch try reader.integer(UInt8.self) {
    case 0:
      let values = try reader.array(minimumBytes: 8) { (r) throws(DecodingFault) in
        try r.integer(Int64.self)
      }
      let participants = try reader.array(minimumBytes: 4) { (r) throws(DecodingFault) in
        try r.string(limit: 128)
      }
      content = .total(Total(values: values, participants: participants))
    case 1:
      content = .answers(
        try reader.array(minimumBytes: 12) { (r) throws(DecodingFault) in
          SignedAnswer(
            site: try r.string(limit: 128), answer: try r.blob(), signature: try r.blob(limit: 64))
        })
    default: throw DecodingFault(.notCanonical, at: caseOffset)
    }
  }
}

extension Digest {
  /// Reads 32 bytes.
  public init(from reader: inout ByteReader) throws(DecodingFault) {
    let offset = reader.offset
    let bytes = try reader.raw(Digest.byteCount)
    do {
      self = try Digest(bytes)
    } catch {
      throw DecodingFault(.notCanonical, at: offset)
    }
  }
}

extension TranscriptEntry {
  /// Sites that are in the sum, or that answered.
  public var participants: [String] {
    switch content {
    case .total(let total): total.participants
    case .answers(let answers): answers.map(\.site)
    }
  }
}
