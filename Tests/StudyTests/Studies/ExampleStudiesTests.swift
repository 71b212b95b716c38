import Cohort
import Foundation
import SiteData
import StrictYAML
import Testing

@testable import Study

/// Every file that a reader may copy decodes, and the parts of an example fit each other.
@Suite struct ExampleStudiesTests {
  private static func folders(_ name: String) -> [String] {
    let root = repositoryRoot.appending(path: name)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
    return names.sorted().map { root.appending(path: $0).path }.filter {
      var isFolder: ObjCBool = false
      return FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder)
        && isFolder.boolValue
    }
  }

  @Test func theExamplesAreThere() {
    let studies = Self.folders("studies").map { URL(filePath: $0).lastPathComponent }
    #expect(
      Set(studies).isSuperset(of: [
        "demo-admissions", "demo-admissions-private", "eicu-mortality", "gusto-mortality",
        "heart-disease", "heart-disease-flamby", "icu-mortality",
      ]))
    #expect(Self.folders("sites").count >= 5)
  }

  /// Studies of trees beside another study of the same cohort.
  @Test(arguments: ["demo-admissions", "gusto-mortality"])
  func everyStudyOfTreesDecodes(folder: String) throws {
    let path = repositoryRoot.appending(path: "studies/\(folder)/trees.yaml").path
    let plan = try StudyPlan(yaml: String(contentsOfFile: path, encoding: .utf8), file: path)
    #expect(plan.id == "\(folder)-trees")
    #expect(plan.neededQueries.isSuperset(of: [.treeGrowth, .shapes, .newton]))
    let other = try studyPlan(repositoryRoot.appending(path: "studies/\(folder)").path)
    #expect(plan.cohort == other.cohort)
  }

  @Test(arguments: folders("studies")) func everyStudyDecodes(folder: String) throws {
    let plan = try studyPlan(folder)
    #expect(plan.id == URL(filePath: folder).lastPathComponent)
    let isPrivate = plan.privacy.goal != nil
    #expect(
      plan.neededQueries.isSuperset(
        of: isPrivate
          ? [.marginals, .privateStep, .privatePerformance, .privateDistribution]
          : [.profile, .newton, .performance, .distribution]))
    guard let data = try dataDescription(folder, file: "some.csv") else { return }
    let declared = Set(data.columns.map(\.name))
    for feature in plan.cohort.features {
      #expect(declared.contains(feature.column), "\(feature.name)")
      guard let column = data.column(feature.column), let unit = feature.unit else { continue }
      _ = try UnitConversion.from(
        column.unit, to: unit, feature: feature.name, column: feature.column)
    }
    for criterion in plan.cohort.include { #expect(declared.contains(criterion.column)) }
    #expect(declared.contains(plan.cohort.outcome.column))
    if let column = plan.cohort.patientColumn { #expect(declared.contains(column)) }
    if let column = plan.cohort.holdout.column { #expect(declared.contains(column)) }
  }

  /// The studies that start from records say how the records of a site are read.
  @Test(arguments: ["eicu-mortality", "icu-mortality"])
  func everyStudyFromRecordsSaysHowTheyLie(folder: String) throws {
    let path = repositoryRoot.appending(path: "studies/\(folder)").path
    let plan = try studyPlan(path)
    let records = try RecordsDescription.read(path: "\(path)/records.yaml", folder: "/data")
    #expect(records.sources.count >= 2)
    #expect(plan.cohort.features.count > 25 && plan.records?.outcome != nil)
    #expect(plan.cohort.features.allSatisfy { $0.name != "split" && $0.name != "hospital" })
  }

  @Test(arguments: folders("sites")) func everySiteDecodesAndCanRunTheDemo(folder: String) throws {
    let site = try SiteConfiguration.read(
      path: folder + "/site.yaml", knownQueries: QueryKind.allCases.map(\.rawValue),
      knownDisclosures: Disclosure.allCases.map(\.rawValue))
    #expect(site.site == URL(filePath: folder).lastPathComponent)
    let demo = try studyPlan(repositoryRoot.appending(path: "studies/demo-admissions").path)
    #expect(Set(site.policy.disclose) == Set(demo.validation.disclosures.map(\.rawValue)))
    if let allowed = site.policy.allowedQueries {
      #expect(demo.neededQueries.allSatisfy { allowed.contains($0.rawValue) })
    }
    #expect(site.policy.minimumCell <= demo.privacy.minimumCell)
    let columns = try #require(site.data).columns.map { SourceColumn($0.name, unit: $0.unit) }
    _ = try CohortBuilder(demo.cohort, columns: columns)
  }
}

/// The plan of a study folder.
func studyPlan(_ folder: String) throws -> StudyPlan {
  let path = folder + "/study.yaml"
  return try StudyPlan(yaml: try String(contentsOfFile: path, encoding: .utf8), file: path)
}

/// The description of a study's data files, for one file; nil where the study has none.
func dataDescription(_ folder: String, file: String) throws -> DataDescription? {
  let path = folder + "/data.yaml"
  guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
  let root = try YAMLDocument(text: text, file: path).root.mapping(keys: ["data"])
  return try DataDescription(from: root.required("data"), folder: folder, defaultFile: file)
}
