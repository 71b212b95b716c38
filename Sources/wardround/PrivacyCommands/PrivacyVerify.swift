import ArgumentParser
import DifferentialPrivacy
import Foundation

/// `wardround privacy verify`
struct PrivacyVerify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compute known answers of privacy accounting and compare them by their own rules.",
    discussion: """
      Prints one line per number: expected, computed, relative difference, rule. Ends with exit \
      code 1 when a vector fails, also when its mechanism is not known or it cannot be read.
      """)

  @Option(help: "A file of known answers (JSON).")
  var vectors: String
  @Flag(help: "Print only what fails, and the count.")
  var failures = false
  @Flag(help: "Print one JSON object.")
  var json = false

  private struct Answer: Encodable {
    struct Row: Encodable {
      var id: String
      var category: String
      var field: String
      var expected: String
      var computed: String
      var rule: String
      var relativeDifference: Double?
      var passed: Bool
    }
    var vectorCount: Int
    var passedCount: Int
    var passed: Bool
    var rows: [Row]
  }

  func run() async throws {
    try await CommandFailure.reporting {
      let data = try InputFile.data(vectors)
      let report: VectorReport
      do {
        let document = try JSONDecoder().decode(JSONValue.self, from: data)
        report = try VectorFile(document).evaluate()
      } catch let error as DifferentialPrivacyError {
        throw ValidationError("`\(vectors)` is not a file of known answers: \(error)")
      } catch {
        throw ValidationError("`\(vectors)` is not JSON")
      }
      if json { try printJSON(report) } else { printTable(report) }
      guard report.passed else { throw ExitStatus.failed }
    }
  }

  private func printJSON(_ report: VectorReport) throws {
    let shown = report.rows.filter { !failures || !$0.passed }
    try Output.json(
      Answer(
        vectorCount: report.vectorCount, passedCount: report.passedCount, passed: report.passed,
        rows: shown.map { row in
          Answer.Row(
            id: row.id, category: row.category, field: row.field, expected: row.expected,
            computed: row.computed, rule: row.rule, relativeDifference: row.relativeDifference,
            passed: row.passed)
        }))
  }

  private func printTable(_ report: VectorReport) {
    let shown = report.rows.filter { !failures || !$0.passed }
    if !shown.isEmpty {
      Output.table(
        ["", "vector", "number", "expected", "computed", "difference", "rule"],
        shown.map { row in
          [
            row.passed ? "pass" : "FAIL", row.id, row.field, row.expected, row.computed,
            row.relativeDifference.map { String(format: "%.1e", $0) } ?? "", row.rule,
          ]
        })
    }
    print("\(report.passedCount) of \(report.vectorCount) vectors pass.")
  }
}
