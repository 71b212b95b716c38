import CanonicalBytes
import Cryptography

/// Everything a study published, in order: the study itself (design decision 6).
///
/// Whoever holds it can run the program again over `ReplayFederation` and obtains the same model, bit
/// for bit, without any patient data.
public struct Transcript: Sendable, Hashable {
  /// First bytes of a transcript file: "WRTR" and a version.
  private static let magic: [UInt8] = Array("WRTR".utf8) + [1]

  /// The study file as it was proposed; its plan is derived from it again on replay.
  public var studyText: String
  /// Site names in roster order.
  public var sites: [String]
  /// Disclosures that every site allowed, each once, by name.
  public var disclosures: [Disclosure]
  /// The signed manifest of the secure sums, opaque here; empty for a simulation without one.
  public var manifest: [UInt8]
  public var entries: [TranscriptEntry]
  /// Digest of the result at the end, once there is one.
  public var result: Digest?

  public init(
    studyText: String, sites: [String], disclosures: [Disclosure], manifest: [UInt8] = [],
    entries: [TranscriptEntry] = [], result: Digest? = nil
  ) {
    self.studyText = studyText
    self.sites = sites
    self.disclosures = Set(disclosures).sorted { $0.rawValue < $1.rawValue }
    self.manifest = manifest
    self.entries = entries
    self.result = result
  }

  /// The study as it was agreed. Throws when the study text is not a valid plan.
  public func agreedStudy() throws -> AgreedStudy {
    AgreedStudy(
      plan: try StudyPlan(yaml: studyText, file: "study.yaml"), sites: sites,
      disclosures: Set(disclosures))
  }

  /// The file's bytes; the last 32 are a digest over the others, so damage is noticed.
  public var fileBytes: [UInt8] {
    var writer = ByteWriter()
    writer.raw(Self.magic)
    writer.string(studyText)
    writer.array(sites) { $0.string($1) }
    writer.array(Set(disclosures).map(\.rawValue).sorted()) { $0.string($1) }
    writer.blob(manifest)
    writer.array(entries) { $1.write(to: &$0) }
    writer.optional(result) { $0.raw($1.bytes) }
    return writer.bytes + Blake2b.hash("wardround.file", writer.bytes).bytes
  }

  /// Reads a transcript file; throws `DecodingFault` on damage.
  public init(fileBytes: [UInt8]) throws(DecodingFault) {
    guard fileBytes.count > Digest.byteCount else { throw DecodingFault(.truncated, at: 0) }
    let body = Array(fileBytes.dropLast(Digest.byteCount))
    guard Blake2b.hash("wardround.file", body).bytes == fileBytes.suffix(Digest.byteCount) else {
      throw DecodingFault(.notCanonical, at: body.count)
    }
    var reader = ByteReader(body)
    guard try reader.raw(Self.magic.count) == Self.magic else {
      throw DecodingFault(.notCanonical, at: 0)
    }
    studyText = try reader.string()
    sites = try reader.array(minimumBytes: 4) { (r) throws(DecodingFault) in
      try r.string(limit: 128)
    }
    disclosures = try Disclosure.list(from: &reader)
    manifest = try reader.blob()
    entries = try reader.array(minimumBytes: 57) { (r) throws(DecodingFault) in
      try TranscriptEntry(from: &r)
    }
    result = try reader.optional { (r) throws(DecodingFault) in try Digest(from: &r) }
    try reader.finish()
  }
}
