import Cohort
import DemoData
import Foundation
import SiteData

@testable import Study

/// The demo's hospitals as cohorts of a study.
enum DemoAdmissions {
  static func cohorts(_ plan: StudyPlan, share: Double) throws -> [String: CohortTable] {
    try withCohorts(plan, share: share) { cohorts, _ in cohorts }
  }

  /// Hands the cohorts to a body, and the folder of their files: `NAME/admissions.csv`.
  static func withCohorts<Value>(
    _ plan: StudyPlan, share: Double, _ body: ([String: CohortTable], URL) throws -> Value
  ) throws -> Value {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "wardround-demo-study-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    var cohorts: [String: CohortTable] = [:]
    for site in DemoHospitals.generate(share: share) {
      let own = folder.appending(path: site.hospital.name)
      try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
      try Data(site.csv.utf8).write(to: own.appending(path: "admissions.csv"))
      let text = try String(
        contentsOf: repositoryRoot.appending(path: "sites/\(site.hospital.name)/site.yaml"),
        encoding: .utf8)
      let configuration = try SiteConfiguration.decode(
        text, file: "site.yaml", folder: own.path)
      cohorts[site.hospital.name] = try SiteData.load(configuration, cohort: plan.cohort)
    }
    return try body(cohorts, folder)
  }
}
