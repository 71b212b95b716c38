import CanonicalBytes
import Cryptography

/// What a site tells the aggregator about a study, beside the secure-sum protocol.
public enum SiteMessage: Sendable, Hashable {
  /// The data steward's decision.
  case decision(Decision)
  /// Ed25519 over the manifest's digest.
  case manifestSignature([UInt8])
  /// How far the site's own run of the program is; sent after connecting and when asked.
  case position(Position)
  /// The site's answer to a per-site query, or why there is none.
  case siteAnswer(Answer)
  /// The site leaves the study: its own run of the program failed.
  case studyFault(String)
  /// The site's own run of the program ended with this result.
  case finished(Digest)
  /// How far the site's privacy ledger reaches; about no study.
  case ledgerHead(SignedLedgerHead)

  public struct Decision: Sendable, Hashable {
    /// The plan that was reviewed.
    public var plan: Digest
    public var approved: Bool
    /// For people, e.g. why a study was refused.
    public var reason: String
    /// Disclosures that the site's policy allows by name.
    public var disclosures: [Disclosure]
    /// Fewest sites the site accepts in a sum.
    public var minimumSites: Int

    public init(
      plan: Digest, approved: Bool, reason: String, disclosures: [Disclosure], minimumSites: Int
    ) {
      self.plan = plan
      self.approved = approved
      self.reason = reason
      self.disclosures = disclosures
      self.minimumSites = minimumSites
    }
  }

  public struct Position: Sendable, Hashable {
    /// Number of results the site has.
    public var entryCount: UInt32
    /// Head of its transcript.
    public var head: Digest

    public init(entryCount: UInt32, head: Digest) {
      self.entryCount = entryCount
      self.head = head
    }
  }

  public struct Answer: Sendable, Hashable {
    /// Digest of the query behind its history, as the site derived it.
    public var query: Digest
    /// Canonical bytes of the `SiteAnswer`; nil when the site does not answer.
    public var answer: [UInt8]?
    /// Ed25519 over `TranscriptEntry.SignedAnswer.statement`; empty without an answer.
    public var signature: [UInt8]
    /// Why there is no answer; empty with one.
    public var reason: String

    public init(query: Digest, answer: [UInt8]?, signature: [UInt8], reason: String) {
      self.query = query
      self.answer = answer
      self.signature = signature
      self.reason = reason
    }
  }

  public var kind: MessageKind {
    switch self {
    case .decision: .decision
    case .manifestSignature: .manifestSignature
    case .position: .position
    case .siteAnswer: .siteAnswer
    case .studyFault: .studyFault
    case .finished: .finished
    case .ledgerHead: .ledgerHead
    }
  }

  /// The body of the frame.
  public var body: [UInt8] {
    var writer = ByteWriter()
    switch self {
    case .decision(let decision):
      writer.raw(decision.plan.bytes)
      writer.boolean(decision.approved)
      writer.string(decision.reason)
      writer.array(Set(decision.disclosures).map(\.rawValue).sorted()) { $0.string($1) }
      writer.integer(UInt16(clamping: decision.minimumSites))
    case .manifestSignature(let signature): writer.raw(signature)
    case .position(let position):
      writer.integer(position.entryCount)
      writer.raw(position.head.bytes)
    case .siteAnswer(let answer):
      writer.raw(answer.query.bytes)
      writer.optional(answer.answer) { $0.blob($1) }
      writer.blob(answer.signature)
      writer.string(answer.reason)
    case .studyFault(let reason): writer.string(reason)
    case .finished(let digest): writer.raw(digest.bytes)
    case .ledgerHead(let head): head.write(to: &writer)
    }
    return writer.bytes
  }

  /// Decodes the body of a frame from a site.
  public init(kind: MessageKind, body: [UInt8]) throws(DecodingFault) {
    var reader = ByteReader(body)
    switch kind {
    case .decision:
      let plan = try Digest(from: &reader)
      let approved = try reader.boolean()
      let reason = try reader.string(limit: 4096)
      let disclosures = try Disclosure.list(from: &reader)
      let minimumSites = Int(try reader.integer(UInt16.self))
      self = .decision(
        Decision(
          plan: plan, approved: approved, reason: reason, disclosures: disclosures,
          minimumSites: minimumSites))
    case .manifestSignature: self = .manifestSignature(try reader.raw(64))
    case .position:
      let count = try reader.integer(UInt32.self)
      self = .position(Position(entryCount: count, head: try Digest(from: &reader)))
    case .siteAnswer:
      let query = try Digest(from: &reader)
      let answer = try reader.optional { (r) throws(DecodingFault) in try r.blob() }
      let signature = try reader.blob(limit: 64)
      self = .siteAnswer(
        Answer(
          query: query, answer: answer, signature: signature,
          reason: try reader.string(limit: 4096)))
    case .studyFault: self = .studyFault(try reader.string(limit: 4096))
    case .finished: self = .finished(try Digest(from: &reader))
    case .ledgerHead: self = .ledgerHead(try SignedLedgerHead(from: &reader))
    default: throw DecodingFault(.notCanonical, at: 0)
    }
    try reader.finish()
  }
}

extension Disclosure {
  /// Reads an array of disclosure names; an unknown name, a repeated one or one out of order is not
  /// canonical.
  static func list(from reader: inout ByteReader) throws(DecodingFault) -> [Disclosure] {
    let offset = reader.offset
    let list = try reader.array(minimumBytes: 4) { (r) throws(DecodingFault) -> Disclosure in
      let offset = r.offset
      guard let disclosure = Disclosure(rawValue: try r.string(limit: 64)) else {
        throw DecodingFault(.notCanonical, at: offset)
      }
      return disclosure
    }
    guard zip(list, list.dropFirst()).allSatisfy({ $0.rawValue < $1.rawValue }) else {
      throw DecodingFault(.notCanonical, at: offset)
    }
    return list
  }
}
