import DifferentialPrivacy
import Foundation
import Testing

/// Known answers in files. Each row passes by its own rule.
@Suite struct VectorFileTests {
  private static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  /// Beside the repository, or one level up for a working tree inside another folder.
  private static let shared: URL = {
    let near = root.deletingLastPathComponent()
    let name = "shared/vectors/dp-accounting.json"
    let candidates = [
      near.appending(path: name), near.deletingLastPathComponent().appending(path: name),
    ]
    return candidates.first { FileManager.default.fileExists(atPath: $0.path) } ?? candidates[0]
  }()

  private func report(_ url: URL) throws -> VectorReport {
    let document = try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: url))
    return try VectorFile(document).evaluate()
  }

  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: shared.path),
      "../shared/vectors/dp-accounting.json is not here"))
  func sharedVectorsPass() throws {
    let report = try report(Self.shared)
    for row in report.rows where !row.passed {
      Issue.record("\(row.id) \(row.field): \(row.computed), expected \(row.expected) \(row.rule)")
    }
    #expect(report.vectorCount == 93)
    #expect(report.passed)
  }

  /// Written by protocol/reference/write_privacy_vectors.py.
  @Test func ownVectorsPass() throws {
    let report = try report(Self.root.appending(path: "protocol/vectors/differential-privacy.json"))
    for row in report.rows where !row.passed {
      Issue.record("\(row.id) \(row.field): \(row.computed), expected \(row.expected) \(row.rule)")
    }
    #expect(report.vectorCount > 100)
    #expect(report.passed)
  }
}
