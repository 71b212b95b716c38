import Cohort
import DemoData
import Foundation
import SiteData
import TestSupport
import Testing

@testable import Study

/// `studies/demo-admissions` over the demo's hospitals, a third of their patients, in one process.
@Suite struct DemoStudyTests {
  private static func cohorts(_ plan: StudyPlan) throws -> [String: CohortTable] {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "wardround-demo-study-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    var cohorts: [String: CohortTable] = [:]
    for site in DemoHospitals.generate(share: 0.34) {
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

  @Test func findsWhatWasPlantedByName() async throws {
    let plan = try studyPlan(repositoryRoot.appending(path: "studies/demo-admissions").path)
    let cohorts = try Self.cohorts(plan)
    let study = AgreedStudy.synthetic(plan, sites: cohorts.keys.sorted())
    let result = try await StudyProgram(
      study, over: PooledFederation(study, cohorts: cohorts)
    ).run()
    let findings = result.drift.findings
    let top = findings.prefix(3).map { "\($0.subject) \($0.feature ?? "") \($0.site)" }
    #expect(
      top == [
        "unit creatinine northfield", "feature age hillcrest", "missingness lactate riverside",
      ])
    #expect(findings.first?.sentence.contains("umol/L instead of mg/dL") == true)
    // Temperatures in °F and haemoglobin in g/L are declared and converted: nothing to report.
    for feature in ["temperature", "haemoglobin", "sodium", "heart_rate", "sex"] {
      #expect(!findings.contains { $0.feature == feature }, "\(feature)")
    }
    #expect(findings.count <= 6)
    #expect(result.notes.isEmpty)
    #expect(result.models[0].converged && result.leaveOneSiteOut?.count == 5)
    #expect(result.matrix?.models.count == 6)
    for site in ["st-anna", "lakeside", "riverside", "hillcrest"] {
      #expect(result.performance[0].sites[site]?.discrimination?.value ?? 0 > 0.75, "\(site)")
    }
    // The wrong unit costs the hospital its model; its own model does better there.
    let shared = try #require(result.performance[0].sites["northfield"]?.discrimination)
    let own = try #require(result.ownModels["northfield"]?.discrimination)
    #expect(own.value > shared.value)
  }
}
