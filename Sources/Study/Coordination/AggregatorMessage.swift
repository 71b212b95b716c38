import CanonicalBytes
import Cryptography

/// What the aggregator tells a site about a study, beside the secure-sum protocol.
public enum AggregatorMessage: Sendable, Hashable {
  /// A researcher proposes a study: the study file as it is.
  case proposal(Proposal)
  /// The agreed study with its roster, to be checked and signed.
  case manifest(ManifestOffer)
  /// The manifest with every site's signature: the study begins.
  case signedManifest([UInt8])
  /// The answers of one per-site query, as signed by the sites.
  case publishedAnswers(TranscriptEntry)
  /// Say where you are: sent to a site that missed a deadline.
  case resynchronise
  /// The study is over; the text says how.
  case ended(Ending)
  /// The highest ledger head that the site has left here; about no study.
  case ledgerKnown(SignedLedgerHead)

  public struct Proposal: Sendable, Hashable {
    public var studyText: String
    /// Who proposes it.
    public var researcher: String
    /// Sites that are asked.
    public var sites: [String]

    public init(studyText: String, researcher: String, sites: [String]) {
      self.studyText = studyText
      self.researcher = researcher
      self.sites = sites
    }
  }

  public struct ManifestOffer: Sendable, Hashable {
    /// Canonical bytes of the manifest of the secure sums.
    public var manifest: [UInt8]
    /// Disclosures that every site of the roster allows.
    public var disclosures: [Disclosure]

    public init(manifest: [UInt8], disclosures: [Disclosure]) {
      self.manifest = manifest
      self.disclosures = disclosures
    }
  }

  public struct Ending: Sendable, Hashable {
    public var succeeded: Bool
    public var message: String

    public init(succeeded: Bool, message: String) {
      self.succeeded = succeeded
      self.message = message
    }
  }

  public var kind: MessageKind {
    switch self {
    case .proposal: .proposal
    case .manifest: .manifest
    case .signedManifest: .signedManifest
    case .publishedAnswers: .publishedAnswers
    case .resynchronise: .resynchronise
    case .ended: .ended
    case .ledgerKnown: .ledgerKnown
    }
  }

  /// The body of the frame.
  public var body: [UInt8] {
    var writer = ByteWriter()
    switch self {
    case .proposal(let proposal):
      writer.string(proposal.studyText)
      writer.string(proposal.researcher)
      writer.array(proposal.sites) { $0.string($1) }
    case .manifest(let offer):
      writer.blob(offer.manifest)
      writer.array(Set(offer.disclosures).map(\.rawValue).sorted()) { $0.string($1) }
    case .signedManifest(let bytes): writer.blob(bytes)
    case .publishedAnswers(let entry): entry.write(to: &writer)
    case .resynchronise: break
    case .ended(let ending):
      writer.boolean(ending.succeeded)
      writer.string(ending.message)
    case .ledgerKnown(let head): head.write(to: &writer)
    }
    return writer.bytes
  }

  /// Decodes the body of a frame from the aggregator.
  public init(kind: MessageKind, body: [UInt8]) throws(DecodingFault) {
    var reader = ByteReader(body)
    switch kind {
    case .proposal:
      let text = try reader.string()
      let researcher = try reader.string(limit: 256)
      let sites = try reader.array(minimumBytes: 4) { (r) throws(DecodingFault) in
        try r.string(limit: 128)
      }
      self = .proposal(Proposal(studyText: text, researcher: researcher, sites: sites))
    case .manifest:
      let manifest = try reader.blob()
      self = .manifest(
        ManifestOffer(manifest: manifest, disclosures: try Disclosure.list(from: &reader)))
    case .signedManifest: self = .signedManifest(try reader.blob())
    case .publishedAnswers: self = .publishedAnswers(try TranscriptEntry(from: &reader))
    case .resynchronise: self = .resynchronise
    case .ended:
      let succeeded = try reader.boolean()
      self = .ended(Ending(succeeded: succeeded, message: try reader.string(limit: 1 << 16)))
    case .ledgerKnown: self = .ledgerKnown(try SignedLedgerHead(from: &reader))
    default: throw DecodingFault(.notCanonical, at: 0)
    }
    try reader.finish()
  }
}
