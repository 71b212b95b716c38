import PrivacyAudit
import Study

/// The report of a study as one HTML file: text, tables and figures, nothing loaded from elsewhere.
///
/// The text is well-formed XML as well as HTML. It holds no script and a content security policy
/// that allows none. Every string of the study, of a site or of a user is escaped. The same result
/// and provenance give the same bytes.
public enum HTMLReport {
  /// The file's text. Never fails: what is missing is said in words where it would stand.
  ///
  /// - Parameter audit: what attacks on a replica of the study reached, to stand beside what is proven.
  public static func render(
    _ result: StudyResult, provenance: ReportProvenance, audit: AuditFacts? = nil
  ) -> String {
    var writer = ReportWriter(result, provenance, audit: audit)
    return writer.document().text
  }
}
