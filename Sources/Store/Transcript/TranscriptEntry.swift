import CanonicalBytes

/// A site's own signed answer to a per-site query.
public struct SiteAnswerRecord: Sendable, Equatable {
  /// Name of the site.
  public var site: String
  /// The answer's canonical bytes; empty when the site gave none.
  public var answer: [UInt8]
  /// The site's Ed25519 signature over the answer and what it answers.
  public var signature: [UInt8]

  public init(site: String, answer: [UInt8], signature: [UInt8]) {
    self.site = site
    self.answer = answer
    self.signature = signature
  }
}

/// One published result of a study: a total over sites, or one answer per site.
///
/// The entries of a study form a chain by `previousDigest` and `digest`, which the protocol defines
/// and the sites sign. They hold nothing that was not published to the study, and are all that a
/// restarted role needs to replay the program without touching patient data.
public struct TranscriptEntry: Sendable, Equatable {
  public enum Kind: String, Sendable {
    /// A secure sum over the participants.
    case sum
    /// A table of every participant's own answer.
    case perSite = "per-site"
  }

  /// Identifier of the study.
  public var study: String
  /// Position in the study's transcript, from 0 without gaps.
  public var index: Int64
  public var kind: Kind
  /// Digest of the query that every site derived itself.
  public var queryDigest: [UInt8]
  /// What the query is for, in words, such as "newton step 3".
  public var purpose: String
  /// Canonical bytes of the published total; empty for a per-site entry.
  public var total: [UInt8]
  /// Names of the sites in the sum, in roster order.
  public var participants: [String]
  /// The per-site answers, in roster order.
  public var siteAnswers: [SiteAnswerRecord]
  /// Signatures or other evidence for the result, as the protocol encodes it.
  public var proof: [UInt8]
  /// Digest of the entry before; what the protocol sets for the first.
  public var previousDigest: [UInt8]
  /// Digest of this entry, R of PRIVACY-CORE §2.2.
  public var digest: [UInt8]
  /// Seconds since 1970-01-01 UTC; filled in by the store, no part of the entry's identity.
  public var recordedAt: Double

  public init(
    study: String, index: Int64, kind: Kind, queryDigest: [UInt8], purpose: String = "",
    total: [UInt8] = [], participants: [String], siteAnswers: [SiteAnswerRecord] = [],
    proof: [UInt8] = [], previousDigest: [UInt8], digest: [UInt8], recordedAt: Double = 0
  ) {
    self.study = study
    self.index = index
    self.kind = kind
    self.queryDigest = queryDigest
    self.purpose = purpose
    self.total = total
    self.participants = participants
    self.siteAnswers = siteAnswers
    self.proof = proof
    self.previousDigest = previousDigest
    self.digest = digest
    self.recordedAt = recordedAt
  }

  /// The entry's identity, everything but the time; the store's row hash covers both.
  var canonicalBytes: [UInt8] {
    var writer = ByteWriter(reservingCapacity: 512 + total.count + proof.count)
    writer.integer(UInt8(1))
    writer.string(study)
    writer.integer(index)
    writer.string(kind.rawValue)
    writer.blob(queryDigest)
    writer.string(purpose)
    writer.blob(total)
    writer.array(participants) { $0.string($1) }
    writer.array(siteAnswers) { writer, answer in
      writer.string(answer.site)
      writer.blob(answer.answer)
      writer.blob(answer.signature)
    }
    writer.blob(proof)
    writer.blob(previousDigest)
    writer.blob(digest)
    return writer.bytes
  }
}

/// Whether a write was new or found the same thing already there.
public enum AppendOutcome: Sendable, Equatable {
  case appended
  case alreadyThere
}

/// What is wrong with a stored transcript.
public struct TranscriptFault: Sendable, Equatable {
  public enum Kind: String, Sendable {
    /// The entry's content does not have the hash stored with it.
    case changed
    /// There is no entry at this index although there are later ones, or the count says there was.
    case removed
    /// The entry does not continue the digest chain.
    case unlinked
    /// The entry cannot be read.
    case unreadable
  }

  public let kind: Kind
  /// Index of the first bad entry, from 0.
  public let index: Int64

  public init(_ kind: Kind, at index: Int64) {
    self.kind = kind
    self.index = index
  }
}
