import Foundation
import Reports
import Study

/// Reads the JSON twin of a report.
public enum StudyReportFile {
  /// The result in the file at `path`; throws `ReportsError` for one that is damaged.
  public static func read(_ path: String) throws -> StudyResult {
    try ReportJSON(decoding: Data(contentsOf: URL(fileURLWithPath: path))).result
  }
}
