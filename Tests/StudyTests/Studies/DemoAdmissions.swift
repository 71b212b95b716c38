import Cohort
import DemoData
import Foundation
import SiteData

@testable import Study

/// The demo's hospitals as cohorts of a study.
enum DemoAdmissions {
  static func cohorts(_ plan: StudyPlan, share: Double) throws -> [String: CohortTable] {
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
    return cohorts
  }
}
