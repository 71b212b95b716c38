import Cohort
import Foundation
import SiteData

@testable import Study

/// The 16 regions of GUSTO-I as cohorts of `studies/gusto-mortality`.
enum Gusto {
  /// `gusto.csv.gz`; nil where it is not there.
  static let file: URL? = dataFolder.map { $0.appending(path: "gusto1/gusto.csv.gz") }.flatMap {
    FileManager.default.fileExists(atPath: $0.path) ? $0 : nil
  }

  static let studyFolder = repositoryRoot.appending(path: "studies/gusto-mortality").path

  /// Cohorts by region, from the files that `prepare.py` writes.
  static func cohorts(_ plan: StudyPlan) throws -> [String: CohortTable] {
    guard let file else { throw TestDataMissing() }
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "wardround-gusto-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let prepared = try Python.run([studyFolder + "/prepare.py", file.path, folder.path])
    guard prepared.status == 0 else { throw TestDataMissing() }
    var cohorts: [String: CohortTable] = [:]
    for region in 1...16 {
      let name = "region-" + (region < 10 ? "0" : "") + String(region)
      guard
        let data = try dataDescription(
          studyFolder, file: folder.appending(path: name + ".csv").path)
      else { throw TestDataMissing() }
      cohorts[name] = try SiteData.load(data, cohort: plan.cohort)
    }
    return cohorts
  }

  struct TestDataMissing: Error {}
}
