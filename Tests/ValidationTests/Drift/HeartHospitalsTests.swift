import Foundation
import Testing

@testable import Validation

/// The four UCI heart disease hospitals; read from the shared data folder, skipped without it.
@Suite struct HeartHospitalsTests {
  static let folder: URL? = {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let places = [
      ProcessInfo.processInfo.environment["WARDROUND_DATA"].map { URL(fileURLWithPath: $0) },
      root.deletingLastPathComponent().appendingPathComponent("shared/data"),
    ]
    return places.compactMap { $0?.appendingPathComponent("uci_heart") }
      .first { FileManager.default.fileExists(atPath: $0.path) }
  }()

  static let sites = ["cleveland", "hungarian", "switzerland", "va"]

  /// The columns of a hospital's file; NaN where a value is missing.
  func columns(_ site: String, in folder: URL) throws -> [[Double]] {
    let file = folder.appendingPathComponent("processed.\(site).data")
    var columns = [[Double]](repeating: [], count: 14)
    for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false)
      for index in 0..<14 { columns[index].append(Double(cells[index]) ?? .nan) }
    }
    return columns
  }

  @Test(.enabled(if: folder != nil, "set WARDROUND_DATA to the folder of the shared data sets"))
  func knownFactsAreFound() throws {
    let folder = try #require(Self.folder)
    let data = try Self.sites.map { try columns($0, in: folder) }
    #expect(data.map { $0[0].count } == [303, 294, 123, 200])

    // The hospital label alone, as a score: scikit-learn gives 0.7196329810371942 on all 920 rows.
    var scores: [Double] = []
    var outcomes: [Bool] = []
    for table in data {
      let sick = table[13].map { $0 > 0 }
      let prevalence = Double(sick.filter { $0 }.count) / Double(sick.count)
      scores += sick.map { _ in prevalence }
      outcomes += sick
    }
    let label = try AUROC.evaluate(scores: scores, outcomes: outcomes)
    #expect(close(label?.value, 0.7196329810371942))

    // With cholesterol 0 read as missing, all 123 Swiss patients lack it.
    let profiles = try Self.sites.indices.map { index in
      SiteProfile(
        site: Self.sites[index],
        features: [
          try FeatureSummary.numeric(
            feature: "age", values: data[index][0], cuts: [40, 45, 50, 55, 60, 65],
            minimumCell: 5),
          try FeatureSummary.numeric(
            feature: "chol", values: data[index][4].map { $0 == 0 ? .nan : $0 },
            cuts: [180, 200, 220, 240, 260, 280, 300], minimumCell: 5),
        ],
        performance: try HoldoutEvaluation.evaluate(
          probabilities: data[index][0].map { $0 / 100 }, outcome: data[index][13].map { $0 > 0 },
          threshold: 0.5, minimumCell: 10))
    }
    let report = DriftReport(
      profiles: profiles,
      descriptions: [
        FeatureDescription(feature: "age", unit: "a"),
        FeatureDescription(feature: "chol", label: "cholesterol", unit: "mg/dL"),
      ], unitFactors: UnitFactor.common)
    let sentences = report.findings.map(\.sentence)
    #expect(
      sentences.contains { $0.hasPrefix("cholesterol at switzerland: missing in 100 % against") })
    #expect(sentences.contains { $0.hasPrefix("age at hungarian: younger (median 49 against 5") })
    #expect(!report.findings.contains { $0.subject == .unit })

    // 115 of the 123 Swiss patients have the disease: the 8 others are fewer than ten.
    let swiss = try #require(profiles[2].performance)
    #expect(swiss.suppressed == .smallClass)
    #expect(swiss.patientCount == 123 && swiss.eventCount == nil)
    #expect(swiss.observedExpected != nil)
  }
}
