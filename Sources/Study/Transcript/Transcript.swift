import CanonicalBytes
import Cryptography

/// Everything a study published, in order: the study itself (design decision 6).
///
/// Whoever holds it can run the program again over `ReplayFederation` and obtains the same model, bit
/// for bit, without any patient data.
public struct Transcript: Sendable, Hashable {
  /// First bytes of a transcript file; the version of the file's form follows.
  private static let magic = Array("WRTR".utf8)
  /// The form that is written: 2 names the program's version, 1 did not.
  static let form: UInt8 = 2

  /// `StudyPlan.programVersion` of the program that wrote the transcript; nil where the file does not say.
  public var programVersion: UInt16?
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
    entries: [TranscriptEntry] = [], result: Digest? = nil,
    programVersion: UInt16? = StudyPlan.programVersion
  ) {
    self.programVersion = programVersion
    self.studyText = studyText
    self.sites = sites
    self.disclosures = Set(disclosures).sorted { $0.rawValue < $1.rawValue }
    self.manifest = manifest
    self.entries = entries
    self.result = result
  }

  /// The study as it was agreed. Throws `transcriptMismatch` when another version of the program wrote
  /// the transcript, and when the study text is not a valid plan.
  public func agreedStudy() throws -> AgreedStudy {
    if let programVersion, programVersion != StudyPlan.programVersion {
      throw StudyError(
        .transcriptMismatch,
        "program version \(programVersion) wrote the transcript and this program is version"
          + " \(StudyPlan.programVersion), which computes other results: take the release that the study"
          + " ran with")
    }
    return AgreedStudy(
      plan: try StudyPlan(yaml: studyText, file: "study.yaml"), sites: sites,
      disclosures: Set(disclosures))
  }

  /// What else than a change of the file explains that it does not fit this program, in words.
  public var versionCaveat: String {
    let mine = "this program is version \(StudyPlan.programVersion)"
    return programVersion.map {
      "or an unreleased build of program version \($0) wrote it; \(mine)"
    }
      ?? "or another version of the program wrote it, which the file is too old to name; \(mine)"
  }

  /// The file's bytes; the last 32 are a digest over the others, so damage is noticed.
  public var fileBytes: [UInt8] {
    var writer = ByteWriter()
    writer.raw(Self.magic)
    writer.integer(programVersion == nil ? UInt8(1) : Self.form)
    if let programVersion { writer.integer(programVersion) }
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
    switch try reader.integer(UInt8.self) {
    case 1: programVersion = nil
    case Self.form: programVersion = try reader.integer(UInt16.self)
    default: throw DecodingFault(.notCanonical, at: Self.magic.count)
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
