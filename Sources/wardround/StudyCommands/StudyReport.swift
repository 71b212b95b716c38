import ArgumentParser
import Foundation
import PrivacyAudit
import Reports

/// `wardround study report`
struct StudyReport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write a study's report again, with an audit's figures beside what is proven.",
    discussion: """
      Takes the report.json that the study left and the file that `wardround audit --out` wrote, and \
      writes report.html and report.json with both. Needs no network and no patient data.

      Exit codes: 0 written; 1 written, but a lower bound of the audit is above what is proven; 2 a file \
      cannot be read, or the audit is of another plan.
      """)

  @Argument(help: "The study's report.json.")
  var report: String
  @Option(help: "What `wardround audit --out` wrote.")
  var audit: String
  @Option(help: "Folder to write report.html and report.json to; by default the report's own.")
  var out: String?

  func run() async throws {
    try await CommandFailure.reporting {
      let data = Data(try InputFile.data(report))
      let old: ReportJSON
      do {
        old = try ReportJSON(decoding: data)
      } catch {
        throw ValidationError("`\(report)` is no report of this program: \(error)")
      }
      let facts: AuditFacts
      do {
        facts = try JSONDecoder().decode(AuditFacts.self, from: Data(try InputFile.data(audit)))
      } catch is DecodingError {
        throw ValidationError(
          "`\(audit)` is no audit; write one with `wardround audit --out FILE`")
      }
      guard facts.planDigest == old.result.study.planDigest else {
        throw ValidationError(
          "the audit is of another plan than the report; audit the study file that the study ran, and"
            + " without --epsilon")
      }
      let folder = out ?? URL(filePath: report).deletingLastPathComponent().path
      let new = ReportJSON(old.result, provenance: old.provenance, audit: facts)
      let html = HTMLReport.render(old.result, provenance: old.provenance, audit: facts)
      do {
        try FileManager.default.createDirectory(
          atPath: folder, withIntermediateDirectories: true)
        try Data(html.utf8).write(
          to: URL(filePath: "\(folder)/report.html"), options: .atomic)
        try new.encoded().write(to: URL(filePath: "\(folder)/report.json"), options: .atomic)
      } catch {
        throw ValidationError("`\(folder)` cannot be written; check the folder and its rights")
      }
      print("\(folder)/report.html and report.json have the audit's figures.")
      guard facts.isPassed else {
        print("FAILED: " + facts.violations.joined(separator: "; "))
        throw ExitStatus.failed
      }
    }
  }
}
