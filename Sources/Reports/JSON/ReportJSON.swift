import Foundation
import PrivacyAudit
import Study

/// The report's JSON twin: the study's result and its provenance, for programs.
///
/// Keys stand in alphabetical order and numbers are written so that they read back to the same bits:
/// equal reports have equal bytes, and decoding the bytes gives an equal report.
public struct ReportJSON: Sendable, Codable {
  /// The format written and the only one read.
  public static let format = "wardround-report/1"

  /// Name and version of the format.
  public let format: String
  /// Where the report comes from.
  public let provenance: ReportProvenance
  /// Everything the study found.
  public let result: StudyResult
  /// What attacks on a replica of the study reached; nil for no audit.
  public let audit: AuditFacts?

  /// Creates a twin of the current format.
  public init(
    _ result: StudyResult, provenance: ReportProvenance, audit: AuditFacts? = nil
  ) {
    self.audit = audit
    format = Self.format
    self.provenance = provenance
    self.result = result
  }

  /// The file's bytes, UTF-8. Throws `outOfRange` when the result holds a number that is not finite.
  public func encoded() throws(ReportsError) -> Data {
    try StrictJSON.encode(self)
  }

  /// Reads a file's bytes; 256 MiB at most.
  ///
  /// - Throws: `tooLarge`, `malformed`, `unknownFormat`, `unknownKey` with the key.
  public init(decoding data: Data) throws(ReportsError) {
    self = try StrictJSON.decode(
      Self.self, from: data, format: Self.format, limit: 256 << 20)
  }
}
