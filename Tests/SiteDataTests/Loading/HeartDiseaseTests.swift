import Cohort
import Foundation
import Testing

@testable import SiteData

/// The four hospitals of the UCI heart disease data, read from `WARDROUND_DATA/uci_heart` or
/// `../shared/data/uci_heart` beside the checkout.
@Suite struct HeartDiseaseTests {
  private static let folder: String? = {
    let environment = ProcessInfo.processInfo.environment["WARDROUND_DATA"]
    let beside = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../../../shared/data").standardizedFileURL.path
    return [environment, beside].compactMap { $0.map { $0 + "/uci_heart" } }
      .first { FileManager.default.fileExists(atPath: $0 + "/processed.cleveland.data") }
  }()

  private static let numbers = ["age", "trestbps", "chol", "thalach", "oldpeak"]
  private static let columnNames = [
    "age", "sex", "cp", "trestbps", "chol", "fbs", "restecg", "thalach", "exang", "oldpeak",
    "slope", "ca", "thal", "num",
  ]

  private func description(_ path: String) -> DataDescription {
    let units = ["age": "a", "trestbps": "mm[Hg]", "chol": "mg/dL", "thalach": "/min"]
    return DataDescription(
      file: path, hasHeader: false, missingCodes: ["?", "-9"],
      columns: Self.columnNames.map { name in
        DataDescription.Column(
          name,
          type: Self.numbers.contains(name)
            ? .number : (["sex", "fbs", "exang"].contains(name) ? .flag : .category),
          unit: units[name], missingCodes: name == "chol" ? ["0"] : [])
      })
  }

  private let specification = CohortSpecification(
    features: columnNames.dropLast().map { name in
      if numbers.contains(name) {
        return FeatureSpecification(
          name, kind: .number(unit: nil, hardRange: nil, resolution: nil))
      }
      if ["sex", "fbs", "exang"].contains(name) { return FeatureSpecification(name, kind: .flag) }
      return FeatureSpecification(name, kind: .category(levels: nil))
    },
    outcome: OutcomeSpecification(
      column: "num", positive: .comparison(.greater, 0), name: "coronary disease"),
    holdout: .hash(fraction: 0.3, key: "heart"))

  /// Rows, events and missing counts as the data's own documentation gives them.
  @Test(
    .enabled(if: folder != nil, "the heart disease data are not here"),
    arguments: [
      ("cleveland", 303, 139, ["chol": 0, "ca": 4, "thal": 2, "trestbps": 0, "slope": 0]),
      ("hungarian", 294, 106, ["chol": 23, "ca": 291, "thal": 266, "trestbps": 1, "slope": 190]),
      ("switzerland", 123, 115, ["chol": 123, "ca": 118, "thal": 52, "trestbps": 2, "slope": 17]),
      ("va", 200, 149, ["chol": 56, "ca": 198, "thal": 166, "trestbps": 56, "slope": 102]),
    ])
  func goldenCounts(site: String, rows: Int, events: Int, missing: [String: Int]) throws {
    let folder = try #require(Self.folder)
    let table = try SiteData.load(
      description("\(folder)/processed.\(site).data"), cohort: specification)
    let counts = table.counts(.all)
    #expect(counts[0] == Int64(rows) && counts[1] == Int64(events))
    for (name, count) in missing {
      let index = try #require(Self.columnNames.firstIndex(of: name))
      #expect(counts[3 + 2 * index] == Int64(rows - count), "\(site) \(name)")
    }
    #expect(table.faults.allSatisfy { $0.unreadableCount == 0 })
    // 3.0 at Cleveland and 3 elsewhere are one level.
    let slope = try #require(Self.columnNames.firstIndex(of: "slope"))
    #expect(table.levels(slope) == ["1", "2", "3"])
  }

  @Test(.enabled(if: folder != nil, "the heart disease data are not here"))
  func theCheckFindsTheKnownQuirks() throws {
    let folder = try #require(Self.folder)
    var zeroKept = description("\(folder)/processed.va.data")
    zeroKept.columns[4].missingCodes = []
    let report = SiteCheck.run(zeroKept, site: "va", minimumCell: 10)
    let kinds = Set(report.problems.map { "\($0.kind) \($0.column ?? "")" })
    #expect(kinds.contains("zero-value chol") && kinds.contains("zero-value trestbps"))
    #expect(report.problems.first { $0.kind == "repeated-row" }?.count == 1)
    #expect(report.isUsable && report.rowCount == 200)
    let swiss = SiteCheck.run(
      description("\(folder)/processed.switzerland.data"), site: "ch", minimumCell: 10)
    #expect(swiss.problems.contains { $0.kind == "empty-column" && $0.column == "chol" })
  }
}
